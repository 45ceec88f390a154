"""If these fail, time zero is set to a wrong delay."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.xas.pump_train import convolved_decay
from reduction.xas.rise_model import PAPER_DECAYS, RiseModel
from reduction.xas.time_zero import fit_time_zero

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
        covered += fit.low_ps <= t0 <= fit.high_ps
    assert abs(np.mean(pulls)) < 4 * 0.11
    assert abs(np.std(pulls) - 1.0) < 4 * 0.079
    assert abs(covered / 80 - 0.683) < 4 * 0.052


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
