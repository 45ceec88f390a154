"""Checks that a value is a finite number."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from errors import InputError


def is_finite_number(value: Any) -> bool:
    """Return whether `value` is a finite real number of Python or numpy; a bool is not. Never raises."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def finite_number(value: Any, name: str, unit: str) -> float:
    """Return `value` as a float; raises InputError, with `name` and `unit` of the quantity, if it is not finite."""
    if not is_finite_number(value):
        wanted = f"a value in {unit}" if unit else "a number"
        raise InputError(f"{name} = {value!r} is not a finite number. Give {wanted}.")
    return float(value)
