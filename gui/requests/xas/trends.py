"""Drifts of the experiment: surroundings from exposure to exposure, time zero and edge from scan to scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from gui.live.history import COLUMNS, ExposureHistory
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.accumulator import RunAccumulator, joined
from reduction.all_bunches import all_bunches, ungated_fluorescence
from reduction.detector_view import with_default_detector
from reduction.types import Mode
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.calibration import FoilSpectrum, find_edge
from reduction.xas.rise_model import PAPER_DECAYS, RiseModel
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from reduction.xas.time_zero import time_zero


@dataclass(frozen=True, kw_only=True)
class TimeCourse:
    """A quantity against time, (rows,) each: `time_s` is Unix time, `sigma` is None without errors.

    `missing`: number of exposures or scans without a value.
    """

    time_s: NDArray[np.float64] = field(repr=False)
    value: NDArray[np.float64] = field(repr=False)
    sigma: NDArray[np.float64] | None = field(repr=False)
    unit: str
    missing: int = 0


@dataclass(frozen=True)
class TrendRequest(Request[TimeCourse]):
    """One column of the history of the run, a key of `gui.live.history.COLUMNS`; I0 as a rate, counts/s."""

    column: str

    def compute(self, run: RunState) -> TimeCourse:
        """Return the trend. Raises ReductionError if no event has the quantity."""
        if self.column not in COLUMNS:
            raise ReductionError(f"There is no trend of {self.column!r}. Choose one of {', '.join(COLUMNS)}.")
        value = run.history.column(self.column)
        unit = COLUMNS[self.column]
        if self.column == "i0":
            value = value / run.history.column("exposure_s")
            unit = "counts/s"
        known = np.isfinite(value)
        if not known.any():
            raise ReductionError(
                f"No exposure of this run has {self.column} yet. Wait for one, or choose another quantity."
            )
        return TimeCourse(
            time_s=run.history.column("time_s")[known],
            value=value[known],
            sigma=None,
            unit=unit,
            missing=int((~known).sum()),
        )


@dataclass(frozen=True, kw_only=True)
class TimeZeroTrend(Request[TimeCourse]):
    """Time zero, ps, of every finished delay scan of the series that shows a step, with the decays of the paper."""

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> TimeCourse:
        """Return the trend. Raises ReductionError if no scan has a time zero."""
        return _per_scan(run, self, _time_zero, "ps")


@dataclass(frozen=True, kw_only=True)
class EdgeTrend(Request[TimeCourse]):
    """Energy, eV, of the steepest rise of the unpumped spectrum, for every finished energy scan of the series."""

    slow: ClassVar[bool] = True

    mode: Mode = "spc"

    def compute(self, run: RunState) -> TimeCourse:
        """Return the trend. Raises ReductionError if no scan covers the edge."""
        return _per_scan(run, self, lambda scan: _edge(scan, self.mode), "eV")


@dataclass(frozen=True, kw_only=True)
class AllBunchesTrend(Request[TimeCourse]):
    """Signal per I0 of the first detector that counts all bunches, mean over the points of every finished scan."""

    def compute(self, run: RunState) -> TimeCourse:
        """Return the trend. Raises ReductionError for a run without such a detector, or without a complete scan."""
        ungated = ungated_fluorescence(run.scans())
        if not ungated:
            raise ReductionError("Every fluorescence detector of this run is gated. See its transient.")
        return _per_scan(run, self, lambda scan: _mean_signal(scan, ungated[0].name), "counts / I0")


def _mean_signal(scan: RunAccumulator, name: str) -> Value:
    found = all_bunches(scan, name)
    points = found.signal.size
    return Value(float(found.signal.mean()), float(np.sqrt(np.sum(found.sigma**2))) / points)


def _time_zero(scan: RunAccumulator) -> Value:
    timing = scan.metadata.timing
    model = RiseModel(irf_sigma_ps=timing.irf_sigma_ps, irf_error_ps=timing.irf_error_ps, decays=PAPER_DECAYS)
    return time_zero(spc_trace(scan), model).t0_ps


def _edge(scan: RunAccumulator, mode: Mode) -> Value:
    # A run whose detectors are all listed and none of which counts has the edge of its first gated one.
    scan = with_default_detector(scan)
    mode = scan.metadata.trace_mode if scan.metadata.detector else mode
    spectrum = (spc_spectrum if mode == "spc" else boxcar_spectrum)(scan)
    return find_edge(FoilSpectrum(spectrum.energy_ev, spectrum.off)).edge_ev


def _per_scan(
    run: RunState, quantity: Request[TimeCourse], of: Callable[[RunAccumulator], Value], unit: str
) -> TimeCourse:
    rows: list[tuple[float, float, float]] = []
    problem = ""
    missing = 0
    # A finished scan never changes, so that its result is computed once and remembered by request, run and scan; only a
    # scan that has just ended costs a fit. A scan without a result counts as missing, and the last reason is given if
    # there is no result at all.
    for time_s, uid, sums, scan in _finished_scans(run):
        try:
            mask = np.arange(sums.scans) == scan
            rows.append((time_s, *run.remember((quantity, uid, scan), lambda: of(joined([sums], [mask])))))  # noqa: B023  # called at once
        except ReductionError as error:
            problem = str(error)
            missing += 1
    if not rows:
        raise ReductionError(problem or "No scan of this run is complete yet. Wait for the end of the first.")
    time_s_, value, sigma = np.array(rows).T
    return TimeCourse(time_s=time_s_, value=value, sigma=sigma, unit=unit, missing=missing)


def _finished_scans(run: RunState) -> Iterator[tuple[float, str, RunAccumulator, int]]:
    """Yield mean time, run, sums and index of every finished scan with a good exposure, earlier runs first."""
    # The last scan of an open run is still growing, unless it has an exposure at every point already. Its result would
    # change with every exposure, and each version would be remembered.
    current = run.scans()
    over = current.scans if run.exit_status is not None or _is_complete(current) else current.scans - 1
    for sums, history, scans in [
        *((past.accumulator, past.history, past.accumulator.scans) for past in run.earlier),
        (current, run.history, over),
    ]:
        for scan in np.nonzero(sums.exposures[:scans].any(axis=(1, 2)))[0]:
            yield _mean_time(history, int(scan)), sums.metadata.uid, sums, int(scan)


def _is_complete(run: RunAccumulator) -> bool:
    """Return whether the last scan has an exposure at every point, in each state of the shutter that it uses."""
    measured = run.exposures + run.rejected > 0
    used = measured.any(axis=(0, 1))
    return bool(run.scans and measured[-1][:, used].all())


def _mean_time(history: ExposureHistory, scan: int) -> float:
    times = history.column("time_s")[history.column("scan_index") == scan]
    return float(times.mean()) if times.size else 0.0
