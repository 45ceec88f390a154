"""If these fail, a fly scan reduces to a shifted or broadened spectrum, or to one with wrong errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.xas.fly_sums import PREFIX, FlyAccumulator
from reduction.xas.frame_bins import FrameBins, Frames
from reduction.xas.spc_energy import spc_spectrum
from tests.support.kept_frames import binned, broadening_ev, kept_frames
from trxas.benchmarks.drawn_fly_scans import LINE_EV, DrawnScans, fitted_width_ev, line, page_of_frames

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
    sums("start", scans.start(scans.sweeps) | {"fly": {"step_ev": 0.5, "speed_ev_s": 1.0, "broadening_ev": 0.15}})
    sums("descriptor", {"uid": "d", "name": "primary"})
    sums("descriptor", {"uid": "f", "name": "frames"})
    return sums


def test_an_event_counts_until_its_frames_have_come() -> None:
    """Lost: counts of a bin whose session died between event and frames, or counted twice."""
    random = np.random.default_rng(1)
    frames = [one for one in QUIET.frames_of(random, 0) if one["point_index"] == 7]
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


def test_sums_are_those_of_all_frames_binned_after_the_run() -> None:
    """Lost: counts in wrong bins, as most frames are no longer held when the backlash is fitted again."""
    scans = DrawnScans(sweeps=6, points=41, first_ev=13_460.0, frames=10, backlash_ev=0.4)
    run = scans.fly(5)
    frames = kept_frames(scans, 5)
    facts = run.facts
    assert facts is not None
    assert facts.corrected
    assert facts.backlash_ev is not None
    assert facts.frames == len(frames)
    assert run._bins.held < len(frames) / 4
    kept = binned(frames, scans, facts.backlash_ev.value)
    assert np.array_equal(run.counts, kept["counts"])
    assert np.array_equal(run.exposures, kept["exposures"])
    assert run.i0 == pytest.approx(kept["i0"], rel=1e-12)
    mean_ev = kept["energy_ev"].sum(axis=(0, 2)) / kept["exposures"].sum(axis=(0, 2))
    assert run.mean_readback("energy_ev") == pytest.approx(mean_ev, abs=1e-9)
    assert facts.broadening_ev == pytest.approx(broadening_ev(frames, scans, facts.backlash_ev.value), rel=1e-9)


def test_pages_and_single_frames_give_the_same_sums() -> None:
    """Lost: a stored run that does not reduce to what the window showed."""
    frames = kept_frames(QUIET, 1)
    one_by_one, paged = FlyAccumulator(), FlyAccumulator()
    for sums in (one_by_one, paged):
        sums("start", QUIET.fly_start())
        sums("descriptor", {"uid": "f", "name": "frames"})
    for one in frames:
        sums = one_by_one
        sums("event", {"descriptor": "f", "data": {PREFIX + key: value for key, value in one.items()}})
    bad = dict(frames[3]) | {"quality": "jet_flow"}
    paged("event_page", page_of_frames("f", [*frames[:50], bad, *frames[50:]], [0.0]))
    for sums in (one_by_one, paged):
        sums("stop", {"exit_status": "success"})
    assert one_by_one.counts == pytest.approx(paged.counts, rel=1e-12)
    assert one_by_one.i0 == pytest.approx(paged.i0, rel=1e-12)
    assert one_by_one.facts is not None
    assert paged.facts is not None
    assert one_by_one.facts.broadening_ev == pytest.approx(paged.facts.broadening_ev, rel=1e-9)
    assert one_by_one.facts.frames == paged.facts.frames


def test_frames_are_held_up_to_a_limit() -> None:
    """Lost: the memory of the machine, in a long sweep before the backlash is known."""
    scans = DrawnScans(sweeps=2, points=41, first_ev=13_460.0, frames=20)
    few, all_held = (FrameBins(scans.first_ev, scans.step_ev, scans.points, most) for most in (500, 10**6))
    drawn = kept_frames(scans, 1)
    for first in range(0, len(drawn), 50):
        page = drawn[first : first + 50]
        columns = {key: np.array([one[key] for one in page]) for key in drawn[0]}
        frames = Frames(
            scan=columns["scan_index"],
            shutter=columns["laser_shutter"],
            number=columns["exposure_id"],
            energy_ev=columns["energy_ev"],
            direction=columns["direction"],
            spread_ev=columns["spread_ev"],
            seconds=columns["exposure_s"],
            bin=columns["point_index"],
            rows=np.ones((len(page), 1)),
        )
        for bins in (few, all_held):
            bins.take(frames, np.ones(len(page)), np.ones(len(page)))
            bins.make_room()
    assert all_held.held == few.frames == all_held.frames
    assert few.held <= 500
    before = few.variance()
    assert before == pytest.approx(all_held.variance(), rel=1e-9)
    for bins in (few, all_held):
        bins.moved(0.12)
    # Those that were added up in pairs, or are no longer held, are off by a part of the way of a frame.
    assert few.variance()[1] == pytest.approx(all_held.variance()[1], rel=0.1)


def test_other_runs_are_summed_as_before() -> None:
    """Lost: every energy scan in steps."""
    assert FlyAccumulator().facts is None
