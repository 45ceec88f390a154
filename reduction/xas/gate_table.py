"""Photons of every gate at every point, with the laser open and blocked, as one detector counted them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import FloatArray

OWN = ""
"""Name under which the first detector that counts is summed."""


@dataclass(frozen=True, kw_only=True)
class GateTable:
    """Running sums of one detector, `sums` (3, shutter, points, gates): corrected photons, variances, pulses.

    For a detector that gives a signal: the signal, its variance, and the seconds of its exposures.
    """

    sums: FloatArray

    @classmethod
    def empty(cls, points: int, gates: int) -> GateTable:
        """Return a table of zeros of photons, variances and pulses, shape (3, 2, points, gates)."""
        return cls(sums=np.zeros((3, 2, points, gates)))

    @property
    def variance(self) -> FloatArray:
        """Variances of the photons, shape (shutter, points, gates)."""
        return np.asarray(self.sums[1])

    def snapshot(self) -> GateTable:
        """Return a copy of the sums, shape (3, shutter, points, gates)."""
        return GateTable(sums=self.sums.copy())

    def pooled(self) -> GateTable:
        """Return the table with variances that are proportional to the seconds, pooled per gate over all points."""
        # One exposure estimates its own variance with a relative error of 1.4, which no fit could weigh by.
        signal, variance, seconds = self.sums
        per_s = variance.sum(axis=(0, 1)) / np.maximum(seconds.sum(axis=(0, 1)), 1e-12)
        return GateTable(sums=np.array([signal, per_s * seconds, seconds]))

    def pairs(self, shutter: int, pumped: int, references: Sequence[int]) -> FloatArray:
        """Return photons of the `pumped` gate and of the `references`, and both variances, shape (4, points).

        Those of the references are summed, and scaled to the pulses of the pumped gate; 0 where there are none.
        """
        photons, variance, pulses = self.sums[:, shutter]
        opened = pulses[:, references].sum(axis=1)
        scale = np.divide(pulses[:, pumped], opened, out=np.zeros_like(opened), where=opened > 0)
        return np.array(
            [
                photons[:, pumped],
                photons[:, references].sum(axis=1) * scale,
                variance[:, pumped],
                variance[:, references].sum(axis=1) * scale**2,
            ]
        )
