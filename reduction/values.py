"""A number with its standard error."""

from __future__ import annotations

from typing import NamedTuple


class Value(NamedTuple):
    """A number with its standard error, in the unit of its name."""

    value: float
    sigma: float
