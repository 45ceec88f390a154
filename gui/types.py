"""Type aliases that several parts of the window share."""

from __future__ import annotations

from typing import Literal, TypeAlias

Rectangle: TypeAlias = tuple[int, int, int, int]
"""Part of an image in pixels: first row, first column, number of rows, number of columns."""

Severity: TypeAlias = Literal["good", "warning", "bad", "unknown"]
"""Severity of a state; every state also has a word and a shape, because colour alone is not enough."""

Side: TypeAlias = Literal["left", "right"]
"""Side of the window on which a dock starts."""
