"""The state of the latest run, and the earlier runs that repeat it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from copy import copy, deepcopy
from typing import Any, Literal, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from gui.live.finished_runs import FinishedRun, FinishedRuns
from gui.live.history import ExposureHistory
from gui.live.left_out import LeftOutRun
from gui.live.rejection import Rejection
from gui.live.suspended import Suspended, suspended_by
from reduction.accumulator import RunAccumulator, joined
from reduction.detector_view import seen_by
from reduction.events import PRIMARY, SUSPENSION, events_of
from reduction.image_references import AssetIndex, ImageReference
from reduction.kinds import OTHER, begin_sums
from reduction.run_kind import MeasuredDecay, RunSums
from reduction.xas.dependence import DependenceSums
from reduction.xas.fly_sums import STREAM as FRAMES
from reduction.xas.static_sums import StaticAccumulator
from storage.image_reading import read_image

logger = logging.getLogger(__name__)

Scope: TypeAlias = Literal["scan", "mean", "series"]
"""The current scan only, all scans of the run, or also those of the earlier runs of its series."""

REJECTIONS = 200
"""Rejected exposures that are held with their reasons: those of 1 s at 200 events per second."""

RESULTS = 5000
"""Results that `RunState.remember` holds."""

T = TypeVar("T")
S = TypeVar("S")

_ACROSS_RUNS = {"version", "_finished", "_results", "_find_decay"}

FindDecay: TypeAlias = Callable[[Mapping[str, Any]], MeasuredDecay | None]
"""Finds the decay that corrects the run with this start document, None if no run has measured one."""


class RunState:
    """The latest run, built up document by document: call it with `(name, document)`.

    `start` is None before the first run. `sums` are those of the run, as its kind makes them; None before the first
    run, and for one whose start document cannot be reduced. `events` counts the events of the run, `rejected` those
    that failed a condition; `rejections` are the latest of them. `suspension`: why and since when the run waits, None
    while it measures. `ended_s`: Unix time of its end. `latest` are the data
    of the latest event, `image` is the latest image. `version` grows with every document that changes the state, over
    all runs. `problem` names the document that could not be reduced, and why. `earlier` are the runs with the series,
    the grid and the settings of this one, oldest first; `left_out` those that differ from it only by their
    calibrations; `earlier_sums` are the sums of earlier runs of its series that are not pump-probe scans, whatever kind
    of run this one is.
    `decided` holds what requests have decided for this run, by their keys, so that a close decision does not change
    with every exposure; snapshots share it.
    `find_decay` looks for the decay of the same sample, which takes seconds.
    """

    def __init__(self, find_decay: FindDecay = lambda _: None) -> None:
        self._find_decay = find_decay
        self.version = 0
        self.start: Mapping[str, Any] | None = None
        self.sums: RunSums | None = None
        self.exit_status: str | None = None
        self.ended_s: float | None = None
        self.events = 0
        self.rejected = 0
        self.rejections: tuple[Rejection, ...] = ()
        self.suspension: Suspended | None = None
        self.latest: Mapping[str, Any] = {}
        self.history = ExposureHistory()
        self.image: ImageReference | None = None
        self.earlier: tuple[FinishedRun, ...] = ()
        self.left_out: tuple[LeftOutRun, ...] = ()
        self.earlier_sums: tuple[RunSums, ...] = ()
        self.problem = ""
        self.decided: dict[Hashable, bool] = {}
        self._assets = AssetIndex()
        self._streams: dict[str, str] = {}
        self._scopes: dict[Scope, tuple[int, RunAccumulator]] = {}
        self._finished = FinishedRuns()
        self._results: dict[Hashable, Any] = {}
        self._kind = OTHER

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Add one document; documents of runs other than the latest are ignored."""
        if name == "start":
            self._begin(doc)
        elif self.start is not None:
            if name in ("event", "event_page"):
                self._add_events(name, doc)
            if name == "descriptor":
                self._add_descriptor(doc)
            elif name == "stop":
                self._end(doc)
            self._assets(name, doc)

    def declined(self, key: Hashable) -> bool:
        """Return whether the request `key` last decided against its question in this run, which is still measured."""
        return self.exit_status is None and not self.decided.get(key, True)

    @property
    def accumulator(self) -> RunAccumulator | None:
        """Sums of a pump-probe scan, shape (scans, points, states); None for any other run."""
        return self.sums if isinstance(self.sums, RunAccumulator) else None

    @property
    def static(self) -> StaticAccumulator | None:
        """Sums (points,) of a static spectrum, None for any other run."""
        return self.sums if isinstance(self.sums, StaticAccumulator) else None

    @property
    def earlier_static(self) -> tuple[StaticAccumulator, ...]:
        """Sums (points,) of the earlier static spectra of the series, oldest first."""
        return tuple(run for run in self.earlier_sums if isinstance(run, StaticAccumulator) and run.scans)

    @property
    def dependence(self) -> DependenceSums | None:
        """Sums of a scan of any other axes, None for any other run."""
        return self.sums if isinstance(self.sums, DependenceSums) else None

    def sums_of(self, kind: type[S]) -> S:
        """Return the sums of this run, of the type that a technique defines; raise ReductionError for any other run."""
        if not isinstance(self.sums, kind):
            plan = str((self.start or {}).get("plan_name", "without a plan")).replace("_", " ")
            raise ReductionError(f"This run ({plan}) is of a kind that this panel cannot show. See the other panels.")
        return self.sums

    @property
    def series(self) -> tuple[RunAccumulator, ...]:
        """Sums of the earlier runs of this series, shape (scans, points, states) each, oldest first."""
        return tuple(run.accumulator for run in self.earlier)

    def scans(self) -> RunAccumulator:
        """Return the sums of this run. Raises ReductionError if it is not a pump-probe scan."""
        if self.accumulator is None:
            if self.start is None:
                raise ReductionError("There is no run yet. Start an energy, delay or fluence scan.")
            plan = str(self.start.get("plan_name", "without a plan")).replace("_", " ")
            raise ReductionError(f"This run ({plan}) has no transients. Start an energy, delay or fluence scan.")
        return self.accumulator

    def map_sums(self, detector: str = "") -> DependenceSums:
        """Return the sums of a scan of other axes, as the listed `detector` saw them; "" is the first that counts.

        Raises ReductionError for any other run, or for a detector that the run does not have.
        """
        if self.dependence is None:
            raise ReductionError("This run is not a map of two axes. Start the plan Grid scan.")
        return self.dependence.seen_by(detector) if detector else self.dependence

    def within(self, scope: Scope, detector: str = "") -> RunAccumulator:
        """Return the sums of the current scan, of this run, or of its series, as the listed `detector` saw them.

        Outliers are left out, as in the results of a stored run. Without a name they are those of the exposure's own
        detectors. Raises ReductionError without a good exposure, if the run is not a pump-probe scan, or for a
        detector that it does not have.
        """
        sums = self._within(scope)
        return seen_by(sums, detector) if detector else sums

    def _within(self, scope: Scope) -> RunAccumulator:
        run = self.scans()
        if run.scans == 0 or not run.exposures.any():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        # Several panels ask for the same scope of the same run. The joined sums are made once per version, which grows
        # with every document that changes them. A snapshot has an empty store of its own: it lives in another thread.
        version, sums = self._scopes.get(scope, (-1, run))
        if version != self.version:
            sums = self._without_outliers(self._joined(run, scope))
            self._scopes[scope] = (self.version, sums)
        return sums

    def _joined(self, run: RunAccumulator, scope: Scope) -> RunAccumulator:
        if scope == "mean":
            return run
        return joined([*self.series, run]) if scope == "series" else joined([run], [_last_scan(run)])

    def _without_outliers(self, sums: RunAccumulator) -> RunAccumulator:
        screened: RunAccumulator = sums if self._kind.screen is None else self._kind.screen(sums).sums
        return screened

    def decay(self) -> MeasuredDecay | None:
        """Return the decay that corrects this run, measured by another run; None without one, or without a run."""
        return None if self.start is None else self._find_decay(self.start)

    def remember(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the result of `compute`, which is called once per `key`: for scans that no longer change.

        Raises the ReductionError of `compute`, also when it is asked again.
        """
        # Errors are remembered like results: a scan that shows no edge would otherwise be fitted again with every
        # event. The key must name everything that the result depends on. When the store is full it is emptied, which
        # costs some computations once in many hours.
        if key not in self._results:
            if len(self._results) >= RESULTS:
                self._results.clear()
            try:
                self._results[key] = compute()
            except ReductionError as error:
                self._results[key] = error
        result = self._results[key]
        if isinstance(result, ReductionError):
            raise result
        return cast("T", result)

    def snapshot(self) -> RunState:
        """Return a copy that later documents do not change; its sums, shape (scans, points, states), are copies."""
        state = copy(self)
        # Sums that grow all the time, such as lists of exposures, know a cheaper way than a deep copy.
        own_way = getattr(self.sums, "snapshot", None)
        state.sums = deepcopy(self.sums) if own_way is None else own_way()
        state.history = self.history.snapshot()
        state._scopes = {}
        return state

    def _begin(self, start: Mapping[str, Any]) -> None:
        # The order matters. The previous run is stored among the finished ones while its sums and history are still
        # here. Then all that belongs to one run is reset, and the new run finds its series among the finished ones,
        # including the run that has just been stored. A run that cannot be reduced has neither sums nor a series, but
        # is shown with its events.
        self._finish()
        self._reset()
        self.start = start
        self.version += 1
        self._kind, self.sums = begin_sums(start, read_image)
        self._reduce("start", start)
        self.earlier_sums = self._finished.sums_of_series(start.get("series"))
        if self.accumulator is not None and not self.problem:
            metadata = self.accumulator.metadata
            self.earlier = self._finished.repeated_by(metadata)
            self.left_out = self._finished.left_out_of(metadata)

    def _reset(self) -> None:
        """Give every attribute its initial value, except those that outlive a run."""
        # Taken from a new object instead of a list of names: an attribute that is added to `__init__` tomorrow is reset
        # with the others. What outlives a run is listed, in `_ACROSS_RUNS`.
        fresh = vars(RunState())
        for name in fresh.keys() - _ACROSS_RUNS:
            setattr(self, name, fresh[name])

    def _finish(self) -> None:
        """Store the latest run for its series."""
        if self.start is None:
            return
        if self.accumulator is not None:
            self._finished.put_scan(self.accumulator, self.history, self.start.get("scan_id"))
        elif self.sums is not None and self.events:
            self._finished.put_sums(self.start, self.sums)

    def _add_descriptor(self, descriptor: Mapping[str, Any]) -> None:
        if self.start is not None and descriptor.get("run_start", self.start["uid"]) == self.start["uid"]:
            self._streams[descriptor["uid"]] = descriptor.get("name", PRIMARY)
            self._reduce("descriptor", descriptor)

    def _add_events(self, name: str, doc: Mapping[str, Any]) -> None:
        stream = self._streams.get(doc["descriptor"])
        if stream == FRAMES:
            # What the bins of a fly scan are made of: no exposures of their own, but their energies are better known.
            # Whole pages, since a kilohertz of frames one by one would take all of the time.
            self.version += 1
            self._reduce(name, doc)
        elif stream == PRIMARY:
            for event in events_of(name, doc):
                self._add_event(event)
        elif stream == SUSPENSION:
            for event in events_of(name, doc):
                self.version += 1
                self.suspension = suspended_by(event)

    def _add_event(self, event: Mapping[str, Any]) -> None:
        data = event["data"]
        self.version += 1
        self.events += 1
        if data.get("quality", ""):
            self._reject(data, event.get("time"))
        self.latest = data
        self.history.append(event.get("time", np.nan), data)
        self.image = self._assets.find(data, self.events) or self.image
        self._reduce("event", event)

    def _reject(self, data: Mapping[str, Any], time_s: float | None) -> None:
        self.rejected += 1
        scan = data.get("scan_index")
        point = data.get("point_index")
        rejection = Rejection(
            event=self.events,
            scan=None if scan is None else int(scan) + 1,
            point=None if point is None else int(point) + 1,
            reasons=str(data["quality"]),
            time_s=time_s,
        )
        # A new tuple each time, because published frames hold the previous one.
        self.rejections = (*self.rejections, rejection)[-REJECTIONS:]

    def _end(self, stop: Mapping[str, Any]) -> None:
        if self.start is None or stop["run_start"] != self.start["uid"]:
            return
        self.version += 1
        self.suspension = None
        self.exit_status = str(stop.get("exit_status", "success"))
        self.ended_s = stop.get("time")
        self._reduce("stop", stop)

    def _reduce(self, name: str, doc: Mapping[str, Any]) -> None:
        """Add a document to the sums; one that cannot be reduced becomes `problem`, and the display continues."""
        # Documents come from outside: from an older version, another plan, a damaged journal. One that cannot be
        # reduced is skipped, and the sums continue without it. If it is the start document, nothing later can be
        # understood either, so the run has no sums.
        try:
            if self.sums is not None:
                self._kind.add(self.sums, name, doc)
        except ReductionError as error:
            self.problem = str(error)
            logger.warning("A %s document of run %s is not shown: %s", name, (self.start or {}).get("uid"), error)
            if name == "start":
                self.sums = None


def _last_scan(run: RunAccumulator) -> NDArray[np.bool_]:
    """Return the mask (scans,) of the latest scan that has a good exposure."""
    mask = np.zeros(run.scans, dtype=bool)
    mask[np.nonzero(run.exposures.any(axis=(1, 2)))[0][-1]] = True
    return mask
