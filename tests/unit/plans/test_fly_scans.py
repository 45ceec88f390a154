"""If these fail, a fly scan stores other exposures than the same scan in steps, or loses or repeats some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import plans
from devices.beamline import Beamline
from devices.exposure.fly_reader import FlyReader
from devices.exposure.sweeps import FlyFrame, sweep_grid
from errors import ConfigurationError, InputError, OutOfRangeError
from gui.live.run_state import RunState
from plans.resume import resume_scan
from reduction.events import PRIMARY, PrimaryEvents, events_of
from reduction.kinds import reduce_run
from reduction.xas.fly_sums import FlyAccumulator
from tests.support.fake_fly_scans import with_fly_scans
from tests.support.recorded_runs import RecordedRuns

REGION = (13_465.0, 13_470.0, 1.0)
"""Six energies."""


class FlyRuns(RecordedRuns):
    """Energy scans with fly scans in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.beamline, self.scans = with_fly_scans(self.line)

    @property
    def reader(self) -> FlyReader:
        assert self.beamline.fly is not None
        return self.beamline.fly

    def scan(self, **options: Any) -> None:
        common = {"delay_ps": 100.0, "regions_ev": [REGION], "dwell_s": 0.2, "allow_unreducible": True}
        options = {**common, "stepping": "fly", **options}
        self.engine(plans.energy_scan(self.beamline, "Br K", **options))

    def rows(self) -> list[dict[str, Any]]:
        primary = PrimaryEvents()
        return [event["data"] for name, doc in self.documents for event in primary(name, doc)]

    def frames(self) -> list[dict[str, Any]]:
        streams = {doc["uid"] for name, doc in self.documents if name == "descriptor" and doc["name"] == "frames"}
        events = [event for name, doc in self.documents for event in events_of(name, doc)]
        return [event["data"] for event in events if event["descriptor"] in streams]

    def good(self) -> list[tuple[int, int]]:
        return [(row["scan_index"], row["point_index"]) for row in self.rows() if not row["quality"]]


ALL = [(scan, point) for scan in range(2) for point in range(6)]


@pytest.fixture
def runs() -> Iterator[FlyRuns]:
    with FlyRuns() as found:
        yield found


def test_sweeps_store_the_same_kind_of_run_as_steps(runs: FlyRuns) -> None:
    """Lost: the reduction, the window and the export of everything that was measured on the fly."""
    runs.scan()
    flown = runs.rows()
    start = runs.documents[0][1]
    sums = FlyAccumulator()
    for name, doc in runs.documents:
        sums(name, doc)
    assert runs.good() == [(0, point) for point in range(6)] + [(1, point) for point in range(5, -1, -1)]
    assert sums.exposure_s.sum() == pytest.approx(sum(row["exposure_s"] for row in flown))
    assert sums.counts.sum() == sum(row["spc_counts"].sum() for row in flown)
    np.testing.assert_allclose([row["energy_ev"] - 13_465.0 - row["point_index"] for row in flown], 0.0, atol=0.15)
    assert [row["exposure_s"] for row in flown] == pytest.approx([0.1] * 12, rel=0.21)
    descriptor = next(doc for name, doc in runs.documents if name == "descriptor" and doc["name"] == PRIMARY)
    assert (start["stepping"], start["order"], start["repeats"], start["dwell_s"]) == ("fly", "snake", 2, 0.1)
    assert start["fly"]["broadening_ev"] == pytest.approx(np.hypot(1.0, 0.2) / np.sqrt(12))
    first, second = runs.scans.tables[0]
    assert (first.first_kev, first.last_kev) == pytest.approx((13.4643, 13.4707))
    assert (second.first_kev, second.last_kev) == (first.last_kev, first.first_kev)
    assert first.kev_per_s == pytest.approx(0.01)
    runs.documents.clear()
    runs.scan(stepping="software", dwell_s=1.0)
    assert flown[0].keys() == runs.rows()[0].keys()
    assert start.keys() - {"stepping", "sequence_token", "fly"} == runs.documents[0][1].keys()
    assert descriptor["data_keys"].keys() == flown[0].keys()


def test_a_frame_in_which_a_condition_failed_is_not_used_and_its_bin_is_swept_again(runs: FlyRuns) -> None:
    """Lost: the quality of points. The jet failed for a moment, and the sweep stopped there."""

    def thin_jet(frame: FlyFrame) -> FlyFrame:
        low = frame.low.copy()
        low[runs.scans.slot(runs.line.surroundings.jet_flow)] = 100.0
        return replace(frame, low=low) if frame.number == 12 else frame

    runs.scans.spoil = thin_jet
    runs.scan()
    assert sorted(runs.good()) == ALL
    assert [row["quality"] for row in runs.rows()].count("jet_flow") == 1
    frames = runs.frames()
    assert [row["frame_quality"] for row in frames].count("jet_flow") == 1
    numbers = [row["frame_exposure_id"] for row in frames]
    assert len(numbers) == len(set(numbers))
    first, again = runs.scans.tables[0], runs.scans.tables[-1]
    assert len(runs.scans.tables) == 2
    assert again[0].scan_index == 0
    assert abs(again[0].last_kev - again[0].first_kev) <= abs(first[0].last_kev - first[0].first_kev)
    good = [row for row in runs.rows() if not row["quality"]]
    assert sum(row["exposure_s"] for row in good) == pytest.approx(
        sum(row["frame_exposure_s"] for row in frames if not row["frame_quality"])
    )


def test_sweeps_that_end_early_are_continued_with_what_is_missing(runs: FlyRuns) -> None:
    """Lost: the rest of a scan after a pause, or what was counted before it, which would count twice."""

    def stop(frame: FlyFrame) -> FlyFrame:
        if frame.number == 20:
            runs.scans.cut_short()
        return frame

    runs.scans.spoil = stop
    runs.scan()
    assert sorted(runs.good()) == ALL
    assert len(runs.scans.tables) == 2
    numbers = [row["frame_exposure_id"] for row in runs.frames()]
    assert len(numbers) == len(set(numbers))


def test_a_killed_session_loses_no_frame_and_repeats_none(runs: FlyRuns) -> None:
    """Lost: the beam time of everything that was counted when the session died, or bins that count twice."""
    runs.scan()
    start = runs.documents[0][1]
    stored = [(scan, point, 1) for scan, point in runs.good()[:3]]
    runs.documents.clear()
    runs.engine(resume_scan(runs.beamline, start, [*stored, (1, 0, 1)]))
    assert len(runs.scans.tables) == 1
    assert sorted(runs.good()) == sorted(set(ALL) - {(scan, point) for scan, point, _ in stored} - {(1, 0)})


def test_a_low_i0_that_belongs_to_an_energy_is_accepted(runs: FlyRuns) -> None:
    """Lost: every sweep over a glitch of the crystal, which is the same in all of them."""

    def glitch(frame: FlyFrame) -> FlyFrame:
        dip = 0.6 if abs(frame.mean_kev - 13.468) < 2e-4 else 1.0
        return replace(frame, reading=replace(frame.reading, i0=frame.reading.i0 * dip))

    runs.scans.spoil = glitch
    runs.scan()
    assert sorted(runs.good()) == ALL
    assert len(runs.scans.tables) <= 3


def test_a_run_reduces_with_its_broadening(runs: FlyRuns) -> None:
    """Lost: what a fly scan did to the energies. Without an edge there is no backlash."""
    runs.scan(regions_ev=[(13_450.0, 13_570.0, 4.0)], bin_s=0.1, allow_unreducible=False)
    text = reduce_run(runs.documents).table()
    assert "rms, bins of 4 eV at 40 eV/s" in text


def test_the_window_sums_frames_as_a_stored_run_does(runs: FlyRuns) -> None:
    """Lost: a live spectrum that is the one of the stored run, without the backlash."""
    state = RunState()
    before = None
    runs.scan()
    for name, doc in runs.documents:
        state(name, doc)
        if before is None and isinstance(state.sums, FlyAccumulator) and state.sums.facts is not None:
            before = state.snapshot()
    assert isinstance(state.sums, FlyAccumulator)
    assert before is not None
    assert isinstance(before.sums, FlyAccumulator)
    assert state.sums.facts is not None
    assert before.sums.facts is not None
    assert state.sums.facts.frames == len(runs.frames()) > before.sums.facts.frames
    assert state.events == 12
    assert state.sums.exposure_s.sum() > before.sums.exposure_s.sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regions_ev": [(13_465, 13_470, 0.5), (13_470, 13_480, 2)]}, "one speed, so all its bins have one width"),
        ({"regions_ev": [(13_450, 13_570, 8)]}, "speed of the sweep"),
        ({"bin_s": 0.25, "regions_ev": [(13_465, 13_466, 0.02)]}, "speed of the sweep"),
        ({"order": "up"}, "sweeps go up and down"),
        ({"shutter_reference": "scan"}, "sweeps go up and down"),
        ({"until_sigma": 0.01}, "sweeps go up and down"),
        ({"regions_ev": [(13_465, 13_465.5, 0.5)], "bin_s": 0.5}, "bin_s"),
    ],
)
def test_what_cannot_be_flown_is_refused_before_anything_moves(
    runs: FlyRuns, options: dict[str, Any], message: str
) -> None:
    """Lost: a clear answer at the prompt."""
    with pytest.raises(InputError, match=message):
        runs.scan(**options)
    assert runs.documents == []
    assert runs.scans.tables == []


def test_the_run_up_must_lie_within_the_limits_of_the_energy(runs: FlyRuns) -> None:
    """Lost: a clear answer before the motor meets its limit."""
    energy: Any = runs.beamline.energy
    before = energy.high
    energy.high = 13_470.6
    try:
        with pytest.raises(OutOfRangeError, match="end of a sweep"):
            runs.scan()
    finally:
        energy.high = before


def test_a_beamline_without_fly_scans_refuses(runs: FlyRuns) -> None:
    """Lost: what to add to the configuration file."""
    without: Beamline = replace(runs.beamline, fly=None)
    with pytest.raises(ConfigurationError, match=r"has no \[fly\]"):
        runs.engine(plans.energy_scan(without, "Br K", delay_ps=100, stepping="fly"))


def test_a_sweep_must_fit_into_the_ring(runs: FlyRuns) -> None:
    """Lost: frames that nobody can read again."""
    settings = runs.beamline.configuration.fly
    assert settings is not None
    with pytest.raises(OutOfRangeError, match="hold a whole sweep"):
        sweep_grid(np.arange(13_000.0, 14_000.0, 0.1).tolist(), 0.1, settings)
