"""Runs that have ended, held in memory for the series that later runs continue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gui.live.history import ExposureHistory
from gui.live.left_out import LeftOutRun, calibration_difference
from reduction.accumulator import RunAccumulator
from reduction.run_kind import RunSums
from reduction.run_metadata import RunMetadata

EARLIER_RUNS = 32
"""Finished runs that are held in memory for their series. One of 10 scans over 300 points takes 1.2 MB."""

EARLIER_BYTES = 150_000_000
"""Memory of the finished runs, bytes, beyond which the oldest are no longer held; the latest one always is."""


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that has ended: its sums, its exposures, and its scan id, None if it has none."""

    accumulator: RunAccumulator
    history: ExposureHistory
    scan_id: int | None


@dataclass(frozen=True, kw_only=True)
class FinishedSums:
    """The sums of a run of another kind that has ended, with its uid and its series."""

    uid: str
    series: str
    sums: RunSums


class FinishedRuns:
    """The latest runs that have ended; a run that is put again, as in a second replay, counts once."""

    def __init__(self) -> None:
        self._scans: list[FinishedRun] = []
        self._sums: list[FinishedSums] = []

    def put_scan(self, accumulator: RunAccumulator, history: ExposureHistory, scan_id: int | None) -> None:
        """Add a pump-probe scan, unless it has not begun a scan; the oldest runs are dropped beyond the memory."""
        if not accumulator.scans:
            return
        uid = accumulator.metadata.uid
        ended = FinishedRun(accumulator=accumulator, history=history, scan_id=scan_id)
        self._scans = _held([*(run for run in self._scans if run.accumulator.metadata.uid != uid), ended])

    def put_sums(self, start: Mapping[str, Any], sums: RunSums) -> None:
        """Add the sums of a run that is not a pump-probe scan, up to the same number per kind."""
        uid = str(start["uid"])
        others = [run for run in self._sums if run.uid != uid]
        same = [run for run in others if type(run.sums) is type(sums)]
        if len(same) >= EARLIER_RUNS:
            others.remove(same[0])
        self._sums = [*others, FinishedSums(uid=uid, series=str(start.get("series", "")), sums=sums)]

    def sums_of_series(self, series: str | None) -> tuple[RunSums, ...]:
        """Return the sums of the runs of a series that are not pump-probe scans, oldest first; none without a name."""
        return tuple(run.sums for run in self._sums if series and run.series == series)

    def repeated_by(self, run: RunMetadata) -> tuple[FinishedRun, ...]:
        """Return the pump-probe scans that `run` repeats: of its series, with its grid and settings, oldest first."""
        return tuple(one for one in self._scans if _repeats(one.accumulator.metadata, run))

    def left_out_of(self, run: RunMetadata) -> tuple[LeftOutRun, ...]:
        """Return the runs that only their calibration excludes from the series of `run`."""
        return tuple(
            LeftOutRun(uid=one.accumulator.metadata.uid, scan_id=one.scan_id, reason=reason)
            for one in self._scans
            if (reason := calibration_difference(one.accumulator.metadata, run))
        )


def _held(runs: list[FinishedRun]) -> list[FinishedRun]:
    """Return the latest runs, as many as there is memory for, at least one."""
    latest = runs[-EARLIER_RUNS:][::-1]
    used = np.cumsum([one.accumulator.nbytes + one.history.nbytes for one in latest])
    return latest[: max(int(np.searchsorted(used, EARLIER_BYTES, side="right")), 1)][::-1]


def _repeats(other: RunMetadata, run: RunMetadata) -> bool:
    """Return whether two different runs belong to one series, with the same grid and settings."""
    return other.uid != run.uid and replace(other, uid=run.uid, repeats=run.repeats) == run
