"""The run as it is measured: the accumulator of the reduction, fed with the RunEngine's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reduction.accumulator import RunAccumulator


class LiveRun:
    """Keeps the accumulator of the latest scan; subscribe it to a RunEngine."""

    def __init__(self) -> None:
        self.accumulator: RunAccumulator | None = None

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document; runs that are not scans of ours are left alone."""
        if name == "start":
            self.accumulator = RunAccumulator() if is_pump_probe(doc) else None
        if self.accumulator is not None:
            self.accumulator(name, doc)


class PrimaryEvents:
    """What a display of exposures may take: events of the stream "primary".

    A run has others, as "suspension", with other data. Feed it every document of a run.
    """

    def __init__(self) -> None:
        self._descriptors: set[str] = set()

    def has(self, name: str, doc: Mapping[str, Any]) -> bool:
        """Return whether a document is an event, or a page of events, of the primary stream."""
        if name == "start":
            self._descriptors.clear()
        elif name == "descriptor" and doc["name"] == "primary":
            self._descriptors.add(doc["uid"])
        return name in ("event", "event_page") and doc["descriptor"] in self._descriptors


def is_pump_probe(start: Mapping[str, Any]) -> bool:
    """Whether a start document is that of a scan with the photodiodes, which the accumulator understands."""
    return "reduction" in start and "spc" in start.get("modes", ())
