"""Photons of the pumped gate beside those of the unpumped ones, and the change between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.values import Value

if TYPE_CHECKING:
    from reduction.types import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class PhotonPairs:
    """Corrected photons of the pumped gate and of the unpumped ones, with their variances: arrays of one shape.

    `unpumped` are the photons of all references, per as many pulses as the pumped gate has. `efficiency` is the ratio
    of both in the exposures with the laser blocked, one for all points; None without such exposures.
    `blocked_variance` is the relative variance of the unpumped photons of those exposures.
    """

    pumped: FloatArray
    unpumped: FloatArray
    pumped_variance: FloatArray
    unpumped_variance: FloatArray
    efficiency: Value | None = None
    blocked_variance: float = 0.0

    @property
    def change(self) -> FloatArray:
        """ln(pumped / unpumped), in the shape of the photons: jet and flux cancel, as both are of the same exposure.

        Minus the same with the laser blocked, where it was measured: what is left is due to the laser.
        """
        gates = 0.0 if self.efficiency is None else math.log(self.efficiency.value)
        return np.asarray(np.log(self.pumped / self.unpumped) - gates)

    @property
    def sigma(self) -> FloatArray:
        """Counting error of each point of `change`, in the same shape; that of the efficiency is common to all."""
        relative = self.pumped_variance / self.pumped**2 + self.unpumped_variance / self.unpumped**2
        return np.asarray(np.sqrt(relative))

    @property
    def total_sigma(self) -> FloatArray:
        """Error of `change` at each point by itself, in the same shape, with that of the efficiency."""
        common = 0.0 if self.efficiency is None else self.efficiency.sigma / self.efficiency.value
        return np.asarray(np.hypot(self.sigma, common))


@dataclass(frozen=True, kw_only=True)
class PumpedPhotons(PhotonPairs):
    """Photons at every measured point, (points,).

    `index` (points,) counts the planned points; `positions` (points, axes) are mean read-backs in the units of the
    axes.
    """

    index: IntArray
    positions: FloatArray
