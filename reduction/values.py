"""A number with its standard error."""

from __future__ import annotations

from typing import NamedTuple

from reduction.number_text import with_error


class Value(NamedTuple):
    """A number with its standard error, in the unit of its name."""

    value: float
    sigma: float

    def __str__(self) -> str:
        """Return `142 ± 22`."""
        return with_error(self.value, self.sigma)
