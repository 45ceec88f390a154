"""Dose of every spot of the sample that a session has lit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

FRESH_SPOT_UM = 1.0
"""Distance on the sample from which a spot counts as another one, um: two widths of the laser's spot."""

Place = tuple[float, float]
"""Place of the sample stage, x and y, um."""


@dataclass(kw_only=True)
class SpotDoses:
    """Doses, nW s, of spots by their places; `limit_nw_s` is the largest dose of one spot, infinite without a limit.

    The dose is the power outside the microscope times the time with an open laser shutter.
    """

    limit_nw_s: float = math.inf
    _spots: dict[Place, float] = field(default_factory=dict)

    def at(self, place: Place) -> float:
        """Return the dose of the spot at a place, nW s; 0 for a fresh one."""
        return self._spots.get(self._spot(place), 0.0)

    def add(self, place: Place, dose_nw_s: float) -> None:
        """Add a dose, nW s, to the spot at a place."""
        spot = self._spot(place)
        self._spots[spot] = self._spots.get(spot, 0.0) + dose_nw_s

    def _spot(self, place: Place) -> Place:
        near = (spot for spot in self._spots if math.dist(spot, place) <= FRESH_SPOT_UM)
        return min(near, key=lambda spot: math.dist(spot, place), default=place)
