"""If these fail, a fly scan reduces to a shifted or broadened spectrum, or to one with wrong errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.xas.fly_sums import PREFIX, FlyAccumulator
from reduction.xas.spc_energy import spc_spectrum
from trxas.benchmarks.drawn_fly_scans import DrawnScans

QUIET = DrawnScans(noise=0, sweeps=2, points=41, first_ev=13_460.0)


def peak(energy_ev: Any, _gate: int) -> Any:
    return 0.2 + np.exp(-(((energy_ev - 13_470.0) / 0.9) ** 2) / 2)


def test_the_backlash_is_found_and_taken_out() -> None:
    """Lost: the energies of both directions, which differ by the play of the drive."""
    run = DrawnScans(sweeps=2, points=61, first_ev=13_455.0).fly(3)
    facts = run.facts
    assert facts is not None
    assert facts.corrected
    assert facts.backlash_ev is not None
    assert abs(facts.backlash_ev.value - 0.12) < 4 * facts.backlash_ev.sigma
    assert 0 < facts.backlash_ev.sigma < 0.05
    assert "0.1" in facts.lines[0]
    assert "up -0.0" in facts.lines[0]
    up, down = (run.counts[scan].sum(axis=(1, 2, 3)) / run.i0[scan].sum(axis=1) for scan in (0, 1))
    assert np.abs(up[1:-1] / down[1:-1] - 1).mean() < 0.01


def test_the_stated_broadening_is_that_of_the_spectrum() -> None:
    """Lost: how much a faster sweep or wider bins would blur an edge. By second moments of a noise-free peak."""
    for backlash_ev in (0.0, 0.12):
        scans = DrawnScans(
            level=peak, noise=0, sweeps=2, points=61, first_ev=13_455.0, backlash_ev=backlash_ev, step_ev=0.5, jet=0.0
        )
        run = scans.fly(1)
        facts = run.facts
        assert facts is not None
        signal = run.counts.sum(axis=(0, 2, 3, 4)) / run.i0.sum(axis=(0, 2))
        mu = -np.log1p(-run.counts[..., 4].sum(axis=(0, 2, 3)) / (2 * run.pulses[..., 4].sum(axis=(0, 2))))
        assert signal.shape == mu.shape
        level = mu - mu[:4].mean()
        energy = run.mean_readback("energy_ev")
        mean = np.average(energy, weights=level)
        variance = np.average((scans.energies_ev - mean) ** 2, weights=level) - 0.9**2
        assert facts.broadening_ev == pytest.approx(np.sqrt(variance), rel=0.02)
        assert facts.broadening_ev == pytest.approx(facts.expected_ev, rel=0.02)


def test_errors_of_a_fly_scan_are_those_of_its_counts() -> None:
    """Lost: error bars. Fly minus step, both drawn from the same truth, over some seeds."""
    scans = DrawnScans(sweeps=2, frames=4)
    pulls = []
    for seed in range(4):
        fly, step = (spc_spectrum(run) for run in (scans.fly(seed), scans.stepped(seed)))
        pulls.append((fly.transient - step.transient) / np.hypot(fly.sigma, step.sigma))
    chi2 = float(np.mean(np.square(pulls)))
    assert abs(chi2 - 1) < 3 * np.sqrt(2 / np.size(pulls)) + 0.05


def frames_and_events(scans: DrawnScans) -> FlyAccumulator:
    """Sums of a run whose bins are events first, as a session stores them, and then frames."""
    sums = FlyAccumulator()
    sums("start", scans._start(scans.sweeps) | {"fly": {"step_ev": 0.5, "speed_ev_s": 1.0, "broadening_ev": 0.15}})
    sums("descriptor", {"uid": "d", "name": "primary"})
    sums("descriptor", {"uid": "f", "name": "frames"})
    return sums


def test_an_event_counts_until_its_frames_have_come() -> None:
    """Lost: counts of a bin whose session died between event and frames, or counted twice."""
    random = np.random.default_rng(1)
    frames = [one for one in QUIET._frames_of(random, 0) if one["point_index"] == 7]
    keys = ("i0", "exposure_s", "spc_counts", "spc_pulses")
    whole: dict[str, Any] = {key: np.sum([np.asarray(one[key]) for one in frames], axis=0) for key in keys}
    sums = frames_and_events(QUIET)
    sums("event", {"descriptor": "d", "data": frames[0] | whole})
    before = sums.counts.sum()
    assert before > 0
    for one in frames:
        sums("event", {"descriptor": "f", "data": {PREFIX + key: value for key, value in one.items()}})
    assert sums.counts.sum() == pytest.approx(before)
    assert sums.exposures[0, 7, 1] == len(frames)
    bad = {PREFIX + key: value for key, value in (frames[0] | {"quality": "jet_flow"}).items()}
    sums("event", {"descriptor": "f", "data": bad})
    assert sums.counts.sum() == pytest.approx(before)


def test_other_runs_are_summed_as_before() -> None:
    """Lost: every energy scan in steps."""
    assert FlyAccumulator().facts is None
