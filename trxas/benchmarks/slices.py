"""Beam time that a bubble costs: an exposure counted in slices against one that is measured again as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from bluesky import RunEngine
from epics import caput

import plans
from devices.beamline import Beamline
from reduction.slices import slices_of
from trxas.benchmarks.entry import Entries, Entry

DWELL_S = 6.0
SLICE_S = 0.05
POINTS = 16
REPETITIONS = 3

BUBBLES = {"DipS": 0.05, "PerS": 0.05, "FlowDrop": 0.0, "Depth": 0.8}
"""Bubbles of 50 ms, one in twenty seconds, which the flow meter does not see."""

FAULT = "7idd:sim:Fault:Bubbles"
LASTING_S = 1e6
"""Beam time for which the fault is switched on, s: longer than the measurement, which switches it off."""


def bench_slices(beamline: Beamline) -> Entries:
    """Measure what a bubble of 50 ms costs of an exposure of 6 s, in s of beam, on a connected simulated beamline."""
    fault = beamline.configuration.epics.prefix + FAULT
    for name, value in BUBBLES.items():
        caput(f"{fault}:{name}", value, wait=True)
    caput(fault, LASTING_S, wait=True)
    try:
        costs_s = [_cost_s(beamline) for _ in range(REPETITIONS)]
    finally:
        caput(fault, 0.0, wait=True)
    return {"salvaged_beam_ratio": Entry.of(costs_s, [DWELL_S] * len(costs_s), "s")}


def _cost_s(beamline: Beamline) -> float:
    """Return the beam time that was spent again for each exposure in which there was a bubble, s."""
    engine = RunEngine({})
    documents: list[tuple[str, Any]] = []
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    delays = np.linspace(-500, 500, POINTS).tolist()
    options: dict[str, Any] = {"stepping": "hardware", "dwell_s": DWELL_S, "slice_s": SLICE_S}
    engine(plans.delay_scan(beamline, "Br K", delays_ps=delays, **options))
    slices = slices_of(documents)
    # Exposures of which a slice was measured twice are those that had a bubble.
    counted = np.unique(slices.exposure, axis=0, return_counts=True)[1]
    hit = int((counted > round(DWELL_S / SLICE_S)).sum())
    # Without a bubble, which is unlikely in 96 s of beam, the smallest possible cost stands for it: one slice.
    return slices.spent_again_s / hit if hit else SLICE_S
