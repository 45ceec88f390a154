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


def bench_sequences(beamline: Beamline) -> Entries:
    """Measure sequences on a connected beamline: dead time per frame in ms, and the share of the time that counts."""
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


def _dead_time_s(engine: RunEngine, beamline: Beamline) -> Seconds:
    """Return the mean time between two frames beyond their dwell, s, by the times at which their gates closed."""
    ends_s: list[float] = []

    def note(_name: str, page: dict[str, Any]) -> None:
        ends_s.extend(page["timestamps"]["exposure_s"])

    token = engine.subscribe(note, "event_page")
    delays = np.linspace(-500, 500, FRAMES).tolist()
    engine(plans.delay_scan(beamline, "Br K", delays_ps=delays, dwell_s=DWELL_S, stepping="hardware"))
    engine.unsubscribe(token)
    return float(np.mean(np.diff(ends_s))) - DWELL_S / SPEED
