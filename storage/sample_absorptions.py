"""What the spectra of a sample show about its absorption, for scans of the same sample at one energy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from errors import StorageError
from reduction.jet_shares import with_measured_step
from reduction.xas.results import SpectrumResults
from storage.chains import find_starts
from storage.complete_runs import CompleteRuns
from storage.stored_run import with_start

if TYPE_CHECKING:
    from reduction.types import Document, Documents
    from reduction.values import Value
    from storage.runs import RunSource

logger = logging.getLogger("trxas")

LONGEST_S = 24 * 3600.0
"""Largest distance in time of a spectrum, s: solvent evaporates, and samples are diluted again."""

MOST_SPECTRA = 3
"""Spectra that are reduced in search of one whose diode shows the absorption; the nearest in time come first."""

JET = "jet"
SCANNED_ENERGY = "energy_ev"


class SampleAbsorptions:
    """Documents with the absorption of their sample, from the spectra in the store that `store` returns.

    A spectrum is reduced once; one that is still being measured is not used. Any thread may call it.
    """

    def __init__(self, store: Callable[[], RunSource]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._runs = CompleteRuns()

    def with_step(self, documents: Documents) -> Documents:
        """Return the documents of a scan at one energy with the step of its sample in the `jet` of its start document.

        It is that of the nearest spectrum of the same sample, edge and jet within a day; other runs, and those without
        such a spectrum, come back as they are. Raises nothing: a store that cannot be read is logged.
        """
        start = documents[0][1] if documents and documents[0][0] == "start" else {}
        if not (start.get(JET) and start.get("sample")) or _axis(start) in ("", SCANNED_ENERGY):
            return documents
        # One reduction at a time: a second thread that asks meanwhile then finds the result of the first.
        with self._lock:
            try:
                found = self._measured(start)
            except StorageError as error:
                logger.warning("The absorption of the sample could not be looked up: %s", error)
                return documents
        if found is None:
            return documents
        return with_start(documents, {**start, JET: with_measured_step(start[JET], *found)})

    def _measured(self, start: Document) -> tuple[Value, str] | None:
        """Return the step that the nearest spectrum shows, without unit, and the uid of its run; None without one."""
        store = self._store()
        own_s = float(start["time"])
        spectra = [
            one
            for one in find_starts(store, sample=start["sample"], edge=start.get("edge"))
            if _axis(one) == SCANNED_ENERGY
            and "reduction" in one
            and not one.get("resumes")
            and (one.get(JET) or {}).get("depth_share") == start[JET].get("depth_share")
            and abs(float(one["time"]) - own_s) < LONGEST_S
        ]
        # Reducing a spectrum takes a while, and a sample may have many within a day: only the nearest ones are tried.
        for one in sorted(spectra, key=lambda other: abs(float(other["time"]) - own_s))[:MOST_SPECTRA]:
            results = self._runs.results(store, str(one["uid"]))
            absorbed = results.absorbed if isinstance(results, SpectrumResults) else None
            if absorbed is not None and not absorbed.by_concentration:
                return absorbed.step, str(one["uid"])
        return None


def _axis(start: Document) -> str:
    return str((start.get("grid") or {}).get("axis", ""))
