"""Sweeps of the energy: the rows of a table of fly scans, and where the Bragg angle is at any time of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sim.errors import SimulationInputError
from sim.ioc.records.motor_profile import approach
from sim.ioc.xas.equipment.monochromator import HIGH_KEV, LOW_KEV, bragg_angle_deg, bragg_energy_ev
from sim.physics.beamline_state import BeamlineState, Stretch

COLUMNS = 6
"""Numbers in a row: first and last energy keV, speed keV/s, length of a frame s, shutter, scan index."""

MOST_SWEEPS = 4096
"""Largest number of rows of a table."""

SHORTEST_FRAME_S = 0.001
"""Shortest frame of a fly scan, s (chosen: the cycle of a typical motion controller)."""

GAUSS = 1 / math.sqrt(3.0)
"""Nodes of Gauss's rule with two points: means over a path are exact up to the third order of its length."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One row: from one energy to another, keV, at a speed in keV/s; `scan_index` is a label that frames repeat."""

    first_kev: float
    last_kev: float
    kev_per_s: float
    frame_s: float
    shutter_open: bool
    scan_index: int


def parse_sweeps(
    values: Sequence[float], *, frames: int, ramp_s: float, check_angle: Callable[[float], None]
) -> list[Sweep]:
    """Return the sweeps of a table as it was written, flat and row by row.

    `frames`: largest number of frames of all sweeps together; `ramp_s`: time of the motor to its speed (s);
    `check_angle` raises SimulationInputError for an angle (degrees) that is not permitted. Raises that error too for a
    table without rows, with an incomplete one, with too many frames, or with a sweep that the monochromator cannot
    make.
    """
    if not values or len(values) % COLUMNS or len(values) > MOST_SWEEPS * COLUMNS:
        raise SimulationInputError(
            f"a table of {len(values)} numbers; give {COLUMNS} per sweep, for 1 to {MOST_SWEEPS} sweeps"
        )
    sweeps = [_sweep(values[start : start + COLUMNS]) for start in range(0, len(values), COLUMNS)]
    for number, sweep in enumerate(sweeps):
        within = all(LOW_KEV <= end <= HIGH_KEV for end in (sweep.first_kev, sweep.last_kev))
        moves = sweep.first_kev != sweep.last_kev and 0 < sweep.kev_per_s < math.inf
        if not (within and moves and SHORTEST_FRAME_S <= sweep.frame_s < math.inf):
            raise SimulationInputError(f"row {number} cannot be flown: {sweep}")
        for end in (sweep.first_kev, sweep.last_kev):
            check_angle(bragg_angle_deg(end * 1e3))
    total = sum(SweepPath(sweep, ramp_s).frames for sweep in sweeps)
    if total > frames:
        raise SimulationInputError(f"{total} frames; the ring holds {frames}: give fewer sweeps or longer frames")
    return sweeps


def _sweep(numbers: Sequence[float]) -> Sweep:
    first_kev, last_kev, kev_per_s, frame_s, shutter, scan_index = numbers
    return Sweep(
        first_kev=first_kev,
        last_kev=last_kev,
        kev_per_s=kev_per_s,
        frame_s=frame_s,
        shutter_open=shutter > 0,
        scan_index=int(scan_index),
    )


class SweepPath:
    """The motion of the Bragg angle during `sweep`, from rest to rest, as the motor record makes it.

    The angle moves at constant speed, which is that of the sweep in its middle; `ramp_s` is the record's ACCL. Frames
    follow each other without gaps, also through both ramps: `frames` of `frame_s` seconds.
    """

    # dE/dtheta = -E / tan(theta) changes by 2 % over 120 eV at 13.5 keV, so a constant speed of the angle is one of the
    # energy to 1 % of its middle.

    def __init__(self, sweep: Sweep, ramp_s: float) -> None:
        first_deg, last_deg = (bragg_angle_deg(end * 1e3) for end in (sweep.first_kev, sweep.last_kev))
        middle_deg = (first_deg + last_deg) / 2
        ev_per_deg = bragg_energy_ev(middle_deg) / math.tan(math.radians(middle_deg)) * math.pi / 180
        speed = sweep.kev_per_s * 1e3 / ev_per_deg
        acceleration = speed / ramp_s if ramp_s > 0 else math.inf
        self._profile = approach(first_deg, 0.0, last_deg, speed, acceleration)
        self.sweep = sweep
        self.duration_s = self._profile.duration_s
        self.frames = max(round(self.duration_s / sweep.frame_s), 1)
        self.frame_s = self.duration_s / self.frames

    def angle_deg(self, elapsed_s: float) -> float:
        """Return the encoder's angle, degrees, `elapsed_s` after the start of the sweep."""
        return self._profile.state(elapsed_s)[0]

    def energy_ev(self, elapsed_s: float) -> float:
        """Return the encoder's energy, eV, `elapsed_s` after the start of the sweep."""
        return bragg_energy_ev(self.angle_deg(elapsed_s))


class DrivePlay:
    """Play of a moving drive: the true energy stays behind the encoder by half of `play_ev`, eV, in both directions.

    After a reversal the encoder crosses the whole play before the crystal follows. At rest the drive settles into the
    middle (chosen), so single steps, which wait for it, show nothing of it.
    """

    def __init__(self, play_ev: float) -> None:
        self._half_ev = play_ev / 2
        self._true_ev: float | None = None

    def true_ev(self, encoder_ev: float) -> float:
        """Return the true energy when the encoder comes to `encoder_ev`, both in eV; call it in the order of time."""
        here = encoder_ev if self._true_ev is None else self._true_ev
        self._true_ev = min(max(here, encoder_ev - self._half_ev), encoder_ev + self._half_ev)
        return self._true_ev

    def rest(self) -> None:
        """Let the drive settle at rest."""
        self._true_ev = None


def along(stretches: Sequence[Stretch], energy_at: Callable[[float], float]) -> list[Stretch]:
    """Return the states of a frame with the energy that they truly had, (2 per state) of equal seconds.

    `energy_at` returns the true energy, eV, at a time in s from the beginning of the frame; it is asked in order of
    time.
    """
    # Counts of parts of a frame are drawn from their own means, so their sum is Poisson with the mean over the path.
    # The history has sampled the moving motor as well; only what changed besides the energy divides a frame.
    merged: list[tuple[BeamlineState, float]] = []
    for state, seconds in stretches:
        plain = replace(state, energy_ev=0.0)
        if merged and merged[-1][0] == plain:
            merged[-1] = (plain, merged[-1][1] + seconds)
        else:
            merged.append((plain, seconds))
    found = []
    begin_s = 0.0
    for plain, seconds in merged:
        for node in (1 - GAUSS, 1 + GAUSS):
            true_ev = energy_at(begin_s + seconds / 2 * node)
            found.append((replace(plain, energy_ev=true_ev), seconds / 2))
        begin_s += seconds
    return found
