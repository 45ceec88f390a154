"""If these fail, lifetimes and fractions, or their error bars, are wrong."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.pileup import true_counts, true_counts_variance
from reduction.timing import Timing
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.fit import KineticsFit, fit_kinetics

BUNCH_PERIOD_PS, PUMP_PERIOD_PS, SIGMA_PS = 153_400.0, 767_000.0, 45.0
GATES_IN_36_S = int(36 * 1.304e6)
EFFICIENCY = np.array([0.004, -0.006, 0.003, 0.002, 0.0])


def overlap(age_ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the overlap of a 47 um laser spot (FWHM) with a jet that moves 3.07 um from pump to pump."""
    return np.asarray(np.exp(-4 * math.log(2) * (3.07 * age_ps / PUMP_PERIOD_PS / 47.0) ** 2))


OVERLAP = tuple(overlap(np.asarray(PUMP_PERIOD_PS * np.arange(12), np.float64)).tolist())
TIMING = Timing(pump_overlap=OVERLAP)
DELAYS_PS = np.concatenate(
    [
        np.linspace(-500, -150, 5),
        np.linspace(-90, 90, 7),
        np.linspace(110, 260, 10),
        np.geomspace(300, 2400, 28),
        np.geomspace(6e3, 130e3, 10),
    ]
)


@dataclass(frozen=True)
class Truth:
    tau1_ps: float = 120.0
    tau2_ps: float = 900.0
    fraction1: float = 0.60
    fraction2: float = 0.21
    offset_lifetime_ps: float = 400e3
    t0_ps: float = 0.0
    amplitude: float = -0.02

    @property
    def offset(self) -> float:
        return 1.0 - self.fraction1 - self.fraction2

    def one_pump(self, delay_ps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convolved by quadrature over the instrument response, not with the closed form under test."""
        result = np.zeros(delay_ps.shape)
        fractions = (self.fraction1, self.fraction2, self.offset)
        for fraction, tau in zip(fractions, (self.tau1_ps, self.tau2_ps, self.offset_lifetime_ps), strict=True):
            result += fraction * np.vectorize(lambda t, tau=tau: smeared(float(t), tau))(delay_ps)
        return self.amplitude * result

    def signal(self, first_delay_ps: NDArray[np.float64], pumps: int = len(OVERLAP)) -> NDArray[np.float64]:
        """Relative change of all five gates, (points, 5)."""
        delay = first_delay_ps[:, None] - self.t0_ps + np.arange(5) * BUNCH_PERIOD_PS
        total = np.zeros(delay.shape)
        for k in range(pumps):
            age = delay + k * PUMP_PERIOD_PS
            total += overlap(np.maximum(age, 0.0)) * self.one_pump(age)
        return total


def smeared(delay_ps: float, tau_ps: float) -> float:
    top = min(delay_ps, 8 * SIGMA_PS)
    if top <= -8 * SIGMA_PS:
        return 0.0
    if delay_ps > 20 * SIGMA_PS:
        return math.exp(-delay_ps / tau_ps + 0.5 * (SIGMA_PS / tau_ps) ** 2)
    u = np.linspace(-8 * SIGMA_PS, top, 1001)
    response = np.exp(-(u**2) / (2 * SIGMA_PS**2)) / (SIGMA_PS * math.sqrt(2 * math.pi))
    return float(np.trapezoid(response * np.exp((u - delay_ps) / tau_ps), u))


def measure(
    rng: np.random.Generator,
    signal: NDArray[np.float64],
    *,
    delays_ps: NDArray[np.float64] = DELAYS_PS,
    pulses: int = GATES_IN_36_S,
    pumped: bool = True,
) -> GateRates:
    """Two APDs, 0.12 photons per pulse, 1 % jet noise common to the gates of a point."""
    jet = 1.0 + 0.01 * rng.standard_normal((len(signal), 1))
    mu = 0.06 * jet * (1.0 + EFFICIENCY) * (1.0 + signal * pumped)
    counts = rng.binomial(pulses, -np.expm1(-mu), size=(2, *mu.shape))
    opened = np.full(mu.shape, float(pulses))
    return GateRates(
        delay_ps=delays_ps,
        photons=true_counts(counts, opened).sum(axis=0),
        variance=true_counts_variance(counts, opened).sum(axis=0),
        pulses=opened,
        pumped=np.full(len(signal), pumped),
    )


def pulls_of(fit: KineticsFit, truth: Truth) -> list[float]:
    """Pulls of tau1, tau2 (as logarithms, as they are fitted), fraction1, fraction2, offset, t0."""
    logarithms = [
        math.log(value.value / true) / (value.sigma / value.value)
        for value, true in ((fit.tau1_ps, truth.tau1_ps), (fit.tau2_ps, truth.tau2_ps))
    ]
    plain = [
        (value.value - true) / value.sigma
        for value, true in (
            (fit.fraction1, truth.fraction1),
            (fit.fraction2, truth.fraction2),
            (fit.offset, truth.offset),
            (fit.t0_ps, truth.t0_ps),
        )
    ]
    return logarithms + plain


def test_noiseless_data_return_the_truth() -> None:
    """Every term of the model, the pump train included, against a quadrature of its own."""
    truth = Truth(tau1_ps=150.0, tau2_ps=1200.0, fraction1=0.5, fraction2=0.3, offset_lifetime_ps=300e3, t0_ps=25.0)
    photons = 1e9 * (1.0 + EFFICIENCY) * (1.0 + truth.signal(DELAYS_PS))
    table = np.full(photons.shape, 1e10)
    fit = fit_kinetics(
        GateRates(
            delay_ps=DELAYS_PS, photons=photons, variance=photons, pulses=table, pumped=np.ones(len(DELAYS_PS), bool)
        ),
        TIMING,
    )
    assert fit.tau1_ps.value == pytest.approx(150.0, rel=1e-3)
    assert fit.tau2_ps.value == pytest.approx(1200.0, rel=1e-3)
    assert fit.offset_lifetime_ps.value == pytest.approx(300e3, rel=2e-3)
    assert (fit.fraction1.value, fit.fraction2.value) == pytest.approx((0.5, 0.3), abs=1e-3)
    assert fit.t0_ps.value == pytest.approx(25.0, abs=0.1)
    assert fit.amplitude.value == pytest.approx(-0.02, rel=1e-3)
    assert fit.baselines[0] == pytest.approx(np.log1p(EFFICIENCY[:4]), abs=1e-5)
    change = truth.signal(DELAYS_PS)
    for probe in range(4):
        assert fit.curve(DELAYS_PS, probe=probe) == pytest.approx(change[:, probe] - change[:, 4], abs=5e-6)


def test_curve_can_be_drawn_through_a_trace_that_was_zeroed() -> None:
    fit = fit_kinetics(measure(np.random.default_rng(1), Truth().signal(DELAYS_PS)), TIMING)
    early = DELAYS_PS[:5]
    assert fit.curve(early, zero_at_ps=early).mean() == pytest.approx(0.0, abs=1e-15)
    assert fit.curve([50.0], zero_at_ps=early) == pytest.approx(fit.curve([50.0]) - fit.curve(early).mean())


def test_time_zero_far_from_the_expected_one_is_found() -> None:
    truth = Truth(t0_ps=330.0)
    fit = fit_kinetics(measure(np.random.default_rng(2), truth.signal(DELAYS_PS)), TIMING)
    assert abs(fit.t0_ps.value - 330.0) < 5 * fit.t0_ps.sigma < 50.0


def test_constant_offset_fits_the_papers_model() -> None:
    """One pump, an offset that never decays; chi-square of 60 rows must not complain, 1 in 10 000 by chance."""
    truth = Truth(offset_lifetime_ps=1e15)
    signal = truth.signal(DELAYS_PS, pumps=1) * np.array([1.0, 0, 0, 0, 0])
    fit = fit_kinetics(measure(np.random.default_rng(3), signal), TIMING, constant_offset=True)
    assert max(map(abs, pulls_of(fit, truth))) < 4.5
    assert fit.offset_lifetime_ps == (math.inf, 0.0)
    assert fit.gates == (0, 4)
    assert fit.degrees_of_freedom == 60 - 7
    assert fit.chi_square < 100


def test_covariance_belongs_to_the_named_parameters() -> None:
    fit = fit_kinetics(measure(np.random.default_rng(9), Truth().signal(DELAYS_PS)), TIMING, intervals=False)
    errors = dict(zip(fit.parameters, np.sqrt(np.diag(fit.covariance)), strict=True))
    assert errors["fraction1"] == pytest.approx(fit.fraction1.sigma)
    assert errors["log_tau1"] == pytest.approx(fit.tau1_ps.sigma / fit.tau1_ps.value)
    assert fit.fraction1.value + fit.fraction2.value + fit.offset.value == pytest.approx(1.0)
    assert fit.tau1_ps.value < fit.tau2_ps.value


def test_a_fit_takes_less_than_a_second() -> None:
    """The window refits while the scan runs; a fit takes 0.1 s on an idle machine."""
    rates = measure(np.random.default_rng(10), Truth().signal(DELAYS_PS))
    start = time.process_time()
    fit_kinetics(rates, TIMING)
    assert time.process_time() - start < 1.0


def test_no_delay_before_the_pump_is_refused() -> None:
    late = DELAYS_PS[DELAYS_PS > -80]
    rates = measure(np.random.default_rng(11), Truth().signal(late), delays_ps=late)
    with pytest.raises(ReductionError, match="negative delays"):
        fit_kinetics(rates, TIMING)


def test_too_few_delays_are_refused() -> None:
    few = np.array([-500.0, 50.0])
    with pytest.raises(ReductionError, match="cannot determine"):
        fit_kinetics(measure(np.random.default_rng(12), Truth().signal(few), delays_ps=few), TIMING)


def test_delays_that_miss_the_decay_are_refused() -> None:
    """Lost: a warning that delays before 10 ps and after 10 ns do not determine lifetimes of 120 and 900 ps."""
    delays = np.concatenate([np.linspace(-500, -300, 10), np.linspace(100e3, 130e3, 10)])
    with pytest.raises(ReductionError):
        fit_kinetics(measure(np.random.default_rng(13), Truth().signal(delays), delays_ps=delays), TIMING)
