"""Documents of a stored run with what later runs of its series have calibrated, ready for the reduction."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from errors import ReductionError, StorageError
from reduction.gate_interpolation import interpolated
from reduction.xas.calibration_plans import BLOCKED_PLAN, DARK_PLAN
from reduction.xas.gate_drift import FALSE_ALARMS, gate_drift
from reduction.xas.gate_kinds import GateResults
from storage.chains import find_starts
from storage.complete_runs import CompleteRuns
from storage.sample_absorptions import SampleAbsorptions
from storage.series_foils import SeriesFoils
from storage.stored_run import with_start

if TYPE_CHECKING:
    from reduction.gate_calibration import GateCalibration
    from reduction.types import Document, Documents
    from storage.runs import RunSource

logger = logging.getLogger("trxas")

GATES = "gate_calibration"
"""Key of start documents: the calibration of the gates."""


class CalibratedDocuments:
    """Documents with what other runs of a store show: energy axis, gates between two calibrations, absorption.

    A start document knows what was measured before its run; foil scans and gate calibrations after it, in the same
    series, are looked up in the store that `store` returns, and spectra of the same sample for its absorption. Any
    thread may call it.
    """

    def __init__(self, store: Callable[[], RunSource]) -> None:
        self.foils = SeriesFoils(store)
        self._absorptions = SampleAbsorptions(store)
        self._store = store
        self._lock = threading.Lock()
        self._runs = CompleteRuns()

    def __call__(self, documents: Documents) -> Documents:
        """Return the documents of a run, calibrated; as they are where no other run has measured anything for it.

        Raises nothing: a store that cannot be read is logged.
        """
        return self.foils.with_course(self._absorptions.with_step(self._with_gates(documents)))

    def _with_gates(self, documents: Documents) -> Documents:
        start = documents[0][1] if documents and documents[0][0] == "start" else {}
        if not start.get("series") or not start.get(GATES) or start.get("plan_name") in (DARK_PLAN, BLOCKED_PLAN):
            return documents
        try:
            with self._lock:
                later = self._calibration_after(start)
            if later is None:
                return documents
            found = interpolated(start[GATES], later, _mean_time_s(documents), _changes)
        except (StorageError, ReductionError) as error:
            logger.warning("Calibrations after the run could not be used: %s", error)
            return documents
        return with_start(documents, {**start, GATES: found})

    def _calibration_after(self, start: Document) -> Document | None:
        """Return the calibration by the next dark and blocked exposures of the series; None without."""
        store = self._store()
        runs = find_starts(store, series=start["series"])
        after = [one for one in runs if one["time"] > start["time"]]
        # Exposures after the next scan belong to that one: they are further away than its own.
        plans = [one.get("plan_name") for one in after]
        scans = [number for number, name in enumerate(plans) if name == start.get("plan_name")]
        near = after[: scans[0]] if scans else after
        of_gates = [one for one in near if one.get("plan_name") in (DARK_PLAN, BLOCKED_PLAN)]
        # Gains contain the zeros before them, so the last run has both.
        return self._reduced(store, str(of_gates[-1]["uid"])) if of_gates else None

    def _reduced(self, store: RunSource, uid: str) -> Document | None:
        results = self._runs.results(store, uid)
        return results.document if isinstance(results, GateResults) else None


def _changes(before: GateCalibration, after: GateCalibration) -> list[str]:
    return [
        f"{one.text} Between both calibrations, values are interpolated in time."
        for one in gate_drift(before, after)
        if one.p_value < FALSE_ALARMS
    ]


def _mean_time_s(documents: Documents) -> float:
    """Return the mean time of the events, s since 1970; the start of a run without events."""
    total_s = 0.0
    number = 0
    for name, doc in documents:
        if name in ("event", "event_page") and "time" in doc:
            times_s = doc["time"] if name == "event_page" else [doc["time"]]
            total_s += sum(map(float, times_s))
            number += len(times_s)
    return total_s / number if number else float(documents[0][1]["time"])
