"""Beam time that a bubble costs: an exposure counted in slices against one that is measured again as a whole."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from bluesky import RunEngine
from epics import caput
from ophyd import EpicsSignal

import plans
from devices.beamline import Beamline
from errors import TrxasError
from reduction.slices import Slices, slices_of
from trxas.benchmarks.entry import Entries, Entry

SPEED = 5.0
"""Seconds of beam per second of wall time, at which the simulation keeps up with slices of 20 ms."""

DWELL_S = 6.0
SLICE_S = 0.02
POINTS = 6
WHOLE_POINTS = 3
"""Exposures of a run without slices, whose distance is the price of one more."""

REPETITIONS = 3

ATTEMPTS = 3
"""Times that a repetition is tried: bubbles pass unseen between the slices of a simulation that is held up."""

AT_LEAST = 0.9
"""Time by which a run must be longer, relative to what was counted again: the clock is read with small delays."""

BUBBLES = 6
PER_S = 0.2
SHAPE = {"DipS": 0.05, "PerS": PER_S, "FlowDrop": 0.0, "Depth": 0.8}
"""Bubbles of 50 ms, which the flow meter does not see. The simulation makes exactly one in each interval of 5 s."""

FAULT = "7idd:sim:Fault:Bubbles"

logger = logging.getLogger(__name__)

Seconds = float
Documents = list[tuple[str, Any]]


def bench_slices(beamline: Beamline) -> Entries:
    """Measure what a bubble of 50 ms costs of an exposure of 6 s, in s of beam, on a beamline simulated at SPEED.

    `salvaged_beam_ratio`: bubbles make a run longer by the slices that are counted again, the table that is armed for
    them, and the laser that settles at each of its delays. All of that comes behind the last slice that is counted for
    the first time, so it is measured from there on, by the clock of the sequencer, and divided by the number of bubbles
    that were found. The fault is switched on with the first slice, for the beam time in which it makes exactly BUBBLES
    of them; the exposures last 6 s longer, so the probability that there is none is 0. The baseline is the time of one
    more exposure as a whole, dwell and settling, in a run without slices: nobody would see the bubble there, so the
    whole exposure would have to be counted again. Raises TrxasError if fewer than half of the bubbles were found, or
    cost less than what was counted again, ATTEMPTS times in a row.
    """
    fault = EpicsSignal(beamline.configuration.epics.prefix + FAULT, name="bubbles")
    for name, value in SHAPE.items():
        caput(f"{fault.pvname}:{name}", value, wait=True)
    engine = RunEngine({})
    try:
        costs_s = []
        wholes_s = []
        for _ in range(REPETITIONS):
            costs_s.append(_tried(engine, beamline, fault))
            wholes_s.append(_whole_s(engine, beamline))
    finally:
        fault.put(0.0, wait=True)
    return {"salvaged_beam_ratio": Entry.of(costs_s, wholes_s, "s")}


def _tried(engine: RunEngine, beamline: Beamline, fault: EpicsSignal) -> Seconds:
    """Return by how much a bubble lengthens a run, s of beam; raises the last TrxasError of all attempts."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _cost_s(engine, beamline, fault)
        except TrxasError as error:
            logger.warning("%s It is tried again.", error)
    return _cost_s(engine, beamline, fault)


def _cost_s(engine: RunEngine, beamline: Beamline, fault: EpicsSignal) -> Seconds:
    """Return by how much a bubble lengthens a run, s of beam."""
    struck = False

    def strike(_name: str, _page: dict[str, Any]) -> None:
        nonlocal struck
        if not struck:
            fault.put(BUBBLES / PER_S)
        struck = True

    token = engine.subscribe(strike, "event_page")
    documents = _documents(engine, beamline, POINTS, slice_s=SLICE_S)
    engine.unsubscribe(token)
    slices = slices_of(documents)
    ends_s = _ends_s(documents, "slice_s")
    return cost_of_bubble_s(slices, SPEED * (ends_s[-1] - ends_s[last_planned(slices)]))


def last_planned(slices: Slices) -> int:
    """Return the place of the last slice that was counted for the first time."""
    _, first = np.unique(np.column_stack([slices.exposure, slices.part]), axis=0, return_index=True)
    return int(first.max())


def cost_of_bubble_s(slices: Slices, longer_s: Seconds) -> Seconds:
    """Return the beam time of each bubble, s, in a run that they made longer by `longer_s`.

    Raises TrxasError if the slices show that fewer than half of BUBBLES were found, or if the run was longer by less
    than what was counted again.
    """
    found = bubbles_found(slices)
    # A bubble that nobody finds costs nothing, and would make the number look better than it is. Not all have to be
    # found: a simulation that a busy machine holds up has gaps between its slices, through which bubbles pass.
    if 2 * found < BUBBLES or longer_s < AT_LEAST * slices.spent_again_s:
        raise TrxasError(
            f"{found} of {BUBBLES} simulated bubbles were found, and made the run {longer_s:.3g} s of beam longer; "
            f"{slices.spent_again_s:.3g} s were counted again. At least half must be found, and cost that time. Check "
            f"that the fault {FAULT} disturbs the exposures, that bad slices are measured again, and that no other "
            "program keeps the machine busy."
        )
    return longer_s / found


def bubbles_found(slices: Slices) -> int:
    """Return the number of groups of neighbouring slices that were measured again."""
    places, times = np.unique(np.column_stack([slices.exposure, slices.part]), axis=0, return_counts=True)
    again = places[times > 1]
    if not len(again):
        return 0
    step = np.diff(again, axis=0)
    return 1 + int(np.count_nonzero(np.any(step[:, :-1] != 0, axis=1) | (step[:, -1] > 1)))


def _whole_s(engine: RunEngine, beamline: Beamline) -> Seconds:
    """Return the beam time of one more exposure as a whole, s."""
    return float(np.mean(np.diff(_ends_s(_documents(engine, beamline, WHOLE_POINTS), "exposure_s")))) * SPEED


def _documents(engine: RunEngine, beamline: Beamline, points: int, **options: Any) -> Documents:
    """Return the documents of a delay scan that is stepped by hardware."""
    found: Documents = []
    token = engine.subscribe(lambda name, doc: found.append((name, doc)))
    delays = np.linspace(-500, 500, points).tolist()
    by_sequencer = {"dwell_s": DWELL_S, "repeats": 1, "stepping": "hardware"}
    engine(plans.delay_scan(beamline, "Br K", delays_ps=delays, **by_sequencer, **options))
    engine.unsubscribe(token)
    return found


def _ends_s(documents: Documents, field: str) -> list[Seconds]:
    """Return the times at which the gates closed, s since the epoch, of all frames that have a field."""
    pages = (doc for name, doc in documents if name == "event_page" and field in doc["data"])
    return [end_s for page in pages for end_s in page["timestamps"][field]]
