"""All that is known of the run under way, and of the earlier runs that repeat it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

import numpy as np

from errors import ReductionError
from gui.live.frame import Rejection
from gui.live.history import History
from gui.live.images import AssetIndex, ImageReference
from reduction.accumulator import RunAccumulator, joined
from reduction.run_metadata import RunMetadata
from reduction.xas.static_xas import StaticAccumulator

logger = logging.getLogger(__name__)

Scope = Literal["scan", "mean", "series"]
"""The current scan alone, all scans of the run, or those of the earlier runs of its series too."""

EARLIER_RUNS = 32
"""Finished runs that are kept for their series. One of 10 scans over 300 points holds 1.5 MB."""

REJECTIONS = 200
"""Latest rejected exposures that are kept with their reasons: those of 1 s at 200 events per second."""

REMEMBERED = 5000
"""Results that `RunState.remember` keeps."""

T = TypeVar("T")

_STREAM = "primary"
_STATIC_PLAN = "static_energy_scan"


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended: its sums, and what each exposure said."""

    accumulator: RunAccumulator
    history: History


class RunState:
    """The run under way, document by document: call it with `(name, document)`.

    `start` is None before the first run. `accumulator` holds a scan's sums, `static` those of a static spectrum, both
    None for a run that cannot be reduced. `events` counts events, `rejected` those that failed a condition, of which
    `rejections` are the latest; `latest` are the data of the latest event, `image` is its latest image. `version` grows
    with every document that matters, over all runs. `problem` says which document could not be reduced, and why.
    `earlier` are runs with the series, the grid and the settings of this one, oldest first; `earlier_static` the static
    spectra of its series, whatever it is itself.
    """

    def __init__(self) -> None:
        self.version = 0
        self._finished: list[FinishedRun] = []
        self._finished_static: list[StaticAccumulator] = []
        self._memory: dict[Hashable, Any] = {}
        self._clear()

    def _clear(self) -> None:
        self.start: Mapping[str, Any] | None = None
        self.accumulator: RunAccumulator | None = None
        self.static: StaticAccumulator | None = None
        self.exit_status: str | None = None
        self.events = self.rejected = 0
        self.rejections: tuple[Rejection, ...] = ()
        self.latest: Mapping[str, Any] = {}
        self.history = History()
        self.image: ImageReference | None = None
        self.earlier: tuple[FinishedRun, ...] = ()
        self.earlier_static: tuple[StaticAccumulator, ...] = ()
        self.problem = ""
        self._assets = AssetIndex()
        self._streams: dict[str, str] = {}
        self._scopes: dict[Scope, tuple[int, RunAccumulator]] = {}

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document; those of other runs than the latest are left alone."""
        if name == "start":
            self._begin(doc)
        elif self.start is not None:
            kinds = {
                "descriptor": self._describe,
                "event": self._take,
                "event_page": self._take_page,
                "stop": self._end,
            }
            kinds.get(name, functools.partial(self._assets, name))(doc)

    @property
    def series(self) -> tuple[RunAccumulator, ...]:
        """The sums of the earlier runs of this series, oldest first."""
        return tuple(run.accumulator for run in self.earlier)

    def scans(self) -> RunAccumulator:
        """The sums of this run. Raises ReductionError if it is no scan with pump and probe."""
        if self.accumulator is None:
            if self.start is None:
                raise ReductionError("There is no run yet. Start an energy, delay or fluence scan.")
            plan = str(self.start.get("plan_name", "without a plan")).replace("_", " ")
            raise ReductionError(f"This run ({plan}) has no transients. Start an energy, delay or fluence scan.")
        return self.accumulator

    def within(self, scope: Scope) -> RunAccumulator:
        """The sums of the current scan, of this run, or of its series; raises ReductionError if there are none yet."""
        run = self.scans()
        if run.scans == 0 or not run.exposures.any():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        if scope == "mean":
            return run
        version, sums = self._scopes.get(scope, (-1, run))
        if version != self.version:
            sums = joined([*self.series, run]) if scope == "series" else joined([run], [_last_scan(run)])
            self._scopes[scope] = (self.version, sums)
        return sums

    def remember(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute`, computed once per `key`, failures included: for scans that no longer change."""
        if key not in self._memory:
            if len(self._memory) >= REMEMBERED:
                self._memory.clear()
            try:
                self._memory[key] = compute()
            except ReductionError as error:
                self._memory[key] = error
        result = self._memory[key]
        if isinstance(result, ReductionError):
            raise result
        return cast("T", result)

    def snapshot(self) -> RunState:
        """A copy that later documents do not change."""
        state = copy(self)
        state.accumulator, state.static = deepcopy(self.accumulator), deepcopy(self.static)
        state.history, state._scopes = self.history.snapshot(), {}
        return state

    def _begin(self, start: Mapping[str, Any]) -> None:
        self._keep()
        self._clear()
        self.start = start
        self.version += 1
        if start.get("plan_name") == _STATIC_PLAN:
            self.static = StaticAccumulator()
        elif "reduction" in start:
            self.accumulator = RunAccumulator()
        self._reduce("start", start)
        series = start.get("series")
        self.earlier_static = tuple(run for run in self._finished_static if series and run.start["series"] == series)
        if self.accumulator is not None and not self.problem:
            now = self.accumulator.metadata
            self.earlier = tuple(run for run in self._finished if _repeats(run.accumulator.metadata, now))

    def _keep(self) -> None:
        """Remember the latest run; one that is seen again, as a replay that begins anew, is not counted twice."""
        if self.static is not None and self.static.scans:
            self._keep_static(self.static)
        if self.accumulator is None or self.start is None or not self.accumulator.scans:
            return
        self._finished = [run for run in self._finished if run.accumulator.metadata.uid != self.start["uid"]]
        self._finished.append(FinishedRun(self.accumulator, self.history))
        del self._finished[:-EARLIER_RUNS]

    def _keep_static(self, static: StaticAccumulator) -> None:
        uid = static.start["uid"]
        self._finished_static = [run for run in self._finished_static if run.start["uid"] != uid]
        self._finished_static.append(static)
        del self._finished_static[:-EARLIER_RUNS]

    def _describe(self, descriptor: Mapping[str, Any]) -> None:
        if self.start is not None and descriptor.get("run_start", self.start["uid"]) == self.start["uid"]:
            self._streams[descriptor["uid"]] = descriptor.get("name", _STREAM)
            self._reduce("descriptor", descriptor)

    def _take_page(self, page: Mapping[str, Any]) -> None:
        for event in page_events(page):
            self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        if self._streams.get(event["descriptor"]) != _STREAM:
            return
        data = event["data"]
        self.version += 1
        self.events += 1
        if data.get("quality", ""):
            self._reject(data)
        self.latest = data
        self.history.append(event.get("time", np.nan), data)
        self.image = self._assets.find(data, self.events) or self.image
        self._reduce("event", event)

    def _reject(self, data: Mapping[str, Any]) -> None:
        self.rejected += 1
        scan, point = data.get("scan_index"), data.get("point_index")
        rejection = Rejection(
            self.events,
            None if scan is None else int(scan) + 1,
            None if point is None else int(point) + 1,
            str(data["quality"]),
        )
        # A new tuple each time: frames hold the one before.
        self.rejections = (*self.rejections, rejection)[-REJECTIONS:]

    def _end(self, stop: Mapping[str, Any]) -> None:
        if self.start is None or stop["run_start"] != self.start["uid"]:
            return
        self.version += 1
        self.exit_status = str(stop.get("exit_status", "success"))
        self._reduce("stop", stop)

    def _reduce(self, name: str, doc: Mapping[str, Any]) -> None:
        """Add to the sums. A document that makes no sense is left out and told, as it must not end the display."""
        sums = self.static if self.accumulator is None else self.accumulator
        try:
            if sums is not None:
                sums(name, doc)
        except ReductionError as error:
            self.problem = str(error)
            logger.warning("A %s document of run %s is not shown: %s", name, (self.start or {}).get("uid"), error)
            if name == "start":
                self.accumulator = self.static = None


def page_events(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The events of an event page: `descriptor`, `time` and `data` of each."""
    for index in range(len(page["seq_num"])):
        data = {key: column[index] for key, column in page["data"].items()}
        yield {"descriptor": page["descriptor"], "time": page["time"][index], "data": data}


def _last_scan(run: RunAccumulator) -> Any:
    """Mask (scans,) of the latest scan that has a good exposure."""
    mask = np.zeros(run.scans, dtype=bool)
    mask[np.nonzero(run.exposures.any(axis=(1, 2)))[0][-1]] = True
    return mask


def _repeats(other: RunMetadata, run: RunMetadata) -> bool:
    """Whether two different runs are of one series, with the same grid and settings."""
    return other.uid != run.uid and replace(other, uid=run.uid, repeats=run.repeats) == run
