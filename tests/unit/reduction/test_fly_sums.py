"""If these fail, a fly scan reduces to a shifted or broadened spectrum, or to one with wrong errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.xas.fly_sums import PREFIX, FlyAccumulator
from reduction.xas.spc_energy import spc_spectrum
from trxas.benchmarks.drawn_fly_scans import LINE_EV, DrawnScans, fitted_width_ev, line

QUIET = DrawnScans(noise=0, sweeps=2, points=41, first_ev=13_460.0)


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


@pytest.mark.parametrize("backlash_ev", [0.0, 0.12])
def test_the_stated_broadening_is_that_of_the_spectrum(backlash_ev: float) -> None:
    """Lost: how much a faster sweep or wider bins would blur an edge. By the width of a line without noise."""
    scans = DrawnScans(
        level=line, noise=0, sweeps=8, points=31, first_ev=13_462.5, step_ev=0.5, backlash_ev=backlash_ev
    )
    run = scans.fly(1)
    facts = run.facts
    assert facts is not None
    measured = np.sqrt(fitted_width_ev(run) ** 2 - LINE_EV**2)
    assert facts.broadening_ev == pytest.approx(measured, rel=0.02)
    assert facts.broadening_ev == pytest.approx(facts.expected_ev, rel=0.02)


def test_errors_of_a_fly_scan_are_those_of_its_counts() -> None:
    """Lost: error bars. Fly minus step, both drawn from the same truth, over some seeds."""
    scans = DrawnScans(sweeps=2, frames=2)
    pulls = []
    for seed in range(2):
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
