"""Prediction of the time that a plan will take, from the times of earlier runs.

Every complete run adds a line to `<data>/times.jsonl`: its plan, its exposures, and what its time was used for. A
prediction takes the latest runs of the same plan along the same axes, or of any plan along them where that one is new.
The counting follows from the beam time asked for, everything else from the number of exposures and the distances that
the axes travel. The exposures of a fly scan are its sweeps, as the detectors count through run-up and turn-around, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import scipy

from plans.choices import Stepping
from reduction.events import PrimaryEvents
from storage.line_journal import LineJournal
from trxas.session.time_use import Activity

LATEST = 8
"""Runs that a prediction uses (chosen): enough for a median, few enough to follow a change of the beamline."""

DIFFERENT_DWELLS = 1.5
"""Ratio of the longest to the shortest dwell that separates the time of a trigger from that of counting."""

DIFFERENT_WAYS = 1.5
"""Ratio of the longest to the shortest distance per exposure that separates the time of moving from that of a step."""


def timed_plan(plan: str, stepping: str) -> str:
    """Return the name under which the times of a plan are saved: stepping by hardware takes another time."""
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
        self._sweep_s = 0.0
        self._sweeps: set[int] = set()
        self._points: list[list[float]] = []
        self._course: list[int] = []

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run; raises StorageError if the times of a complete one cannot be written."""
        if name == "start":
            grid = doc.get("grid", {})
            self._plan = timed_plan(str(doc.get("plan_name", "")), str(doc.get("stepping", Stepping.SOFTWARE)))
            self._axes = [str(axis) for axis in grid.get("axes", [grid["axis"]] if "axis" in grid else [])]
            self._dwell_s = float(doc.get("dwell_s", 0.0))
            self._exposures = 0
            self._beam_s = 0.0
            self._sweep_s = float(doc.get("fly", {}).get("sweep_s", 0.0))
            self._sweeps = set()
            self._points = [list(np.atleast_1d(point)) for point in grid.get("points", [])]
            self._course = []
        for event in self._primary(name, doc):
            self._exposures += 1
            self._beam_s += float(event["data"].get("exposure_s", self._dwell_s))
            self._course.append(int(event["data"].get("point_index", 0)))
            self._sweeps.add(int(event["data"].get("scan_index", 0)))
        if name == "stop" and doc.get("exit_status") == "success":
            self._add()

    def predict(
        self, plan: str, axes: Sequence[str], exposures: int, beam_s: float, ways: Sequence[float] = ()
    ) -> Prediction | None:
        """Return the wall time of a run of `plan` along `axes`, None if no run along them is known.

        `beam_s` is the beam time of all `exposures` together, s; those of a fly scan are its sweeps. `ways` (axes,) is
        how far each axis goes, in its unit, see `ways_of`. Raises StorageError if the times cannot be read.
        """
        alike = [one for one in self._journal.read() if one["axes"] == list(axes)]
        # A plan that is new takes what others along the same axes took, if they were stepped in the same way.
        known = [one for one in alike if one["plan"] == plan] or [
            one for one in alike if _stepping(one["plan"]) == _stepping(plan)
        ]
        known = known[-LATEST:]
        if not known or not exposures:
            return None
        opening_s = median(one["opening_s"] for one in known)
        others_s = _others_s(known, exposures, ways)
        seconds = opening_s + others_s + exposures * _counting_s(known, beam_s / exposures)
        return Prediction(seconds=seconds, runs=len(known))

    def _add(self) -> None:
        times_s = self._times_s()
        if not times_s or not self._exposures or not self._beam_s:
            return
        # Waiting for the beam, or for a pause, says nothing about the next run.
        opening_s = self._opening_s()
        counting_s = times_s[Activity.COUNTING]
        others_s = sum(times_s.values()) - counting_s - times_s[Activity.WAITING] - opening_s
        # The bins of a sweep share one run-up and one turn-around, whatever their number.
        swept = len(self._sweeps) if self._sweep_s else 0
        record = {
            "plan": self._plan, "axes": self._axes,
            "exposures": swept or self._exposures, "beam_s": swept * self._sweep_s or self._beam_s,
            "counting_s": counting_s, "opening_s": opening_s, "others_s": max(others_s, 0.0),
            "ways": ways_of(self._points, self._course),
        }  # fmt: skip
        self._journal.append([record])


def ways_of(points: Sequence[Sequence[float]], course: Sequence[int]) -> list[float]:
    """Return how far each axis goes, (axes,), in its unit, if the `points` are measured in a course.

    `points` have the shape (points, axes); `course` has the index of the point of each exposure. Empty without points.
    """
    if not points or not course or max(course) >= len(points):
        return []
    visited = np.asarray(points, dtype=float)[list(course)]
    return [float(way) for way in np.abs(np.diff(visited, axis=0)).sum(axis=0)]


def _stepping(plan: str) -> str:
    """Return what steps a timed plan, "" for the plan itself."""
    return plan.partition(" stepped by ")[2]


def _others_s(known: Sequence[Mapping[str, Any]], exposures: int, ways: Sequence[float]) -> float:
    """Return the time of all but counting, s, from known runs: a time per exposure and per distance of an axis.

    Distances count where known runs differ in them.
    """
    per_exposure = np.array([one["others_s"] / one["exposures"] for one in known])
    tables = [one.get("ways", []) for one in known]
    if not ways or any(len(table) != len(ways) for table in tables):
        return exposures * float(np.median(per_exposure))
    per_step = np.array(tables) / np.array([[one["exposures"]] for one in known])
    differ = per_step.max(axis=0) > DIFFERENT_WAYS * np.maximum(per_step.min(axis=0), 1e-12)
    differ &= per_step.min(axis=0) > 0
    if not differ.any():
        return exposures * float(np.median(per_exposure))
    # No part of the time is negative. Relative errors count alike for long and short steps.
    columns = np.column_stack([np.ones(len(known)), per_step[:, differ]])
    scale = np.maximum(per_exposure, 1e-9)
    parts, _ = scipy.optimize.nnls(columns / scale[:, None], np.ones(len(known)))
    return exposures * float(parts[0]) + float(parts[1:] @ np.asarray(ways)[differ])


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
