"""If these fail, runs on different grids give a mean with wrong errors, or runs that differ are averaged unnoticed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import InputError, ReductionError
from reduction.accumulator import accumulate
from reduction.kinds import combine_runs, reduce_run
from reduction.run_kind import CombineChoice
from reduction.xas.all_gates import AllGatesSpectrum, all_gates_spectrum
from reduction.xas.combination.resampling import MeasuredCurve, common_grid, hat_functions, resampled
from reduction.xas.combination.results import CombinedSpectra, CombinedTrace
from reduction.xas.results import SpectrumResults, TraceResults
from tests.support import live_runs
from tests.support.beam_time import br_signal, br_static
from trxas.results.figures import figure_of_results

FloatArray = NDArray[np.float64]
COARSE = np.arange(0.0, 21.0, 1.0)
FINE = np.arange(4.2, 12.0, 0.4)
SHORT = np.arange(10.3, 26.0, 1.3)


def energies(shift_ev: float) -> FloatArray:
    """A Br K grid of 0.75 eV around the edge, shifted by a part of a step."""
    edge = np.arange(13_456.0, 13_489.0, 0.75) + shift_ev
    return np.concatenate([np.arange(13_450.0, 13_455.0, 2.0), edge, np.arange(13_492.0, 13_571.0, 9.0)])


def energy_run(uid: str, shift_ev: float, *, seed: int, **settings: Any) -> Any:
    """An energy scan of one pass on a shifted grid, with the same sample."""
    points = energies(shift_ev)
    given: dict[str, Any] = {"points": points, "static": br_static(points), "signal": br_signal(points), "scans": 1}
    return live_runs.energy_run(uid, seed=seed, **given | settings)


def test_the_grid_has_the_points_of_the_longest_run_and_finer_or_farther_ones() -> None:
    grid = common_grid([COARSE, FINE, SHORT])
    assert set(COARSE) <= set(grid)
    # Finer than 1: those of the fine run that are not next to a node. Farther than 20: those of the short run.
    assert {4.6, 11.4} <= set(grid.round(6))
    assert {20.7, 22.0, 24.6} <= set(grid.round(6))
    assert 10.3 not in set(grid.round(6))
    assert np.diff(grid).min() > 0.15


def test_interpolation_is_linear_and_nothing_outside() -> None:
    matrix = hat_functions(np.array([0.0, 1.0, 3.0]), np.array([-0.11, 0.25, 2.0, 3.1, 3.3]))
    assert matrix @ np.array([0.0, 4.0, 8.0]) == pytest.approx([0.0, 1.0, 6.0, 8.0, 0.0])


def test_a_straight_line_stays_one_and_its_errors_are_right() -> None:
    """120 drawn sets, correlated within a run by an offset of its own and between runs by a calibration of both."""
    random = np.random.default_rng(1)
    grids = (COARSE, FINE, SHORT)
    nodes = np.arange(0.0, 25.0, 2.0)
    pulls = []
    sums = []
    chances = []
    for _ in range(120):
        shared = random.normal()
        curves = []
        for x in grids:
            common = 0.3 * np.cos(x / 5.0)[None, :]
            offset = 0.5 * random.normal()
            y = 2.0 * x + offset + shared * common[0] + random.normal(size=x.size)
            curves.append(MeasuredCurve(x=x, y=y, covariance=np.eye(x.size) + 0.25, common=common))
        found = resampled(curves, nodes)
        error = found.y - 2.0 * nodes
        pulls.append(error / np.sqrt(np.diag(found.covariance)))
        sums.append(error.sum() / np.sqrt(found.covariance.sum()))
        chances.append(found.agreement.chi_square / found.agreement.degrees_of_freedom)
    # The spread of 120 numbers of unit width is known to 6.5 %; beyond 3 of these by chance once in 400 tests.
    assert np.std(sums) == pytest.approx(1.0, abs=0.2)
    assert np.mean(sums) == pytest.approx(0.0, abs=0.28)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.08)
    assert np.mean(chances) == pytest.approx(1.0, abs=0.06)


def test_runs_that_differ_do_not_agree() -> None:
    random = np.random.default_rng(2)
    curves = [
        MeasuredCurve(x=x, y=level + random.normal(size=x.size), covariance=np.eye(x.size), common=np.zeros((0, 0)))
        for x, level in ((COARSE, 0.0), (SHORT, 3.0))
    ]
    assert "DO NOT AGREE" in resampled(curves).agreement.text


def test_a_grid_that_no_run_supports_is_refused() -> None:
    curve = MeasuredCurve(x=COARSE, y=COARSE, covariance=np.eye(COARSE.size), common=np.zeros((0, 0)))
    with pytest.raises(ReductionError, match="No run has a point near 30"):
        resampled([curve], np.array([0.0, 10.0, 25.0, 30.0]))
    with pytest.raises(ReductionError, match="finer than the points"):
        resampled([curve], np.arange(0.0, 20.0, 0.7))
    with pytest.raises(ReductionError, match="ascending"):
        resampled([curve], np.array([1.0, 0.0]))


def test_spectra_of_different_grids_become_one() -> None:
    """Errors as if all photons had been measured at once; the area has the covariance of the points in its error."""
    runs = [energy_run(f"e{number}", 0.25 * number, seed=number) for number in range(3)]
    found = combine_runs(runs)
    assert isinstance(found, CombinedSpectra)
    single = reduce_run(runs[0])
    assert isinstance(single, SpectrumResults)
    spc = {one.metadata.mode: one for one in found.spectra}["spc"]
    alone = {one.metadata.mode: one for one in single.spectra}["spc"]
    assert np.median(spc.sigma) == pytest.approx(np.median(alone.sigma) / np.sqrt(3), rel=0.2)
    assert spc.transient == pytest.approx(spc.on - spc.off)
    assert spc.covariance is not None
    assert np.diag(spc.covariance) == pytest.approx(spc.sigma**2)
    assert found.combination.agreements["spc"].chi_square < 2 * found.combination.agreements["spc"].degrees_of_freedom
    text = found.table()
    assert "transient, spc" in text
    assert "combined runs          e0, e1, e2" in text
    area = found.area(13_460.0, 13_485.0)
    assert area.value == pytest.approx(-0.03, abs=5 * area.sigma)
    assert figure_of_results(found).axes
    with pytest.raises(ReductionError, match="needs two"):
        found.area(1.0, 2.0)


def test_sizes_of_combined_spectra_scatter_by_their_errors() -> None:
    """16 pairs of runs, noiseless ones as the truth; the width of the area's pulls is known to 18 %."""
    choice = CombineChoice(grid=tuple(energies(0.0)[:-1]))
    exact = combine_runs([energy_run(f"t{n}", 0.3 * n, seed=1, dwell_s=1e7, jet=0.0) for n in range(2)], choice=choice)
    assert isinstance(exact, CombinedSpectra)
    pulls = []
    areas = []
    for seed in range(16):
        runs = [energy_run(f"p{n}", 0.3 * n, seed=100 + 2 * seed + n, modes=("spc",)) for n in range(2)]
        pair = combine_runs(runs, choice=choice)
        assert isinstance(pair, CombinedSpectra)
        spc, truth = (next(s for s in one.spectra if s.metadata.mode == "spc") for one in (pair, exact))
        pulls.append((spc.transient - truth.transient) / spc.sigma)
        area = pair.area(13_465.0, 13_480.0)
        areas.append((area.value - exact.area(13_465.0, 13_480.0).value) / area.sigma)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)
    assert np.std(areas) == pytest.approx(1.0, abs=0.54)


def test_combined_spectra_use_all_gates_where_every_run_can() -> None:
    """Lost: a third of the beam time of a night. Pulls of 12 pairs; their width is known to 3.5 %, 6e-5 by chance."""
    settings: dict[str, Any] = {"modes": ("spc",), "dwell_s": 4.0}
    choice = CombineChoice(grid=tuple(energies(0.0)[:-1]))
    steady = settings | {"dwell_s": 1e7, "jet": 0.0}
    truth = combine_runs([energy_run(f"t{n}", 0.3 * n, seed=1, **steady) for n in (0, 1)], choice=choice)
    assert isinstance(truth, CombinedSpectra)
    pulls: list[FloatArray] = []
    for seed in range(12):
        runs = [energy_run(f"p{n}", 0.3 * n, seed=300 + 2 * seed + n, **settings) for n in (0, 1)]
        found = combine_runs(runs, choice=choice)
        assert isinstance(found, CombinedSpectra)
        best = found.best
        assert isinstance(best, AllGatesSpectrum)
        pulls.append((best.transient - truth.spectra[0].transient) / best.sigma)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.14)
    assert isinstance(found, CombinedSpectra)
    assert isinstance(best, AllGatesSpectrum)
    assert np.mean(best.sigma**2) / np.mean(found.spectra[0].sigma ** 2) == pytest.approx(best.variance_ratio, abs=0.1)
    alone = all_gates_spectrum(accumulate(runs[0]))
    assert best.shares[1].sigma == pytest.approx(alone.shares[1].sigma / np.sqrt(2), rel=0.2)
    assert best.covariance is not None
    assert best.covariance.diagonal() == pytest.approx(best.sigma**2)
    assert best.metadata.beam_time_s == pytest.approx(2 * alone.metadata.beam_time_s)
    by_two = replace(found, all_gates=())
    assert isinstance(by_two, CombinedSpectra)
    assert found.area(13_465.0, 13_480.0).sigma < by_two.area(13_465.0, 13_480.0).sigma
    weak = combine_runs([runs[0], energy_run("weak", 0.3, seed=2, **settings | {"dwell_s": 0.01})])
    assert isinstance(weak, CombinedSpectra)
    assert weak.all_gates == (None,)
    assert "all gates            not used: In run weak: The transient is too weak" in weak.table()


def test_traces_of_different_grids_become_one_with_one_fit() -> None:
    first = live_runs.delay_run("d1", seed=1)
    second = _other_delays("d2", seed=2)
    found = combine_runs([first, second])
    assert isinstance(found, CombinedTrace)
    alone = reduce_run(first)
    assert isinstance(alone, TraceResults)
    assert found.fit is not None
    assert alone.fit is not None
    assert found.fit.tau1_ps.sigma < 0.9 * alone.fit.tau1_ps.sigma
    assert found.fit.tau1_ps.value == pytest.approx(120.0, abs=4 * found.fit.tau1_ps.sigma)
    assert found.trace.covariance is not None
    # The offset before the pump is common to all points of a run.
    late = found.trace.delay_ps > 1000
    assert (found.trace.covariance[np.ix_(late, late)] > 0).all()
    assert len(found.fit.amplitudes) == 2
    assert found.correlation["amplitude1", "amplitude2"] > 0
    assert figure_of_results(found).axes


def test_what_differs_is_refused_or_must_be_forced() -> None:
    one = energy_run("a", 0.0, seed=1)
    for setting, value, text in (
        ("sample", "other", "sample: "),
        ("fluence_mj_cm2", 5.0, "fluence: "),
        ("energy_calibration_offset_ev", 1.0, "energy calibration: "),
    ):
        other = _changed(energy_run("b", 0.2, seed=2), setting, value)
        with pytest.raises(InputError, match=f"{text}.*force=True"):
            combine_runs([one, other])
        forced = combine_runs([one, other], choice=CombineChoice(force=True))
        assert f"forced               {text}" in forced.table()
    with pytest.raises(InputError, match=r"cannot be combined\. edge: Br K in a, Pb L3 in b"):
        combine_runs([one, _changed(energy_run("b", 0.2, seed=2), "edge", "Pb L3")], choice=CombineChoice(force=True))
    with pytest.raises(InputError, match="of one kind"):
        combine_runs([one, live_runs.delay_run()])
    with pytest.raises(InputError, match="given twice"):
        combine_runs([one, one])
    with pytest.raises(InputError, match="at least two"):
        combine_runs([one])
    with pytest.raises(InputError, match="A fluence scan cannot be combined"):
        combine_runs([live_runs.fluence_run("f1"), live_runs.fluence_run("f2")])


def _other_delays(uid: str, *, seed: int) -> Any:
    """A delay scan with the published kinetics at other delays than `live_runs.delay_run`."""
    kept = live_runs.DELAYS_PS
    try:
        live_runs.DELAYS_PS = np.unique(np.append(kept[::2] + 7.0, [-300.0]))
        return live_runs.delay_run(uid, seed=seed)
    finally:
        live_runs.DELAYS_PS = kept


def _changed(run: Any, name: str, value: Any) -> Any:
    return [("start", run[0][1] | {name: value}), *run[1:]]
