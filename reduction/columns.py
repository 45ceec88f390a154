"""The decorator that marks functions of a user's file as columns of the night's table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

UNIT_ATTRIBUTE = "column_unit"
"""Attribute of a function that is a column: the unit of what it returns."""


def column(*, unit: str = "") -> Callable[[Function], Function]:
    """Return a decorator that makes a function a column of the night's table, in that `unit`.

    The function is called with a run and returns a number, a pair of a number and its error, a text, or None.
    """

    def marked(function: Function) -> Function:
        setattr(function, UNIT_ATTRIBUTE, unit)
        return function

    return marked
