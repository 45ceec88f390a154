"""Corrections of a series' energies by its foil scans."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from errors import StorageError
from reduction.energy_course import KEY
from reduction.number_text import with_error
from reduction.probabilities import normal_tail
from reduction.values import Value
from reduction.xas.calibration_plans import FOIL_PLAN
from reduction.xas.foil_course import energy_course
from reduction.xas.results import FoilResults
from storage.chains import find_starts
from storage.complete_runs import CompleteRuns
from storage.stored_run import with_start

if TYPE_CHECKING:
    from reduction.energy_course import EnergyCourse
    from reduction.types import Document, Documents
    from storage.runs import RunSource

logger = logging.getLogger("trxas")

CALIBRATION = "energy_calibration_offset_ev"

LONGEST_S = 7 * 24 * 3600.0
"""Largest age of a foil scan, s, as the first calibration of a series: foils are moved and exchanged."""

FALSE_ALARMS = 1e-3
"""p-value of a drift below which a sentence reports it."""


class SeriesFoils:
    """Lines on the energy axis of a run, from the foil scans of its series in the store that `store` returns.

    `with_course` gives the reduction what it needs to correct the energies. A foil scan is reduced once; one that is
    still being measured is not used. Any thread may call it.
    """

    def __init__(self, store: Callable[[], RunSource]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._runs = CompleteRuns()

    def __call__(self, start: Document) -> list[str]:
        """Return the error of the axis of the run with this start document, eV, and the drift between two foil scans.

        Empty without foil scans in its series, and for a foil scan itself. Raises nothing: a store that cannot be read
        is logged.
        """
        if not start.get("series") or start.get("plan_name") == FOIL_PLAN:
            return []
        with self._lock:
            try:
                return self._lines(start)
            except StorageError as error:
                logger.warning("No foil scans could be looked up: %s", error)
                return []

    def with_course(self, documents: Documents) -> Documents:
        """Return the documents of a run with the course of its energy axis in the start document, for the reduction.

        The course is that of the foil scans in the series of the run; they are compared with a reference curve, or with
        the first foil scan of the same calibration within a week. Documents of other runs come back as they are.
        Raises nothing: a store that cannot be read is logged.
        """
        start = documents[0][1] if documents and documents[0][0] == "start" else {}
        if not start.get("series") or start.get("plan_name") == FOIL_PLAN or KEY in start:
            return documents
        with self._lock:
            try:
                course = self._course(start)
            except StorageError as error:
                logger.warning("No foil scans could be looked up: %s", error)
                return documents
        return documents if course is None else with_start(documents, {**start, KEY: course.document})

    def _course(self, start: Document) -> EnergyCourse | None:
        store = self._store()
        own = find_starts(store, series=start["series"], plan_name=FOIL_PLAN)
        if not own:
            return None
        # One foil: a series may hold scans of several, whose edges cannot be compared with each other.
        edge = own[0].get("edge")
        own_ev = start.get(CALIBRATION, 0.0)
        # Foil scans before the series that were made with the same calibration: only between such scans does a shift of
        # the edge mean that the axis has drifted.
        others = [
            one
            for one in find_starts(store, plan_name=FOIL_PLAN, edge=edge)
            if one.get(CALIBRATION, 0.0) == own_ev and own[0]["time"] - LONGEST_S < one["time"] < own[0]["time"]
        ]
        starts = [*others[:1], *(one for one in own if one.get("edge") == edge)]
        found = [foil for one in starts if (foil := self._foil(store, str(one["uid"]))) is not None]
        return energy_course(found, float(own_ev))

    def _lines(self, start: Document) -> list[str]:
        store = self._store()
        runs = find_starts(store, series=start["series"], plan_name=FOIL_PLAN)
        found = [(str(run["uid"]), results) for run in runs if (results := self._foil(store, str(run["uid"])))]
        own_ev = float(start.get("energy_calibration_offset_ev", 0.0))
        lines = [line for uid, results in found if (line := _offset_line(uid, results, own_ev))]
        return [*lines, *_drift_lines(found)]

    def _foil(self, store: RunSource, uid: str) -> FoilResults | None:
        results = self._runs.results(store, uid)
        return results if isinstance(results, FoilResults) else None


def _offset_line(uid: str, results: FoilResults, own_ev: float) -> str:
    """Return the offset to add to the energies of a run whose axis is calibrated by `own_ev`; "" without an edge."""
    edge = results.uncalibrated_edge_ev
    offset = results.offset_ev
    if edge is None or offset is None or results.aligned is None:
        return ""
    reference = results.aligned.reference
    ev = Value(reference.edge_ev - edge.value - own_ev, offset.sigma)
    return f"{'energy by the foil':<22} add {with_error(*ev)} eV ({reference.edge}, run {uid[:8]} of the series)"


def _drift_lines(found: list[tuple[str, FoilResults]]) -> list[str]:
    """Return the change of the energy axis from the first foil scan to the last, eV, with p."""
    edges = [edge for _, results in found if (edge := results.uncalibrated_edge_ev) is not None]
    if len(edges) < 2:
        return []
    # On the drive's own axis, and by the error of the scans alone: the reference is the same in both.
    drift = Value(edges[-1].value - edges[0].value, (edges[0].sigma ** 2 + edges[-1].sigma ** 2) ** 0.5)
    p_value = 2 * normal_tail(abs(drift.value) / drift.sigma) if drift.sigma > 0 else 1.0
    lines = [f"{'drift of the energy':<22} {with_error(*drift)} eV between the foil scans, p = {p_value:.2g}"]
    if p_value < FALSE_ALARMS:
        lines.append(
            "The energy axis drifted during the series: half of the drift is an error of every energy. Scan the foil "
            "more often, or find out what moves the monochromator."
        )
    return lines
