"""If these fail, a sample fades, or time zero drifts, in the course of a run, and its numbers are given as good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reduction.accumulator import RunAccumulator, accumulate
from reduction.kinds import reduce_run
from reduction.types import FloatArray
from reduction.xas.pass_trends import FALSE_ALARMS, PassTrend, time_zero_trend, trends_of
from reduction.xas.results import SpectrumResults, TimeZeroResults
from reduction.xas.rise_model import PAPER_DECAYS, RiseModel
from reduction.xas.time_zero import fit_time_zero
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

ENERGY_EV = energy_points()
DELAYS_PS = np.concatenate([np.arange(-500.0, -190.0, 100.0), np.arange(-120.0, 500.0, 30.0)])
PASSES = 6


def changing(size: Callable[[int], float], level: Callable[[int], float], seed: int, **settings: Any) -> list[Document]:
    """Documents of a Br scan whose transient and unpumped signal have a size of their own in every pass."""
    parts = []
    for scan in range(PASSES):
        given: dict[str, Any] = {
            "points": ENERGY_EV, "static": level(scan) * br_static(ENERGY_EV), "dwell_s": 5.0, "scans": 1,
            "signal": size(scan) * br_signal(ENERGY_EV), "jet_between_scans": 0.005,
        }  # fmt: skip
        parts.append(BeamTime(**given | settings).documents(np.random.default_rng([seed, scan])))
    return joined(parts)


def joined(parts: list[list[Document]]) -> list[Document]:
    """The runs of one pass each as one run."""
    start = {**parts[0][0][1], "repeats": len(parts)}
    documents: list[Document] = [("start", start), parts[0][1]]
    for scan, part in enumerate(parts):
        for name, doc in part:
            if name == "event":
                documents.append((name, {**doc, "data": {**doc["data"], "scan_index": scan}}))
    return [*documents, parts[0][-1]]


def one(_: int) -> float:
    return 1.0


def trend(run: RunAccumulator, quantity: str) -> PassTrend:
    return next(found for found in trends_of(run, ("spc", "boxcar")) if found.quantity == quantity)


def test_a_transient_that_fades_is_a_remark_and_the_change_is_right() -> None:
    """From 1.25 to 0.75 of its mean: -60 % over the run, as passes are compared by their middles."""
    documents = changing(lambda scan: 1.25 - 0.1 * scan, one, seed=1)
    results = reduce_run(documents)
    assert isinstance(results, SpectrumResults)
    for mode in ("spc", "boxcar"):
        found = next(one for one in results.trends if one.quantity == f"transient, {mode}")
        assert found.change.value == pytest.approx(-60, abs=4 * found.change.sigma)
        assert found.p_value < FALSE_ALARMS
        assert found.line in results.table()
        assert f"The transient, {mode} changes by -" in results.table()
    assert "The sample is damaged" in results.table()
    assert not results.cuts, "a real change was cut"


def test_an_unpumped_signal_that_fades_is_a_remark() -> None:
    found = trend(accumulate(changing(one, lambda scan: 1 - 0.03 * scan, seed=2)), "unpumped signal")
    assert found.change.value == pytest.approx(-18, abs=3)
    assert found.alarm


def test_steady_runs_raise_no_alarm_and_their_pulls_are_normal() -> None:
    """30 runs with 3 trends each, of which chance would mark 0.1."""
    pulls = []
    alarms = 0
    for seed in range(30):
        run = accumulate(changing(one, one, seed=100 + seed, points=ENERGY_EV[::2], static=br_static(ENERGY_EV[::2]),
                                  signal=br_signal(ENERGY_EV[::2])))  # fmt: skip
        found = trends_of(run, ("spc", "boxcar"))
        alarms += sum(trend.alarm for trend in found)
        pulls += [trend.change.value / trend.change.sigma for trend in found if trend.quantity == "transient, spc"]
    assert alarms <= 1
    assert len(pulls) == 30
    assert np.std(pulls) == pytest.approx(1.0, abs=0.35)


def test_two_passes_and_runs_without_transient_have_no_trend() -> None:
    few = BeamTime(points=ENERGY_EV, static=br_static(ENERGY_EV), signal=br_signal(ENERGY_EV), scans=2)
    assert trends_of(accumulate(few.documents(np.random.default_rng(1))), ("spc",)) == []
    nothing = changing(lambda _: 0.0, one, seed=3, modes=("spc",))
    assert [one.quantity for one in trends_of(accumulate(nothing), ("spc",))] == ["unpumped signal", "energy axis"]


def trace(t0_ps: Callable[[int], float], seed: int) -> list[Document]:
    """Documents of a time-zero scan whose time zero differs from pass to pass."""
    parts = []
    for scan in range(PASSES):
        signal = np.zeros((DELAYS_PS.size, 5))
        signal[:, 0] = -0.05 * rise(DELAYS_PS - t0_ps(scan))
        drawn = BeamTime(points=DELAYS_PS, static=np.ones(DELAYS_PS.size), signal=signal, axis="delay_ps", scans=1,
                         dwell_s=20.0, overrides={"plan_name": "time_zero_scan"})  # fmt: skip
        parts.append(drawn.documents(np.random.default_rng([seed, scan])))
    return joined(parts)


def rise(delay_ps: FloatArray) -> FloatArray:
    """The decays of the paper after a step at 0, with a response of 45 ps, as the fit of time zero has them."""
    step = fit_time_zero(DELAYS_PS, _STEP, np.full(DELAYS_PS.size, 1e-3), RiseModel(decays=PAPER_DECAYS))
    return (step.curve(delay_ps + step.t0_ps.value) - step.baseline) / step.amplitude


_STEP = np.where(DELAYS_PS > 0, np.exp(-DELAYS_PS / 400), 0.0)


def test_a_time_zero_that_drifts_is_a_remark_and_in_its_error() -> None:
    drifting = reduce_run(trace(lambda scan: -20.0 + 8.0 * scan, seed=1))
    steady = reduce_run(trace(lambda _: 0.0, seed=2))
    assert isinstance(drifting, TimeZeroResults)
    assert isinstance(steady, TimeZeroResults)
    (moved,) = drifting.trends
    assert moved.change.value == pytest.approx(48.0, abs=4 * moved.change.sigma + 4)
    assert moved.alarm
    assert "The time zero changes by" in drifting.table()
    (still,) = steady.trends
    assert not still.alarm
    assert drifting.time_zero is not None
    assert steady.time_zero is not None
    assert drifting.time_zero.t0_ps.sigma > 10
    assert steady.time_zero.t0_ps.sigma < 5


def test_a_time_zero_that_jumps_back_and_forth_is_found_by_its_scatter() -> None:
    results = reduce_run(trace(lambda scan: 15.0 * (-1) ** scan, seed=4))
    assert isinstance(results, TimeZeroResults)
    (moved,) = results.trends
    assert moved.p_value > FALSE_ALARMS
    assert moved.scatter == pytest.approx(16, abs=5)
    assert "scatters by" in results.table()


def test_a_run_without_a_step_has_no_trend_of_time_zero() -> None:
    flat = accumulate(trace(lambda _: 5000.0, seed=5))
    assert time_zero_trend(flat, "spc", lambda delay_ps: 0.0 * delay_ps) is None
