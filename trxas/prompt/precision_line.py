"""Present error of a lifetime while a delay scan runs, and the time that a smaller error takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errors import InputError, ReductionError
from reduction.events import events_of
from reduction.xas.kinetics.results import KineticsResults
from trxas.results.live_run import LiveRun, PrimaryStream
from trxas.terminal.progress_line import PROGRESS


class PrecisionLine:
    """A line after every pass of a delay scan but the last: error of the longest lifetime, and a forecast.

    It takes the time of a fit, a second at most; a pass that does not determine the kinetics has no line.
    """

    def __init__(self) -> None:
        self._live = LiveRun()
        self._primary = PrimaryStream()
        self._scan = 0

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run."""
        is_exposure = self._primary.has(name, doc)
        if name == "start":
            self._scan = 0
        if is_exposure:
            *_, last = events_of(name, dict(doc))
            scan_index = int(last["data"].get("scan_index", 0))
            if scan_index > self._scan:
                # The first exposure of a pass comes after all of the pass before, which the sums hold at this moment;
                # of a page that has the end of one pass and the beginning of the next, they lack a tenth of a second.
                self._write(scan_index)
                self._scan = scan_index
        self._live(name, doc)

    def _write(self, passes: int) -> None:
        reduction = self._live.reduction
        if reduction is None or reduction.kind.decay is None:
            return
        results = reduction.results()
        if not isinstance(results, KineticsResults) or results.fit is None or results.fit.undetermined:
            return
        try:
            PROGRESS.write(f"after {passes} pass{'es' * (passes > 1)}: {results.time_to().text_with_hour}")
        except (ReductionError, InputError):
            # A fit without an error of its lifetime says nothing yet; the next pass may.
            return
