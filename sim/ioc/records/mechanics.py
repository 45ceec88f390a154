"""The mechanics that a simulated motor record drives: unit, travel, resolution and speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.errors import SimulationInputError

UNITS_LENGTH = 7
"""Longest EGU, characters: Channel Access' control structures have 8 bytes, one of them a null."""

RAW_STEPS_MAX = 2**31 - 1
"""Raw positions are 32-bit integers in the motor record."""


@dataclass(frozen=True, kw_only=True)
class Mechanics:
    """One axis as its motor record is configured.

    `egu` is the unit of `low`, `high` (soft limits), `initial`, `backlash` (BDST) and `resolution` (size of a motor
    step, on which the axis comes to rest); `velocity` is in egu per second of beam, `acceleration_s` the time to reach
    it. At the start user and dial coordinates are the same.
    """

    egu: str
    low: float
    high: float
    velocity: float
    acceleration_s: float = 0.1
    initial: float = 0.0
    backlash: float = 0.0
    precision: int = 4
    resolution: float = 1e-4

    @property
    def acceleration(self) -> float:
        """Acceleration, egu/s2; an acceleration time of 0 s counts as 1 ms here, as JAR must be finite."""
        return self.velocity / (self.acceleration_s if self.acceleration_s > 0 else 1e-3)

    def check(self, name: str) -> None:
        """Raise SimulationInputError unless a motor record `name` can have these numbers."""
        if len(self.egu) > UNITS_LENGTH:
            raise SimulationInputError(f"{name}: EPICS keeps {UNITS_LENGTH} characters of a unit; shorten {self.egu!r}")
        self._check_travel(name)
        speeds_are_numbers = math.isfinite(self.velocity) and math.isfinite(self.acceleration_s)
        if not (speeds_are_numbers and self.velocity > 0 and self.acceleration_s >= 0):
            raise SimulationInputError(f"{name}: velocity must be above 0 and acceleration_s at least 0")

    def _check_travel(self, name: str) -> None:
        low = self.low
        high = self.high
        if not (math.isfinite(low) and math.isfinite(high) and low <= self.initial <= high and low < high):
            raise SimulationInputError(
                f"{name}: need low < high and low <= initial <= high, not {low}, {high}, {self.initial}"
            )
        furthest = max(abs(low), abs(high))
        if not self.resolution > 0 or furthest / self.resolution > RAW_STEPS_MAX:
            raise SimulationInputError(
                f"{name}: {low:g} to {high:g} in steps of {self.resolution:g} does not fit 32-bit raw positions; "
                f"choose a resolution of at least {furthest / RAW_STEPS_MAX:.2g}"
            )
