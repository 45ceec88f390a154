"""What a sequence is to measure: its exposures in order, each with its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.sequence_frames import Place
from devices.shutter import ShutterCode


@dataclass(frozen=True, kw_only=True)
class PlannedFrame:
    """One exposure to be measured: where everything must be, its seconds, and the slices in which it is counted."""

    targets: ExposureTargets
    dwell_s: float
    slices: int = 1

    @property
    def place(self) -> Place:
        """Key of the exposure within its run."""
        targets = self.targets
        shutter = ShutterCode.OPEN if targets.laser_shutter is None else targets.laser_shutter
        return targets.scan_index, targets.point_index, int(shutter)


@dataclass(frozen=True, kw_only=True)
class FrameSequence:
    """A table of `frames` to be played in order; `token` is the number of the run, which its frames repeat."""

    frames: Sequence[PlannedFrame]
    token: int
