"""If these fail, an overlay, a difference or a ratio on the screen is not what the stored runs say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from live_runs import delay_run, energy_run, fluence_run

from errors import ReductionError
from gui.browser.comparison import difference, ratio
from gui.browser.run_curves import CurveChoice, Part, RunCurve, run_curve
from reduction.accumulator import accumulate
from reduction.boxcar_energy import boxcar_spectrum
from reduction.exposure_pairs import Mode
from reduction.fluence import fluence_scan
from reduction.spc_energy import spc_spectrum
from reduction.spc_time import spc_trace


@pytest.mark.parametrize("mode", ["spc", "boxcar"])
@pytest.mark.parametrize("part", ["transient", "on", "off"])
@pytest.mark.parametrize("probe", [0, 1])
def test_spectra_are_those_of_the_reduction(mode: Mode, part: Part, probe: int) -> None:
    documents = energy_run()
    shown = run_curve(documents, CurveChoice(part, mode, probe))
    stored = (spc_spectrum if mode == "spc" else boxcar_spectrum)(accumulate(documents), probe)
    np.testing.assert_array_equal(shown.x, stored.energy_ev)
    np.testing.assert_array_equal(shown.y, getattr(stored, part))
    assert shown.sigma is not None
    np.testing.assert_array_equal(
        shown.sigma, stored.sigma if part == "transient" else getattr(stored, f"{part}_sigma")
    )


def test_traces_and_dependences_are_those_of_the_reduction() -> None:
    delays, fluences = delay_run(), fluence_run()
    trace, dependence = run_curve(delays, CurveChoice()), run_curve(fluences, CurveChoice(mode="boxcar"))
    np.testing.assert_array_equal(trace.y, spc_trace(accumulate(delays)).transient)
    np.testing.assert_array_equal(dependence.y, fluence_scan(accumulate(fluences), "boxcar").transient)
    assert (trace.axis, dependence.axis) == ("delay_ps", "fluence_mj_cm2")


def test_what_cannot_be_reduced_says_why() -> None:
    with pytest.raises(ReductionError, match="Choose photon counting"):
        run_curve(delay_run(), CurveChoice(mode="boxcar"))
    with pytest.raises(ReductionError, match="Choose the transient"):
        run_curve(fluence_run(), CurveChoice(part="on"))
    with pytest.raises(ReductionError, match="no start document"):
        run_curve([], CurveChoice())


def test_difference_of_equal_truths_is_zero_within_its_errors() -> None:
    """Chi-square of 44 points about zero; the bounds are exceeded by chance once in 10 000 runs."""
    first, second = (run_curve(energy_run(uid, seed=seed), CurveChoice()) for uid, seed in (("a", 1), ("b", 2)))
    result = difference(first, second)
    assert result.sigma is not None
    assert first.sigma is not None
    assert second.sigma is not None
    np.testing.assert_allclose(result.sigma, np.sqrt(first.sigma**2 + second.sigma**2), rtol=1e-12)
    chi_square = float(np.sum((result.y / result.sigma) ** 2))
    assert 15 < chi_square < 89


def test_errors_of_a_ratio_are_those_of_drawn_numbers() -> None:
    """Width of 20 000 drawn ratios against the propagated error, to 3 % (six of its own errors)."""
    rng = np.random.default_rng(5)
    first, second = (curve([1.0, 2.0], sigma) for sigma in (0.02, 0.03))
    result, omitted = ratio(replace(first, y=np.array([0.5, 2.0])), second)
    drawn = (np.array([0.5, 2.0]) + 0.02 * rng.standard_normal((20_000, 2))) / (
        np.array([1.0, 2.0]) + 0.03 * rng.standard_normal((20_000, 2))
    )
    assert omitted == 0
    assert result.sigma is not None
    np.testing.assert_allclose(result.sigma, drawn.std(axis=0), rtol=0.03)


def test_ratio_leaves_out_points_whose_denominator_may_be_zero() -> None:
    result, omitted = ratio(curve([1.0, 1.0, 1.0], 0.1), curve([1.0, 0.2, -0.31], 0.1))
    assert omitted == 1
    np.testing.assert_array_equal(result.x, [1.0, 3.0])
    with pytest.raises(ReductionError, match="zero within 3 errors at every point"):
        ratio(curve([1.0], 0.1), curve([0.1], 0.1))


def test_read_back_jitter_is_no_other_grid_and_a_shorter_run_is_compared_where_it_is() -> None:
    first = replace(curve([1.0, 2.0, 3.0], 0.1), x=np.array([1.0, 2.05, 3.0]))
    second = replace(curve([1.0, 1.0], 0.1), x=np.array([2.0, 2.95]))
    result = difference(first, second)
    np.testing.assert_allclose(result.x, [2.025, 2.975])
    np.testing.assert_allclose(result.y, [1.0, 2.0])
    np.testing.assert_allclose(difference(second, first).y, [-1.0, -2.0])


@pytest.mark.parametrize("x", [[1.0, 2.3, 3.0], [1.0, 1.05, 3.0]])
def test_other_grids_are_refused_rather_than_interpolated(x: list[float]) -> None:
    first = curve([1.0, 1.0, 1.0], 0.1)
    with pytest.raises(ReductionError, match="not measured on one grid"):
        difference(first, replace(first, x=np.array(x)))


def test_curves_of_different_kinds_are_refused() -> None:
    first = curve([1.0], 0.1)
    with pytest.raises(ReductionError, match="Choose two runs of one kind"):
        difference(first, replace(first, axis="delay_ps"))
    with pytest.raises(ReductionError, match="Choose two runs of one kind"):
        ratio(first, replace(first, quantity="foil"))


def curve(y: list[float], sigma: float) -> RunCurve:
    values = np.array(y)
    return RunCurve("run", "energy_ev", "transient (1)", 1.0 + np.arange(len(y)), values, np.full(len(y), sigma))
