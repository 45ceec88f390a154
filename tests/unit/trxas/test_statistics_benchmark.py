"""If these fail, drifts reach the results, or the benchmark of statistics measures something else than it states."""

from __future__ import annotations

import numpy as np
import pytest

from plans.choices import PointOrder
from reduction.xas.count_until import LifetimeJudge
from trxas.benchmarks.adaptive import AdaptiveScan, Goal, within
from trxas.benchmarks.drawn_runs import DELAYS_PS, TIMING, EnergyScan, SampleKinetics
from trxas.benchmarks.entry import Entry
from trxas.benchmarks.statistics import OFFSET, RECOVERED, _biases, _gates, _spectrum_bound


def test_passes_in_both_directions_cancel_a_drift() -> None:
    """Lost: a lifetime, to a transient that grows by 10 % meanwhile. Without noise, so there is no false alarm."""
    snake = _biases(PointOrder.SNAKE, passes=2)
    assert max(snake) < 0.1
    interleaved = _biases(PointOrder.INTERLEAVED, passes=1)
    assert max(interleaved) < 0.1
    upwards = _biases(PointOrder.UP, passes=1)
    assert upwards[1] > 10 * max(snake[1], interleaved[1])


@pytest.mark.parametrize(("shares", "share_of_two"), [(RECOVERED, 0.625), (OFFSET, 0.71)])
def test_the_bound_is_that_of_independent_gates(shares: tuple[float, ...], share_of_two: float) -> None:
    """The bound of a boxcar point far from the transient, beside that of two gates: twice the variance of one."""
    scan = EnergyScan(mode="boxcar", shares=shares, noise_v=1e-6)
    bound = _spectrum_bound(scan)
    last = -3
    two = 2 * scan.relative_variance[last, 0] * scan.static[last] ** 2 / (scan.static[-6:].mean() - 0.15) ** 2
    assert bound[last] / two == pytest.approx(share_of_two, abs=0.05)


def test_a_variance_stands_beside_the_least_that_its_counts_allow() -> None:
    """Lost: the reason why 0.65 cannot be reached with the paper's offset, which then looks like a bad estimator."""
    found = _gates("_offset", OFFSET, range(8))
    ours = found["allprobe_variance_ratio_offset"]
    bound = found["allprobe_variance_bound_offset"]
    assert bound.baseline == ours.baseline
    # Two gates are known to 7 % from 8 spectra of fixed seeds; three of these errors are allowed.
    assert bound.ratio == pytest.approx(0.71, abs=0.15)


def test_drawn_samples_have_kinetics_that_a_scan_can_see() -> None:
    for seed in range(50):
        sample = SampleKinetics.drawn(seed)
        assert sum(sample.fractions) == pytest.approx(1.0)
        assert min(sample.fractions) > 0.05
        assert np.all(np.array(sample.taus_ps) < 4e3)


def test_a_wrong_minimum_of_few_counts_does_not_end_a_scan() -> None:
    """Lost: the result. After one pass of 2 s this sample fits best with a second lifetime that is its first one."""
    scan = AdaptiveScan(
        SampleKinetics.drawn(0), Goal(lifetime="tau2", wanted=0.12, relative=False), dwell_s=2.0, seed=0
    )
    scan.expose(tuple(range(DELAYS_PS.size)))
    judge = LifetimeJudge(quantity="tau2_ps", sigma=0.12 * SampleKinetics.drawn(0).taus_ps[1], dwell_s=2.0)
    decision = judge.decide_by(scan.rates, scan.seconds, np.arange(DELAYS_PS.size), TIMING)
    assert not decision.reached
    assert decision.points


def test_the_spread_of_many_draws_is_the_error_of_their_median() -> None:
    """Lost: the error of a ratio; the distance of two extreme draws grows with their number instead of falling.

    Medians of 100 normal numbers scatter by 0.125; the mean of 200 errors with fixed seeds, each good to a third.
    """
    random = np.random.default_rng(5)
    spreads = [Entry.of_draws(list(random.standard_normal(100)), [1.0] * 100, "s").spread for _ in range(200)]
    assert np.mean([one for one in spreads if one is not None]) == pytest.approx(0.125, rel=0.1)
    assert Entry.of_draws([1.0], [1.0], "s").spread is None


def test_the_tail_of_the_forecasts_counts() -> None:
    """Lost: the fifth of all forecasts that is far off, which a median does not see."""
    entry = within([[0.01, 0.02, 0.03, 0.5, 0.02], [0.05] * 4 + [0.2]], [[0.1] * 5, [0.1] * 4 + [0.0]])
    assert entry.value == pytest.approx(0.8)
    # 68.27 % of a normal distribution lie within one standard deviation; the forecast at the end is always right.
    assert entry.baseline == pytest.approx(0.9 * 0.6827 + 0.1, abs=1e-4)
    assert entry.spread == pytest.approx(0.0)
    assert within([[0.01]], [[0.1]]).spread is None
