"""The reduction of a run while it is measured, fed with the documents of the RunEngine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.kinds import RunReduction
from storage.image_reading import read_image

logger = logging.getLogger("trxas")


class LiveRun:
    """Reduction of the latest run in `reduction`, None before the first; subscribe it to a RunEngine.

    A document that cannot be reduced is skipped and logged: a display must never end a run.
    """

    def __init__(self) -> None:
        self.reduction: RunReduction | None = None

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document."""
        if name == "start":
            self.reduction = RunReduction(doc, read_image)
        try:
            if self.reduction is not None:
                self.reduction(name, doc)
        except ReductionError as error:
            logger.warning("A %s document cannot be reduced: %s", name, error)

    @property
    def accumulator(self) -> RunAccumulator | None:
        """Running sums of a pump-probe or foil scan, shape (scans, points, states); None for any other run."""
        sums = None if self.reduction is None else self.reduction.sums
        return sums if isinstance(sums, RunAccumulator) else None


class PrimaryStream:
    """Filter for displays of exposures: only events of the stream "primary".

    Runs have other streams with other data, for instance "suspension". Feed it every document of a run.
    """

    def __init__(self) -> None:
        self._descriptors: set[str] = set()

    def has(self, name: str, doc: Mapping[str, Any]) -> bool:
        """Return whether a document is an event, or a page of events, of the primary stream."""
        if name == "start":
            # Descriptors of an earlier run never come again; without this the set would grow over a night.
            self._descriptors.clear()
        elif name == "descriptor" and doc["name"] == "primary":
            self._descriptors.add(doc["uid"])
        return name in ("event", "event_page") and doc["descriptor"] in self._descriptors


def is_pump_probe(start: Mapping[str, Any]) -> bool:
    """Return whether a start document is that of a scan with the photodiodes, as the accumulator needs."""
    return "reduction" in start and "spc" in start.get("modes", ())
