"""Upper limits, where an image does not spread measurably."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reduction.number_text import with_error

if TYPE_CHECKING:
    from reduction.values import Value

MEASURED = 2.0
"""Diffusivity in errors above which it counts as measured."""

ONE_SIDED_95 = 1.645
"""Standard deviations of a one-sided limit at 95 %."""


def is_measured(diffusivity: Value) -> bool:
    """Return whether a diffusivity is above twice its error."""
    return diffusivity.value > MEASURED * diffusivity.sigma


def upper_limit(diffusivity: Value) -> float:
    """Return the upper limit at 95 %, cm2/s: 1.645 errors above the value, or above 0 if noise made it negative."""
    return max(diffusivity.value, 0.0) + ONE_SIDED_95 * diffusivity.sigma


def diffusivity_text(diffusivity: Value) -> str:
    """Return `0.0721 ± 0.0008 cm2/s`, with the upper limit at 95 % where the image does not spread measurably."""
    measured = with_error(*diffusivity, "cm2/s")
    return measured if is_measured(diffusivity) else f"below {upper_limit(diffusivity):.2g} cm2/s (95 %; {measured})"
