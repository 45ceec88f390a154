"""If these fail, time zero is set to a wrong delay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from plans.grids import join_regions
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS
from reduction.accumulator import accumulate
from reduction.timing import Timing
from reduction.xas.pump_train import convolved_decay
from reduction.xas.rise_model import PAPER_DECAYS, Decays, RiseModel
from reduction.xas.signal_rise import Rise, fit_rise
from reduction.xas.spc_time import spc_trace
from reduction.xas.time_zero import fit_time_zero, time_zero

DELAYS_PS = np.concatenate([np.arange(-300, -120, 40.0), np.arange(-120, 200, 20.0), np.arange(220, 700, 60.0)])
NOISE = 2e-3


def signal(delay_ps: NDArray[np.float64], t0_ps: float, irf_ps: float = 45.0) -> NDArray[np.float64]:
    """The paper's kinetics with an amplitude of -3 %."""
    parts = ((0.60, 1 / 120), (0.21, 1 / 900), (0.19, 0.0))
    decays = [f * convolved_decay(delay_ps - t0_ps, rate, irf_ps).value for f, rate in parts]
    return np.asarray(-0.03 * np.sum(decays, axis=0))


def test_exact_scan_gives_its_parameters_back() -> None:
    fit = fit_time_zero(
        DELAYS_PS,
        signal(DELAYS_PS, 17.0, 60.0) + 0.01,
        np.full(DELAYS_PS.size, NOISE),
        RiseModel(irf_error_ps=math.inf, decays=PAPER_DECAYS),
    )
    assert fit.t0_ps.value == pytest.approx(17.0, abs=0.01)
    assert fit.irf_sigma_ps.value == pytest.approx(60.0, abs=0.05)
    assert fit.amplitude == pytest.approx(-0.03, rel=1e-3)
    assert fit.baseline == pytest.approx(0.01, abs=1e-5)
    assert fit.curve(DELAYS_PS) == pytest.approx(signal(DELAYS_PS, 17.0, 60.0) + 0.01, abs=1e-5)
    assert fit.lifetime_ps is None
    assert fit.chi_square < 1e-3


@pytest.mark.parametrize("lifetimes_ps", [(80.0, 470.0), (85.0, 740.0), (120.0, 900.0), (230.0, 3200.0)])
def test_a_second_decay_hardly_moves_time_zero_and_response(lifetimes_ps: tuple[float, float]) -> None:
    """Lost: up to an error of t0 and half of one of the response, if what the first decay leaves counts as constant."""
    delays_ps = np.array(join_regions(TIME_ZERO_REGIONS_PS, "ps"))
    parts = ((0.5, 1 / lifetimes_ps[0]), (0.25, 1 / lifetimes_ps[1]), (0.25, 0.0))
    exact = -0.03 * np.sum([share * convolved_decay(delays_ps, rate, 45.0).value for share, rate in parts], axis=0)
    fit = fit_time_zero(delays_ps, exact, np.full(delays_ps.size, 3e-4), RiseModel(irf_error_ps=15.0))
    assert abs(fit.t0_ps.value) < 0.45 * fit.t0_ps.sigma
    assert abs(fit.irf_sigma_ps.value - 45.0) < 0.3 * fit.irf_sigma_ps.sigma


def test_a_strong_transient_has_the_time_zero_of_a_weak_one() -> None:
    """Lost: 0.7 ps for a transient of 8 %, half an error, if the logarithm of the gates counts as a sum of decays."""
    delays_ps = np.array(join_regions(TIME_ZERO_REGIONS_PS, "ps"))
    recorded = Timing(irf_error_ps=15.0, irf_source="configuration")
    weak, strong = (
        fit_rise(
            Rise(
                delay_ps=delays_ps,
                change=np.log1p(size * signal(delays_ps, 0.0)),
                sigma=np.full(delays_ps.size, 1e-3 * size),
                timing=recorded,
            )
        )
        for size in (0.1, 2.7)
    )
    assert abs(strong.t0_ps.value - weak.t0_ps.value) < 0.1


def test_two_decays_that_cancel_each_other_are_no_result() -> None:
    """Lost: time zero by 6 errors, in a second minimum of a strong signal, where a search from one start ended."""
    delays_ps = np.array(join_regions(TIME_ZERO_REGIONS_PS, "ps"))
    parts = ((0.527, 1 / 117.0), (0.173, 1 / 1143.0), (0.300, 0.0))
    decays = [share * convolved_decay(delays_ps + 38.5, rate, 53.5).value for share, rate in parts]
    fit = fit_time_zero(
        delays_ps, -0.06 * np.sum(decays, axis=0), np.full(delays_ps.size, 6e-4), RiseModel(irf_error_ps=15.0)
    )
    assert abs(fit.t0_ps.value + 38.5) < 0.35 * fit.t0_ps.sigma


def test_fixed_decays_are_worth_a_smaller_error() -> None:
    data = signal(DELAYS_PS, 0.0) + NOISE * np.random.default_rng(1).standard_normal(DELAYS_PS.size)
    errors = np.full(DELAYS_PS.size, NOISE)
    free, fixed = (fit_time_zero(DELAYS_PS, data, errors, RiseModel(decays=decays)) for decays in (None, PAPER_DECAYS))
    assert fixed.t0_ps.sigma < 0.8 * free.t0_ps.sigma
    assert free.lifetime_ps is not None
    assert 40 < free.lifetime_ps < 400


def test_time_zero_of_a_measured_run(br_beam_time: type[Any]) -> None:
    """From the counts of a run with jet noise; 4 sigma, 1 in 16 000 by chance."""
    table = np.outer(signal(DELAYS_PS, 25.0), [1.0, 0.0, 0.0, 0.0, 0.0])
    beam_time = br_beam_time(DELAYS_PS, np.ones(DELAYS_PS.size), table, axis="delay_ps", modes=("spc",), dwell_s=3.0)
    fit = time_zero(
        spc_trace(accumulate(beam_time.documents(np.random.default_rng(2)))), RiseModel(decays=PAPER_DECAYS)
    )
    assert abs(fit.t0_ps.value - 25.0) < 4 * fit.t0_ps.sigma
    assert fit.t0_ps.sigma < 10.0


def test_impossible_decays_are_refused() -> None:
    with pytest.raises(ReductionError, match="above 0 ps"):
        Decays(lifetimes_ps=(0.0,), fractions=(1.0,))
