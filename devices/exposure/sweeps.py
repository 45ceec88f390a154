"""Sweeps of the energy: the bins of a fly scan, how fast it goes, and the frames that it counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from devices.configuration import ExposureSettings, FlySettings
from devices.exposure.frame_player import FramePlayer
from devices.exposure.sequence_frames import HEAD, FrameLayout, SequenceFrame
from devices.types import FloatArray
from errors import InputError, OutOfRangeError

FRAMES_PER_BIN = 5
"""Number of frames that a bin should have: their own width then adds 2 % to that of the bin (chosen)."""

LONGEST_FRAME_S = 0.05
"""Longest frame, s: the window shows a bin soon after it was counted."""

EQUAL_STEPS = 1e-4
"""Largest difference of two steps of one grid, relative to their size."""


@dataclass(frozen=True, kw_only=True)
class SweepGrid:
    """Bins of a fly scan: `points` of them from `first_ev` in steps of `step_ev`, each crossed in `bin_s` seconds.

    Frames are `frame_s` seconds long. A sweep goes `run_up_ev` beyond the outer bins and reaches its speed in `ramp_s`.
    """

    first_ev: float
    step_ev: float
    points: int
    bin_s: float
    frame_s: float
    run_up_ev: float
    ramp_s: float

    @property
    def speed_ev_s(self) -> float:
        """Speed of the energy, eV/s."""
        return self.step_ev / self.bin_s

    @property
    def broadening_ev(self) -> float:
        """Standard deviation, eV, of the energies counted in one bin: by its width, and by the energy range of a frame.

        Both are uniform, and a uniform distribution of width w has the variance w^2 / 12.
        """
        return math.hypot(self.step_ev, self.speed_ev_s * self.frame_s) / math.sqrt(12.0)

    def edges_ev(self, first: int, last: int) -> tuple[float, float]:
        """Return the lower edge of bin `first` and the upper edge of bin `last`, eV, with the run-up beyond them."""
        half_ev = self.step_ev / 2 + self.run_up_ev
        return self.first_ev + first * self.step_ev - half_ev, self.first_ev + last * self.step_ev + half_ev

    def bin_of(self, energy_ev: float) -> int | None:
        """Return the bin with the energy, eV, in it; None outside the scan."""
        # `first_ev` is the centre of bin 0, whose lower edge lies half a step below it.
        place = math.floor((energy_ev - self.first_ev) / self.step_ev + 0.5)
        return place if 0 <= place < self.points else None

    def sweep_s(self, bins: int) -> float:
        """Return how long a sweep over some bins takes, s, from rest to rest."""
        return (bins * self.step_ev + 2 * self.run_up_ev) / self.speed_ev_s + self.ramp_s

    def frames(self, bins: int) -> int:
        """Return the number of frames of a sweep over some bins."""
        return max(round(self.sweep_s(bins) / self.frame_s), 1)

    def document(self) -> dict[str, float]:
        """Return what a start document states: widths in eV, times in s, speed in eV/s."""
        return {
            "step_ev": self.step_ev,
            "bin_s": self.bin_s,
            "frame_s": self.frame_s,
            "speed_ev_s": self.speed_ev_s,
            "sweep_s": self.sweep_s(self.points),
            "broadening_ev": self.broadening_ev,
        }


def sweep_grid(energies_ev: Sequence[float], bin_s: float, settings: FlySettings) -> SweepGrid:
    """Return the bins of a fly scan around equidistant energies, eV, each crossed in `bin_s` seconds.

    Raises InputError for steps that differ, OutOfRangeError for a speed that the monochromator does not have, a bin too
    short for its frames, or a sweep with more frames than the ring holds.
    """
    if len(energies_ev) < 2:
        raise InputError(f"A fly scan over {len(energies_ev)} energy: give at least two, or step with the plan.")
    steps = [later - earlier for earlier, later in pairwise(energies_ev)]
    step_ev = (energies_ev[-1] - energies_ev[0]) / len(steps)
    if max(abs(one - step_ev) for one in steps) > EQUAL_STEPS * step_ev + 1e-6:
        raise InputError(
            f"Steps of {min(steps):g} to {max(steps):g} eV: a sweep has one speed, so all its bins have one width. "
            "Give one region with one step, or stepping='software'."
        )
    # With one frame per bin, a frame that lies across two bins would leave one of them empty.
    shortest_s = 2 * settings.frame_low_s
    if bin_s < shortest_s:
        raise OutOfRangeError("bin_s", bin_s, shortest_s, math.inf, "s", "A bin needs two frames at least.")
    grid = SweepGrid(
        first_ev=energies_ev[0],
        step_ev=step_ev,
        points=len(energies_ev),
        bin_s=bin_s,
        frame_s=min(max(bin_s / FRAMES_PER_BIN, settings.frame_low_s), LONGEST_FRAME_S),
        run_up_ev=settings.run_up_ev,
        ramp_s=settings.ramp_s,
    )
    _check_grid(grid, settings)
    return grid


def _check_grid(grid: SweepGrid, settings: FlySettings) -> None:
    """Raise OutOfRangeError for a speed, eV/s, or a number of frames that the hardware does not have."""
    low = settings.speed_low_ev_s
    high = settings.speed_high_ev_s
    if not low <= grid.speed_ev_s <= high:
        remedy = f"Steps of {grid.step_ev:g} eV in bin_s = {grid.bin_s:g} s give that: change one of them."
        raise OutOfRangeError("speed of the sweep", grid.speed_ev_s, low, high, "eV/s", remedy)
    if grid.frames(grid.points) > settings.rows:
        raise OutOfRangeError(
            "frames of a sweep", grid.frames(grid.points), 1, settings.rows, "frames",
            "The ring must hold a whole sweep: give fewer energies, or a shorter bin_s.",
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FlySweep:
    """One sweep as the hardware takes it: from one energy to another at a speed, in keV and keV/s."""

    first_kev: float
    last_kev: float
    kev_per_s: float
    frame_s: float
    shutter: int
    scan_index: int


def sweep_table(sweeps: Sequence[FlySweep]) -> FloatArray:
    """Return the table of the sweeps, flat and row by row, shape (6 x sweeps,).

    A row is the first and last energy, keV, the speed, keV/s, the time of a frame, s, shutter and scan index.
    """
    rows = [(one.first_kev, one.last_kev, one.kev_per_s, one.frame_s, one.shutter, one.scan_index) for one in sweeps]
    return np.asarray(rows, dtype=float).ravel()


@dataclass(frozen=True, kw_only=True)
class FlyFrame(SequenceFrame):
    """One frame of a sweep, with the energy by the encoder, keV: mean, standard deviation, first and last.

    The point index of its `place` is -1: its bin follows from the energy.
    """

    mean_kev: float
    spread_kev: float
    first_kev: float
    last_kev: float


class FlyLayout(FrameLayout):
    """Layout of the frames of fly scans: four more numbers at the beginning, from the encoder."""

    head = HEAD + 4
    table = "[fly]"

    def _frame(self, number: int, values: FloatArray) -> FlyFrame:
        mean, spread, first, last = (float(value) for value in values[HEAD : self.head])
        return FlyFrame(
            place=(int(values[1]), -1, int(values[2])),
            part=0,
            mean_kev=mean,
            spread_kev=spread,
            first_kev=first,
            last_kev=last,
            **self._common(number, values),
        )


class FlyScans(FramePlayer):
    """The records of the fly scans."""

    what = "a fly scan"

    def __init__(self, settings: FlySettings, exposure: ExposureSettings, *, prefix: str, name: str) -> None:
        layout = FlyLayout(exposure, watched=settings.watched, pv=prefix + settings.frames)
        super().__init__(settings, layout, prefix=prefix, name=name)

    def arm(self, sweeps: Sequence[FlySweep], *, token: int, watch: Sequence[str]) -> None:
        """Make the hardware ready for `sweeps`, with the range of the PVs named in `watch` in each frame.

        Raises AcquisitionError with its own reason if it refuses, NotConnectedError if unanswered.
        """
        self.arm_rows(sweep_table(sweeps), f"{len(sweeps)} sweeps", token=token, watch=watch)
