"""Time per step that hardware needs beyond the dwell: a sequence of `delay_scan` against stock `bp.scan`."""

from __future__ import annotations

from typing import Any

import bluesky.plans as bp
import numpy as np
from bluesky import RunEngine

import plans
from devices.beamline import Beamline
from trxas.benchmarks.entry import Entries, Entry
from trxas.benchmarks.steps import DWELL_S, REPETITIONS, SPEED, STEPS, Seconds, _steps, _stock

FRAMES = 300
"""Frames of a sequence: 3 s of wall time."""

SETTLED_DWELL_S = 6.0
SETTLED_POINTS = 4
SETTLED_REPETITIONS = 2


def bench_sequences(beamline: Beamline) -> Entries:
    """Measure sequences on a connected beamline simulated at SPEED.

    `sequence_dead_time_ratio`: dead time per frame, ms; `sequence_duty`: share of the time that counts. Both are what
    computers and network cost: at this speed the 20 ms in which the laser follows each step of the delay become 20 us,
    and the motion of the baseline next to nothing. `bench_settled_duty` has these.
    """
    engine = RunEngine({})
    stock, motor = _stock(beamline.configuration.epics.prefix, beamline.point.describe())
    ours = []
    stocks = []
    # In turn, so that a machine that is busy for a while slows both alike.
    for _ in range(REPETITIONS):
        ours.append(_dead_time_s(engine, beamline))
        stocks.append(float(np.mean(_steps(engine, bp.scan([*stock], motor, 10, 11, STEPS), stock[0]))))
    dwell_s = DWELL_S / SPEED
    return {
        "sequence_dead_time_ratio": Entry.of([1e3 * dead for dead in ours], [1e3 * dead for dead in stocks], "ms"),
        "sequence_duty": Entry.of(
            [dwell_s / (dwell_s + dead) for dead in ours], [dwell_s / (dwell_s + dead) for dead in stocks], "1"
        ),
    }


def bench_settled_duty(beamline: Beamline, speed: float) -> Entries:
    """Measure sequences of exposures of 6 s on a connected beamline that is simulated `speed` times as fast as real.

    `sequence_duty_settled`: share of the beam time that counts, by the times at which the gates of the frames closed,
    with the time in which the laser settles: 20 ms. The baseline is stock `bp.scan` with its motion; what the computer
    does between its steps weighs `speed` times as much there as in real time.
    """
    engine = RunEngine({})
    stock, motor = _stock(beamline.configuration.epics.prefix, beamline.point.describe())
    stock[0].preset_time.put(SETTLED_DWELL_S, wait=True)
    dwell_s = SETTLED_DWELL_S / speed
    # As far apart as the steps of the other benchmarks.
    last = 10 + (SETTLED_POINTS - 1) / (STEPS - 1)
    ours = []
    stocks = []
    for _ in range(SETTLED_REPETITIONS):
        ends_s = _ends_s(engine, beamline, SETTLED_POINTS, SETTLED_DWELL_S)
        ours.append(dwell_s / float(np.mean(np.diff(ends_s))))
        steps = _steps(engine, bp.scan([*stock], motor, 10, last, SETTLED_POINTS), stock[0], dwell_s)
        stocks.append(dwell_s / (dwell_s + float(np.mean(steps))))
    return {"sequence_duty_settled": Entry.of(ours, stocks, "1")}


def _dead_time_s(engine: RunEngine, beamline: Beamline) -> Seconds:
    """Return the mean time between two frames beyond their dwell, s, by the times at which their gates closed."""
    return float(np.mean(np.diff(_ends_s(engine, beamline, FRAMES, DWELL_S)))) - DWELL_S / SPEED


def _ends_s(engine: RunEngine, beamline: Beamline, frames: int, dwell_s: float) -> list[Seconds]:
    """Return when the gates of each frame of a sequence closed by the clock of the IOC, s since the epoch."""
    ends_s: list[Seconds] = []

    def note(_name: str, page: dict[str, Any]) -> None:
        ends_s.extend(page["timestamps"]["exposure_s"])

    token = engine.subscribe(note, "event_page")
    delays = np.linspace(-500, 500, frames).tolist()
    engine(plans.delay_scan(beamline, "Br K", delays_ps=delays, dwell_s=dwell_s, repeats=1, stepping="hardware"))
    engine.unsubscribe(token)
    return ends_s
