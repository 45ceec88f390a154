"""If these fail, time zero is set to a wrong delay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.xas.pump_train import convolved_decay
from reduction.xas.results import TimeZeroResults
from reduction.xas.rise_model import PAPER_DECAYS, RiseModel
from reduction.xas.time_zero import TimeZeroFit, fit_time_zero

DELAYS_PS = np.concatenate([np.arange(-300, -120, 40.0), np.arange(-120, 200, 20.0), np.arange(220, 700, 60.0)])
NOISE = 2e-3


def signal(delay_ps: NDArray[np.float64], t0_ps: float, irf_ps: float = 45.0) -> NDArray[np.float64]:
    """The paper's kinetics with an amplitude of -3 %."""
    parts = ((0.60, 1 / 120), (0.21, 1 / 900), (0.19, 0.0))
    decays = [f * convolved_decay(delay_ps - t0_ps, rate, irf_ps).value for f, rate in parts]
    return np.asarray(-0.03 * np.sum(decays, axis=0))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(RiseModel(), marks=pytest.mark.long),
        RiseModel(decays=PAPER_DECAYS),
        pytest.param(RiseModel(decays=PAPER_DECAYS, irf_error_ps=math.inf), marks=pytest.mark.long),
    ],
)
def test_time_zero_and_its_interval_have_the_right_width(model: RiseModel) -> None:
    """80 scans each: mean pull 0.11, width 0.079, 0.052 of the intervals; 4 sigma, 1 in 1800 by chance."""
    pulls, covered = [], 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        t0 = rng.uniform(-60.0, 60.0)
        data = signal(DELAYS_PS, t0) + NOISE * rng.standard_normal(DELAYS_PS.size) + 0.01
        fit = fit_time_zero(DELAYS_PS, data, np.full(DELAYS_PS.size, NOISE), model)
        pulls.append((fit.t0_ps.value - t0) / fit.t0_ps.sigma)
        covered += fit.interval.low <= t0 <= fit.interval.high
    assert abs(np.mean(pulls)) < 4 * 0.11
    assert abs(np.std(pulls) - 1.0) < 4 * 0.079
    assert abs(covered / 80 - 0.683) < 4 * 0.052


FEW_DELAYS_PS = np.array([-200, -100, -60, -20, 20, 60, 100, 200, 400.0])


def few_delays(seed: int, delays_ps: NDArray[np.float64] = FEW_DELAYS_PS) -> TimeZeroFit:
    """The fit of a scan of few delays with a time zero of 0 ps and twice the noise."""
    data = signal(delays_ps, 0.0) + 2 * NOISE * np.random.default_rng(seed).standard_normal(delays_ps.size)
    return fit_time_zero(delays_ps, data, np.full(delays_ps.size, 2 * NOISE))


def test_error_of_a_lopsided_time_zero_is_half_of_its_interval() -> None:
    fit = few_delays(4)
    low_ps, high_ps = fit.interval
    assert not fit.is_parabolic
    assert fit.t0_ps.value - low_ps > 1.3 * (high_ps - fit.t0_ps.value)
    assert fit.t0_ps.sigma == pytest.approx((high_ps - low_ps) / 2)
    trace: Any = None
    lines = TimeZeroResults(kind="time zero", trace=trace, time_zero=fit).lines()
    assert f"{low_ps:.1f} to {high_ps:.1f} ps (not parabolic)" in "\n".join(lines)


def test_time_zero_that_is_bounded_on_one_side_only_is_refused() -> None:
    with pytest.raises(ReductionError, match="does not bound time zero on the early side"):
        few_delays(12, np.arange(-100, 251, 50.0))


@pytest.mark.parametrize(
    ("delays", "data", "message"),
    [
        (DELAYS_PS, np.zeros(DELAYS_PS.size), "No step"),
        (DELAYS_PS[:4], np.zeros(4), "4 delays cannot determine 5"),
        (
            np.linspace(-10.0, 10.0, 12),
            signal(np.linspace(-10.0, 10.0, 12), 0.0),
            "instrument response|No step|sides|border",
        ),
        (DELAYS_PS, signal(DELAYS_PS, 690.0), "border|No step"),
    ],
)
def test_scan_without_a_usable_step_is_refused(
    delays: NDArray[np.float64], data: NDArray[np.float64], message: str
) -> None:
    with pytest.raises(ReductionError, match=message):
        fit_time_zero(delays, data + 1e-6 * np.arange(delays.size), np.full(delays.size, NOISE))
