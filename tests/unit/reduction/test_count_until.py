"""If these fail, beam time goes where it buys little, or a scan ends before its result is known."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from errors import InputError, ReductionError
from reduction.accumulator import accumulate
from reduction.xas.all_gates import all_gates_spectrum
from reduction.xas.count_until import LifetimeJudge, PointJudge, WindowJudge, judge_of, largest_after
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.allocation import Information, filled
from reduction.xas.kinetics.fit import fit_kinetics
from tests.support.kinetic_traces import DELAYS_PS, TIMING, TWO_OFFSET, traced

SECONDS = np.full(DELAYS_PS.size, 36.0)


def information(quantity: str, **settings: Any) -> Information:
    rates = traced(TWO_OFFSET, seed=None)
    return Information.of(rates, SECONDS, fit_kinetics(rates, TIMING, intervals=False), quantity, **settings)


@pytest.mark.parametrize(("quantity", "most"), [("tau1_ps", 0.62), ("tau2_ps", 0.60)])
def test_the_best_shares_need_much_less_time_than_equal_ones(quantity: str, most: float) -> None:
    """Lost: a third of the beam time. Without noise, so that there is no false alarm."""
    found = information(quantity, draws=1)
    total = float(SECONDS.sum())
    assert found.shares.sum() == pytest.approx(1.0)
    assert (found.sigma(total * found.shares) / found.sigma(SECONDS)) ** 2 < most


def test_no_small_change_of_the_shares_is_better() -> None:
    """The optimum: moving 1 % of the time from one delay to another lowers the error by no more than rounding."""
    found = information("tau1_ps", draws=1)
    shares = 1e4 * found.shares
    best = found.sigma(shares)
    for place in range(0, DELAYS_PS.size, 3):
        moved = 0.99 * shares
        moved[place] += 1e2
        assert found.sigma(moved) > best * (1 - 2e-3)


def test_the_forecast_of_the_time_left_is_what_it_takes() -> None:
    found = information("tau2_ps", draws=1)
    wanted = 0.7 * found.sigma(SECONDS)
    left_s = found.seconds_left(SECONDS, wanted)
    assert found.sigma(filled(SECONDS, found.shares, left_s)) == pytest.approx(wanted, rel=1e-3)
    assert filled(SECONDS, found.shares, left_s).sum() == pytest.approx(SECONDS.sum() + left_s)
    assert found.seconds_left(SECONDS, 2 * wanted) == 0.0


def counted(photons: Any, seconds: Any) -> GateRates:
    """Return rates of `photons` (delays, gates) after `seconds` at each delay."""
    return replace(
        traced(TWO_OFFSET, seed=None), photons=photons, variance=photons, pulses=np.outer(seconds, np.ones(5)) * 1.304e6
    )


def test_a_judge_ends_when_the_lifetime_is_known_and_not_before() -> None:
    """Lost: a night. The estimate and its error follow the same counts; 4 sigma from the truth, 1 in 16 000."""
    random = np.random.default_rng(3)
    per_s = traced(TWO_OFFSET, seed=None).photons / 36.0
    seconds = SECONDS.copy()
    photons = random.poisson(per_s * 36.0).astype(float)
    places = np.arange(DELAYS_PS.size)
    wanted = 0.9 * fit_kinetics(counted(photons, seconds), TIMING, intervals=False).tau1_ps.sigma
    judge = LifetimeJudge(quantity="tau1_ps", sigma=wanted, dwell_s=36.0)
    for _ in range(8):
        decision = judge.decide_by(counted(photons, seconds), seconds, places, TIMING)
        if decision.reached:
            break
        for place in decision.points:
            photons[place] += random.poisson(per_s[place] * 36.0)
            seconds[place] += 36.0
    assert seconds.sum() > SECONDS.sum()
    assert decision.points == ()
    fit = fit_kinetics(counted(photons, seconds), TIMING, intervals=False)
    assert fit.tau1_ps.sigma == pytest.approx(wanted, rel=0.2)
    assert abs(fit.tau1_ps.value - 120.0) < 4 * fit.tau1_ps.sigma
    assert "one more hour gives" in decision.text


def test_an_error_relative_to_the_lifetime_needs_no_guess_of_it() -> None:
    """Lost: a user who does not know tau2 and wants it to 10 % has to guess it first. Without noise: the same times."""
    rates = traced(TWO_OFFSET, seed=None)
    places = np.arange(DELAYS_PS.size)
    in_ps = judge_of({"goal": "tau2", "sigma": 45.0}, 36.0)
    relative = judge_of({"goal": "tau2", "sigma": 45.0 / 900.0, "relative": True}, 36.0)
    assert isinstance(in_ps, LifetimeJudge)
    assert isinstance(relative, LifetimeJudge)
    found = [judge.decide_by(rates, SECONDS, places, TIMING) for judge in (in_ps, relative)]
    # The posterior makes the two differ: the error in ps grows with the lifetime, the relative one hardly.
    assert found[1].sigma * 900.0 == pytest.approx(found[0].sigma, rel=0.2)
    assert found[1].seconds_left == pytest.approx(found[0].seconds_left, rel=0.4)
    assert re.fullmatch(r"tau2 known to [\d.]+ %; 5 % in .* of beam time; one more hour gives [\d.]+ %", found[1].text)
    sure = judge_of({"goal": "tau2", "sigma": 0.5, "relative": True}, 36.0)
    assert isinstance(sure, LifetimeJudge)
    assert sure.decide_by(rates, SECONDS, places, TIMING).reached


def test_points_are_counted_until_each_is_known(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan(scans=1, dwell_s=6.0).documents(np.random.default_rng(1)))
    sigma = all_gates_spectrum(run).sigma
    wanted = float(np.median(sigma))
    decision = PointJudge(sigma=wanted).decide(run)
    assert set(decision.points) == set(np.flatnonzero(sigma > wanted).tolist())
    assert not decision.reached
    assert decision.seconds_left == pytest.approx(np.sum(6.0 * ((sigma[sigma > wanted] / wanted) ** 2 - 1)), rel=1e-6)
    assert PointJudge(sigma=float(sigma.max())).decide(run).reached


def test_one_more_hour_lowers_the_worst_points_first(br_energy_scan: Any) -> None:
    """Lost: the decision to stop, without knowing what another hour would give. Against one second at a time."""
    sigma = np.array([4.0, 1.0, 3.0, 0.5])
    seconds = np.array([100.0, 300.0, 200.0, 50.0])
    spent = seconds.copy()
    for _second in range(3600):
        spent[np.argmax(sigma**2 * seconds / spent)] += 1.0
    assert largest_after(sigma, seconds, 3600.0) == pytest.approx(np.sqrt(np.max(sigma**2 * seconds / spent)), rel=1e-3)
    assert largest_after(sigma, seconds, 0.0) == pytest.approx(4.0)
    run = accumulate(br_energy_scan(scans=1, dwell_s=6.0).documents(np.random.default_rng(1)))
    after = largest_after(all_gates_spectrum(run).sigma, np.full(44, 6.0), 3600.0)
    for wanted in (1e-4, 1.0):
        assert PointJudge(sigma=wanted).decide(run).text.endswith(f"; one more hour gives {after:.2g}")


def test_a_window_is_counted_where_its_mean_is_uncertain(br_energy_scan: Any) -> None:
    run = accumulate(br_energy_scan(scans=1, dwell_s=6.0).documents(np.random.default_rng(2)))
    decision = WindowJudge(sigma=1e-5, window_ev=(13_471.0, 13_473.0), dwell_s=6.0).decide(run)
    assert decision.points
    assert decision.seconds_left > 0
    assert WindowJudge(sigma=1.0, window_ev=(13_471.0, 13_473.0), dwell_s=6.0).decide(run).reached
    with pytest.raises(ReductionError, match="No point lies within"):
        WindowJudge(sigma=1.0, window_ev=(13_471.1, 13_471.2), dwell_s=6.0).decide(run)


def test_an_unknown_goal_is_refused() -> None:
    with pytest.raises(InputError, match="until = 'area'"):
        judge_of({"goal": "area", "sigma": 1.0}, 1.0)
