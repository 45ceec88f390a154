"""If these fail, lifetimes and fractions, or their error bars, are wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from errors import ReductionError
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.fit import fit_kinetics
from tests.support.kinetic_truth import DELAYS_PS, GATES_IN_36_S, TIMING, Truth, measure, pulls_of


@pytest.mark.parametrize(
    "truth",
    [
        Truth(),
        pytest.param(Truth(tau2_ps=3000.0, t0_ps=-60.0), marks=pytest.mark.long),
        pytest.param(Truth(fraction1=0.4, fraction2=0.4, offset_lifetime_ps=5e6), marks=pytest.mark.long),
    ],
)
def test_errors_of_lifetimes_and_fractions_are_honest(truth: Truth) -> None:
    """An error bar that is too small turns noise into a discovery.

    50 fits at four times the paper's exposure, where the fit is close to linear (at 36 s per point, means of up to
    0.3 and widths of up to 1.1 are known). A mean pull has sigma 0.14 and a width 0.10; limits at 3.7 sigma on 36
    numbers: one false alarm in 130 choices of seeds.
    """
    signal = truth.signal(DELAYS_PS)
    pulls, reduced = [], []
    for seed in range(50):
        fit = fit_kinetics(measure(np.random.default_rng(seed), signal, pulses=4 * GATES_IN_36_S), TIMING)
        pulls.append(pulls_of(fit, truth))
        reduced.append(fit.chi_square / fit.degrees_of_freedom)
    assert np.abs(np.mean(pulls, axis=0)).max() < 3.7 * 0.14
    assert np.abs(np.std(pulls, axis=0, ddof=1) - 1.0).max() < 3.7 * 0.10
    assert abs(np.mean(reduced) - 1.0) < 4 * math.sqrt(2 / 229 / 50)


def test_paper_exposure_gives_the_papers_errors() -> None:
    """tau1 = 120 +- 20 ps and tau2 = 900 +- 300 ps came from 36 s per point; the fit must extract as much."""
    signal = Truth().signal(DELAYS_PS)
    fits = [fit_kinetics(measure(np.random.default_rng(seed), signal), TIMING) for seed in range(11)]
    assert 15 < np.median([fit.tau1_ps.sigma for fit in fits]) < 30
    assert 180 < np.median([fit.tau2_ps.sigma for fit in fits]) < 340


def test_a_time_zero_that_moves_between_traces_is_in_all_errors() -> None:
    """Lost: 1 ps in a day, more than the counting error of time zero, and what it does to the lifetimes."""
    signal = Truth().signal(DELAYS_PS)
    traces = [measure(np.random.default_rng(seed), signal, pulses=4 * GATES_IN_36_S) for seed in (1, 2)]
    drift_ps = 1.5
    steady = fit_kinetics(traces, TIMING, intervals=False)
    stated = fit_kinetics(traces, replace(TIMING, time_zero_drift_ps=drift_ps), intervals=False)
    moved = [
        fit_kinetics(
            [replace(trace, delay_ps=trace.delay_ps + drift_ps * (trace is later)) for trace in traces],
            TIMING,
            intervals=False,
        )
        for later in traces
    ]
    for name in ("t0_ps", "tau1_ps", "irf_sigma_ps"):
        before, after = getattr(steady, name), getattr(stated, name)
        shifts = [getattr(one, name).value - before.value for one in moved]
        assert after.value == pytest.approx(before.value)
        assert after.sigma == pytest.approx(math.hypot(before.sigma, *shifts), rel=0.02)
    assert stated.t0_ps.sigma > 1.1 * steady.t0_ps.sigma


def test_a_time_zero_that_moves_within_a_trace_is_in_all_errors() -> None:
    """Lost: a width of the response that is wrong by half its error, as early points see another time zero."""
    near = (-500, -250, -60, -30, 0, 30, 60, 100, 150, 220, 320)
    delays_ps = np.array([*near, 450, 650, 900, 1300, 1900, 2800, 5e3, 2e4])
    points = delays_ps.size
    signal = Truth(amplitude=-0.08, t0_ps=-20.0).signal(delays_ps)
    trace = measure(np.random.default_rng(3), signal, delays_ps=delays_ps, pulses=100 * GATES_IN_36_S)
    # As a single pass measures them, in six hours: every other point upwards, the others downwards.
    order = [*range(0, points, 2), *range(1, points, 2)[::-1]]
    hours = np.zeros(points)
    hours[order] = np.linspace(-3.0, 3.0, points)
    timed = replace(trace, elapsed_s=3600.0 * (hours + 3.0))
    timing = replace(TIMING, irf_error_ps=15.0, time_zero_drift_ps=0.5)
    at_once, stated = (fit_kinetics(one, timing, intervals=False) for one in (trace, timed))
    moved_ps = 0.5 * np.sin(2 * np.pi * hours / 24.0)
    moved = fit_kinetics(replace(trace, delay_ps=delays_ps + moved_ps), timing, intervals=False)
    for name in ("t0_ps", "tau1_ps", "irf_sigma_ps"):
        before, after = getattr(at_once, name), getattr(stated, name)
        shift = getattr(moved, name).value - before.value
        assert abs(shift) > 0.05 * before.sigma
        assert math.sqrt(after.sigma**2 - before.sigma**2) == pytest.approx(abs(shift), rel=0.2)


def test_offset_that_does_not_decay_leaves_finite_errors_elsewhere() -> None:
    """A rate at its limit of zero must not blow up the errors of the other parameters."""
    truth = Truth(offset_lifetime_ps=1e9)
    signal = truth.signal(DELAYS_PS)
    infinite = []
    for seed in range(6):
        fit = fit_kinetics(measure(np.random.default_rng(seed), signal), TIMING)
        assert max(map(abs, pulls_of(fit, truth))) < 4.5
        assert fit.amplitude.sigma < 0.2 * abs(fit.amplitude.value)
        infinite.append(fit.offset_lifetime_ps.value)
    assert math.inf in infinite


def test_closed_shutter_fixes_the_efficiencies_and_so_the_offset_lifetime() -> None:
    """With one closed exposure per point the offset's decay is measured several times better."""
    signal = Truth().signal(DELAYS_PS)
    rng = np.random.default_rng(4)
    open_rows, closed_rows = measure(rng, signal), measure(rng, signal, pumped=False)
    alone = fit_kinetics(open_rows, TIMING)
    both = fit_kinetics(GateRates.joined([open_rows, closed_rows]), TIMING)
    assert both.offset_rate_per_ns.sigma < 0.5 * alone.offset_rate_per_ns.sigma
    assert abs(both.offset_rate_per_ns.value - 1 / 400) < 4 * both.offset_rate_per_ns.sigma


def test_two_edges_share_their_lifetimes() -> None:
    """The paper's global fit: Br, and Pb with a fifth of the signal and six times the exposure."""
    truth = Truth()
    br = measure(np.random.default_rng(5), truth.signal(DELAYS_PS))
    pb_signal = replace(truth, amplitude=-0.004).signal(DELAYS_PS)
    pb = measure(np.random.default_rng(6), pb_signal, pulses=6 * GATES_IN_36_S)
    alone, both = fit_kinetics(br, TIMING), fit_kinetics([br, pb], TIMING)
    assert both.amplitudes[1].value / both.amplitudes[0].value == pytest.approx(0.2, abs=0.05)
    assert both.tau2_ps.sigma / both.tau2_ps.value < 1.1 * alone.tau2_ps.sigma / alone.tau2_ps.value
    assert max(map(abs, pulls_of(both, truth))) < 4.5
    assert len(set(both.t0s_ps)) == 1


def test_two_edges_may_have_their_own_time_zero() -> None:
    br = measure(np.random.default_rng(7), Truth().signal(DELAYS_PS))
    moved = measure(np.random.default_rng(8), Truth(t0_ps=40.0).signal(DELAYS_PS))
    first, second = fit_kinetics([br, moved], TIMING, shared_t0=False).t0s_ps
    assert second.value - first.value == pytest.approx(40.0, abs=5 * math.hypot(first.sigma, second.sigma))


def test_noise_alone_is_refused() -> None:
    """Otherwise a closed shutter would yield two lifetimes."""
    for seed in range(5):
        with pytest.raises(ReductionError, match="No transient"):
            fit_kinetics(measure(np.random.default_rng(seed), np.zeros((len(DELAYS_PS), 5))), TIMING)
