"""If these fail, what earlier pumps left behind is taken for signal."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reduction.xas.pump_train import PumpTrain, convolved_decay

PERIOD_PS = 767_000.0


def by_quadrature(delay_ps: float, rate: float, sigma: float) -> float:
    """Return the convolution as a numerical integral, which shares nothing with the closed form."""
    top = min(delay_ps, 9 * sigma)
    if top <= -9 * sigma:
        return 0.0
    u = np.linspace(-9 * sigma, top, 20_001)
    response = np.exp(-(u**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
    return float(np.trapezoid(response * np.exp(-(delay_ps - u) * rate), u))


@pytest.mark.parametrize("rate", [0.0, 1 / 400e3, 1 / 900, 1 / 120, 1 / 45, 1 / 10])
def test_decay_is_the_convolution_with_the_instrument_response(rate: float) -> None:
    delays = np.concatenate([np.linspace(-250, 500, 26), [5e3, 130e3]])
    expected = [by_quadrature(float(delay), rate, 45.0) for delay in delays]
    assert convolved_decay(delays, rate, 45.0).value == pytest.approx(expected, rel=2e-5, abs=1e-9)


def test_no_delay_overflows() -> None:
    delays = np.concatenate([-np.geomspace(1e5, 1, 50), np.geomspace(1, 7e5, 50)])
    for rate in (0.0, 1e-9, 1e-2, 1.0, 1e3):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            decay = convolved_decay(delays, rate, 45.0)
        assert np.all((decay.value >= 0) & (decay.value <= 1))


def test_derivatives_match_finite_differences() -> None:
    train = PumpTrain(period_ps=PERIOD_PS, overlap=(1.0, 0.9, 0.5), sigma_ps=45.0)
    delays = np.array([-300.0, -40.0, 0.0, 60.0, 900.0, 153_400.0, 613_600.0])

    def slope(high: NDArray[np.float64], low: NDArray[np.float64], step: float) -> NDArray[np.float64]:
        return (high - low) / (2 * step)

    for rate in (1 / 400e3, 1 / 900, 1 / 120):
        decay, h = train.decay(delays, rate), 1e-4 * rate
        by_delay = slope(train.decay(delays + 0.01, rate).value, train.decay(delays - 0.01, rate).value, 0.01)
        by_rate = slope(train.decay(delays, rate + h).value, train.decay(delays, rate - h).value, h)
        assert decay.by_delay == pytest.approx(by_delay, rel=1e-5, abs=1e-10)
        assert decay.by_rate == pytest.approx(by_rate, rel=1e-5, abs=1e-4)


def test_before_the_pump_one_sees_what_the_earlier_pumps_left() -> None:
    train = PumpTrain(period_ps=PERIOD_PS, overlap=(1.0, 0.9, 0.8), sigma_ps=45.0)
    rate = 1 / 400e3
    # 1 ns changes the spot's place, and so these intensities, by 0.05 %.
    early = 0.9 * np.exp(-(PERIOD_PS - 1000) * rate) + 0.8 * np.exp(-(2 * PERIOD_PS - 1000) * rate)
    assert train.decay(-1000.0, rate).value == pytest.approx(early, rel=5e-4)
    late = np.exp(-1000 * rate) + 0.9 * np.exp(-(PERIOD_PS + 1000) * rate)
    late += 0.8 * np.exp(-(2 * PERIOD_PS + 1000) * rate)
    assert train.decay(1000.0, rate).value == pytest.approx(late, rel=5e-4)


def test_late_probes_see_a_spot_that_has_moved_on() -> None:
    """If this fails, the moving jet looks like a faster decay of the offset."""
    rate = 1 / 400e3
    ages: NDArray[np.float64] = np.arange(24.0) * PERIOD_PS

    def overlap(age_ps: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-4 * np.log(2) * (4e-6 * age_ps / 45.0) ** 2))

    train = PumpTrain(period_ps=PERIOD_PS, overlap=tuple(overlap(ages).tolist()), sigma_ps=45.0)
    for delay in (153_500.0, 306_900.0, 613_700.0):
        expected = (overlap(delay + ages) * np.exp(-(delay + ages) * rate)).sum()
        assert train.decay(delay, rate).value == pytest.approx(expected, rel=1e-6)
    blind = PumpTrain(period_ps=PERIOD_PS, overlap=(1.0, 0.0), sigma_ps=45.0).decay(np.array([1000.0]), rate)
    assert np.isfinite(blind).all()
    assert blind.value == pytest.approx(np.exp(-1000 * rate), rel=1e-2)


def test_probe_that_passed_the_next_pump_is_counted_from_it() -> None:
    """Probe 4 of a first delay beyond 153.4 ns comes after the next pump."""
    train = PumpTrain(period_ps=PERIOD_PS, overlap=(1.0, 0.9), sigma_ps=45.0)
    assert train.decay(PERIOD_PS + 500.0, 1 / 900).value == pytest.approx(train.decay(500.0, 1 / 900).value)
    assert train.decay(PERIOD_PS - 20.0, 1 / 900).value == pytest.approx(train.decay(-20.0, 1 / 900).value)


@pytest.mark.parametrize("rate", [0.0, 1 / 900, 1 / 20])
def test_derivative_by_the_width_of_the_response(rate: float) -> None:
    """With a wrong one, a fit of the response ends beside its minimum, with an error that is too small."""
    delay = np.linspace(-200.0, 500.0, 29)
    above, below = (convolved_decay(delay, rate, 45.0 + step).value for step in (1e-3, -1e-3))
    assert convolved_decay(delay, rate, 45.0).by_sigma == pytest.approx((above - below) / 2e-3, abs=1e-9)
