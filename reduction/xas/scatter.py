"""How much the scans of a run scatter, compared with their counting errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


class ScatterRatio(NamedTuple):
    """Scatter between scans over the counting error, 1 if photon-limited; `sigma` is the error of the ratio."""

    ratio: float
    sigma: float
    degrees_of_freedom: int
