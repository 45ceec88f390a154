"""What counts as a number a person may give."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from errors import InputError


def is_finite_number(value: Any) -> bool:
    """Whether `value` is a real number, of Python or numpy, that is finite; truth values are not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def finite_number(value: Any, name: str, unit: str) -> float:
    """`value` as a float; raises InputError naming what it is for and its unit."""
    if not is_finite_number(value):
        raise InputError(f"{name} = {value!r} is not a finite number. Give a value in {unit}.")
    return float(value)
