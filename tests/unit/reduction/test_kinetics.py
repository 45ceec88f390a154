"""If these fail, lifetimes and fractions, or their error bars, are wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.xas.gate_rates import GateRates, gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.spc_time import spc_trace
from tests.support.kinetic_truth import DELAYS_PS, EFFICIENCY, TIMING, Truth, measure, pulls_of
from tests.support.live_runs import delay_run
from tests.support.processor_time import processor_s


def test_noiseless_data_return_the_truth() -> None:
    """Every term of the model, the pump train included, against a quadrature of its own."""
    truth = Truth(tau1_ps=150.0, tau2_ps=1200.0, fraction1=0.5, fraction2=0.3, offset_lifetime_ps=300e3, t0_ps=25.0)
    photons = 1e9 * (1.0 + EFFICIENCY) * (1.0 + truth.signal(DELAYS_PS))
    table = np.full(photons.shape, 1e10)
    fit = fit_kinetics(
        GateRates(
            delay_ps=DELAYS_PS,
            photons=photons,
            variance=photons,
            pulses=table,
            pumped=np.ones(len(DELAYS_PS), bool),
            elapsed_s=np.zeros(len(DELAYS_PS)),
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


def test_a_curve_is_drawn_through_all_points_of_a_trace() -> None:
    """Lost: trust in a fit whose curve lies beside all points, by the noise of the early ones that set the zero.

    One fixed run; the mean of 48 residuals is known to 0.14, so five errors are allowed.
    """
    run = accumulate(delay_run())
    fit = fit_kinetics(gate_rates(run), run.metadata.timing)
    trace = spc_trace(run)
    for shift in (0.0, 0.003):
        shifted = replace(trace, transient=trace.transient + shift)
        curve = fit.curve_through(shifted, trace.first_delay_ps)
        assert abs(np.mean((shifted.transient - curve) / trace.sigma)) < 5 * 0.14
        assert fit.zero_of(shifted) == pytest.approx(fit.zero_of(trace) + shift)
    assert np.ptp(fit.curve_through(trace, DELAYS_PS) - fit.curve(DELAYS_PS)) < 1e-12


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
    """The window refits while the scan runs; a fit takes 0.12 s."""
    rates = measure(np.random.default_rng(10), Truth().signal(DELAYS_PS))
    assert processor_s(lambda: fit_kinetics(rates, TIMING)) < 1.0


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
