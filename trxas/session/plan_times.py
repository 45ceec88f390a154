"""Prediction of the time that a plan will take, from the times of earlier runs.

Every complete run adds a line to `<data>/times.jsonl`: its plan, its exposures, and what its time was used for. A
prediction takes the latest runs of the same plan along the same axes; the counting follows from the beam time asked
for, everything else from the number of exposures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from plans.choices import Stepping
from reduction.events import PrimaryEvents
from storage.line_journal import LineJournal
from trxas.session.time_use import Activity

LATEST = 8
"""Runs that a prediction uses (chosen): enough for a median, few enough to follow a change of the beamline."""

DIFFERENT_DWELLS = 1.5
"""Ratio of the longest to the shortest dwell that separates the time of a trigger from that of counting."""


def timed_plan(plan: str, stepping: str) -> str:
    """Return the name under which the times of a plan are kept: hardware steps it in another time than the plan."""
    return plan if stepping == Stepping.SOFTWARE else f"{plan} stepped by {stepping}"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Wall time of a plan, s, learned from the number `runs` of earlier runs."""

    seconds: float
    runs: int


class PlanTimes:
    """The times of the runs of a data folder `root`; a subscriber that adds those of each complete run.

    `times_s` returns the times of the run that has just ended, s, and `opening_s` how long it took to its first
    exposure.
    """

    def __init__(
        self, root: Path, times_s: Callable[[], Mapping[Activity, float]], opening_s: Callable[[], float]
    ) -> None:
        self._journal = LineJournal(root / "times.jsonl")
        self._times_s = times_s
        self._opening_s = opening_s
        self._primary = PrimaryEvents()
        self._plan = ""
        self._axes: list[str] = []
        self._dwell_s = 0.0
        self._exposures = 0
        self._beam_s = 0.0

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run; raises StorageError if the times of a complete one cannot be written."""
        if name == "start":
            grid = doc.get("grid", {})
            self._plan = timed_plan(str(doc.get("plan_name", "")), str(doc.get("stepping", Stepping.SOFTWARE)))
            self._axes = [str(axis) for axis in grid.get("axes", [grid["axis"]] if "axis" in grid else [])]
            self._dwell_s = float(doc.get("dwell_s", 0.0))
            self._exposures = 0
            self._beam_s = 0.0
        for event in self._primary(name, doc):
            self._exposures += 1
            self._beam_s += float(event["data"].get("exposure_s", self._dwell_s))
        if name == "stop" and doc.get("exit_status") == "success":
            self._add()

    def predict(self, plan: str, axes: Sequence[str], exposures: int, beam_s: float) -> Prediction | None:
        """Return the wall time of a run of `plan` along `axes`, None if no such run is known.

        `beam_s` is the beam time of all `exposures` together, s. Raises StorageError if the times cannot be read.
        """
        known = [one for one in self._journal.read() if one["plan"] == plan and one["axes"] == list(axes)][-LATEST:]
        if not known or not exposures:
            return None
        opening_s = median(one["opening_s"] for one in known)
        step_s = median(one["others_s"] / one["exposures"] for one in known)
        seconds = opening_s + exposures * (step_s + _counting_s(known, beam_s / exposures))
        return Prediction(seconds=seconds, runs=len(known))

    def _add(self) -> None:
        times_s = self._times_s()
        if not times_s or not self._exposures or not self._beam_s:
            return
        # Waiting for the beam, or for a pause, says nothing about the next run.
        opening_s = self._opening_s()
        counting_s = times_s[Activity.COUNTING]
        others_s = sum(times_s.values()) - counting_s - times_s[Activity.WAITING] - opening_s
        record = {
            "plan": self._plan, "axes": self._axes, "exposures": self._exposures, "beam_s": self._beam_s,
            "counting_s": counting_s, "opening_s": opening_s, "others_s": max(others_s, 0.0),
        }  # fmt: skip
        self._journal.append([record])


def _counting_s(known: Sequence[Mapping[str, Any]], dwell_s: float) -> float:
    """Return the wall time of counting for an exposure of `dwell_s`, s, from those of known runs."""
    dwells = np.array([one["beam_s"] / one["exposures"] for one in known])
    counted = np.array([one["counting_s"] / one["exposures"] for one in known])
    # Counting takes the dwell and a little for the trigger. A simulated beamline may count faster than real time, so
    # the factor of the dwell is learned where runs of different dwells show it.
    if dwells.max() > DIFFERENT_DWELLS * dwells.min():
        slope, offset = np.polyfit(dwells, counted, 1, w=1.0 / counted)
        return float(slope * dwell_s + offset)
    excess = float(np.median(counted - dwells))
    return dwell_s + excess if excess >= 0 else dwell_s * float(np.median(counted / dwells))
