"""If these fail, a sequence stores other exposures than the same scan in single steps, or loses or repeats some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import plans
from devices.axes.axis_group import AxisGroup
from devices.beamline import Beamline
from devices.exposure.sequence_frames import PAGE_S, SequenceFrame
from devices.exposure.sequence_reader import SequenceReader
from errors import AcquisitionError, ConfigurationError, InputError, NotConnectedError
from plans.engine.scanning import announced_requests
from plans.engine.sequence_loop import planned_frames
from plans.resume import resume_scan
from reduction.accumulator import accumulate
from reduction.events import PRIMARY, PrimaryEvents
from reduction.slices import slices_of
from tests.support.fake_beamline import FakeHardware
from tests.support.fake_sequencer import with_sequencer
from tests.support.recorded_runs import RecordedRuns
from tests.support.waiting import WAIT_S

DELAYS_PS = [-100.0, 0.0, 100.0, 200.0]


class Sequences(RecordedRuns):
    """Delay scans with a sequencer in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.beamline, self.sequencer = with_sequencer(self.line)

    @property
    def reader(self) -> SequenceReader:
        assert self.beamline.sequences is not None
        return self.beamline.sequences

    def scan(self, stepping: str = "hardware", **options: Any) -> None:
        options = {"delays_ps": DELAYS_PS, "dwell_s": 1.0} | options
        self.engine(plans.delay_scan(self.beamline, "Br K", stepping=stepping, **options))

    def rows(self) -> list[dict[str, Any]]:
        primary = PrimaryEvents()
        return [event["data"] for name, doc in self.documents for event in primary(name, doc)]

    def good(self) -> list[tuple[int, int, int]]:
        keys = ("scan_index", "point_index", "laser_shutter")
        return [tuple(row[key] for key in keys) for row in self.rows() if not row["quality"]]


@pytest.fixture
def sequences() -> Iterator[Sequences]:
    with Sequences() as runs:
        yield runs


def test_a_sequence_stores_the_same_kind_of_run_as_single_steps(sequences: Sequences) -> None:
    """Lost: the reduction, the window and the export of everything that hardware has stepped."""
    sequences.scan(repeats=2, shutter_reference="point")
    stepped = sequences.rows()
    start = sequences.documents[0][1]
    descriptor = next(doc for name, doc in sequences.documents if name == "descriptor")
    assert accumulate(sequences.documents).exposures.sum() == 16
    sequences.documents.clear()
    sequences.scan(repeats=2, shutter_reference="point", stepping="software")
    single = sequences.rows()
    assert [row.keys() for row in stepped] == [row.keys() for row in single]
    for key in ("scan_index", "point_index", "laser_shutter", "quality"):
        assert [row[key] for row in stepped] == [row[key] for row in single]
    np.testing.assert_allclose([row["delay_ps"] for row in stepped], [row["delay_ps"] for row in single], atol=0.1)
    assert descriptor["name"] == PRIMARY
    assert start["stepping"] == "hardware"
    assert start.keys() - {"stepping", "sequence_token"} == sequences.documents[0][1].keys()
    assert len(sequences.sequencer.tables) == 1


def test_a_page_spans_at_most_a_tenth_of_a_second(sequences: Sequences) -> None:
    """Lost: the live window, which would show a long sequence at its end only."""
    sequences.scan(repeats=3)
    pages = [doc["timestamps"]["i0"] for name, doc in sequences.documents if name == "event_page"]
    assert len(pages) > 1
    assert max(times[-1] - times[0] for times in pages) <= PAGE_S


@pytest.mark.parametrize("side", ["low", "high"])
def test_a_frame_in_which_a_condition_failed_is_stored_as_bad_and_measured_again(
    sequences: Sequences, side: str
) -> None:
    """Lost: the quality of points. The jet failed for a moment in the middle of a frame, and the sequence stops."""

    def thin_jet(frame: SequenceFrame) -> SequenceFrame:
        values = frame.low.copy()
        slot = sequences.sequencer.slot(sequences.line.surroundings.jet_flow)
        values[slot] = {"low": 100.0, "high": np.nan}[side]
        changed: dict[str, Any] = {side: values}
        return replace(frame, **changed) if frame.number == 2 else frame

    sequences.sequencer.spoil = thin_jet
    sequences.scan()
    assert [row["quality"] for row in sequences.rows()].count("jet_flow") == 1
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]
    assert len(sequences.sequencer.tables) == 2


def test_a_frame_whose_axis_was_moved_is_measured_again(sequences: Sequences) -> None:
    """Lost: a point at another energy than its trace."""

    def moved(frame: SequenceFrame) -> SequenceFrame:
        high = frame.high.copy()
        high[sequences.sequencer.slot(sequences.line.energy.readback)] += 0.01
        return replace(frame, high=high) if frame.number == 3 else frame

    sequences.sequencer.spoil = moved
    sequences.scan()
    assert [row["quality"] for row in sequences.rows()].count("energy") == 1
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]


def test_a_shutter_that_stays_closed_does_not_pass_for_a_closed_reference(sequences: Sequences) -> None:
    """Lost: a pumped point, and a reference that is measured twice."""

    def stuck(frame: SequenceFrame) -> SequenceFrame:
        if frame.number != 1:
            return frame
        reading = frame.reading
        return replace(frame, reading=replace(reading, spc=replace(reading.spc, laser_shutter=0)))

    sequences.sequencer.spoil = stuck
    sequences.scan(shutter_reference="point")
    assert len(sequences.good()) == len(set(sequences.good())) == 8
    assert [row["quality"] for row in sequences.rows()].count("laser_shutter") == 1


def test_a_table_that_ends_early_is_continued_with_what_is_missing(sequences: Sequences) -> None:
    """Lost: the rest of a sequence after a pause, or the exposures before it, which would be measured twice."""

    def stop_at_two(frame: SequenceFrame) -> SequenceFrame:
        if frame.number == 2:
            sequences.sequencer.cut_short()
        return frame

    sequences.sequencer.spoil = stop_at_two
    sequences.scan()
    assert [len(table) for table in sequences.sequencer.tables] == [4, 2]
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]


def test_an_exposure_that_stays_bad_ends_the_run(sequences: Sequences) -> None:
    """Lost: a night in which one point is measured again and again."""

    def short(frame: SequenceFrame) -> SequenceFrame:
        reading = frame.reading
        cut = replace(reading, spc=replace(reading.spc, exposure_s=0.5))
        return replace(frame, reading=cut) if frame.place[1] == 2 else frame

    sequences.sequencer.spoil = short
    with pytest.raises(AcquisitionError, match="Point 2 of scan 0 was bad 3 times"):
        sequences.scan()
    assert sorted(sequences.good()) == [(0, point, 1) for point in (0, 1, 3)]


def test_a_killed_session_loses_no_frame_and_repeats_none(sequences: Sequences) -> None:
    """Lost: the beam time of everything that was counted when the session died, or exposures that count twice."""
    sequences.scan(repeats=2)
    start = sequences.documents[0][1]
    # The session was killed after three events; the sequencer went on, and one of its frames was bad.
    stored = sequences.good()[:3]
    frames = sequences.sequencer.frames
    frames[5] = replace(frames[5], high=np.full_like(frames[5].high, np.nan))
    sequences.documents.clear()
    sequences.engine(resume_scan(sequences.beamline, start, stored))
    again = sequences.good()
    assert sorted(stored + again) == [(scan, point, 1) for scan in range(2) for point in range(4)]
    assert [len(table) for table in sequences.sequencer.tables] == [8, 1]
    assert len(sequences.rows()) == 5


def test_frames_of_another_run_are_left_out(sequences: Sequences) -> None:
    """Lost: counts of another sample in this run."""
    sequences.scan()
    start = sequences.documents[0][1]
    frames = sequences.sequencer.frames
    frames[:] = [replace(frame, token=frame.token + 1) for frame in frames]
    sequences.documents.clear()
    sequences.engine(resume_scan(sequences.beamline, start, []))
    assert [len(table) for table in sequences.sequencer.tables] == [4, 4]


def test_a_beamline_without_sequencer_refuses_before_anything_moves(sequences: Sequences) -> None:
    """Lost: a clear answer at the prompt."""
    without: Beamline = replace(sequences.beamline, sequences=None)
    with pytest.raises(ConfigurationError, match="sequencer"):
        sequences.engine(plans.delay_scan(without, "Br K", delays_ps=DELAYS_PS, stepping="hardware"))
    assert sequences.documents == []


def test_frames_of_a_lost_connection_are_read_when_it_is_back(sequences: Sequences) -> None:
    """Lost: what hardware counted while the network was away, or the time to count it again."""
    answer = sequences.sequencer.latest_number
    outages = iter([NotConnectedError(["7idd:seq:Latest"], 2.0)])

    def away() -> int:
        # Armed, played, and then the first read-out fails.
        if sequences.sequencer.frames and (error := next(outages, None)):
            raise error
        return answer()

    sequences.sequencer.latest_number = away  # type: ignore[method-assign]
    sequences.scan()
    assert [len(table) for table in sequences.sequencer.tables] == [4]
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]


def test_a_pause_stops_the_sequencer_before_it_closes_the_shutters(sequences: Sequences) -> None:
    """Lost: the laser on the sample during a pause: a sequencer that goes on opens the shutter again."""
    shutter: Any = sequences.line.laser_shutter
    seen: list[float] = []
    group = AxisGroup({"laser_shutter": shutter}, stop_first=lambda: seen.append(shutter.readback.get()))
    shutter.set("open").wait(timeout=WAIT_S)
    group.pause()
    assert seen == [1]
    assert shutter.position == "closed"


def test_a_map_is_a_sequence_per_energy(sequences: Sequences) -> None:
    """Lost: a map at the speed of the hardware, or rows of it at a wrong energy."""
    energies = [13_460.0, 13_465.0, 13_470.0]
    options: dict[str, Any] = {"dwell_s": 1.0, "stepping": "hardware"}
    sequences.engine(plans.grid_scan(sequences.beamline, "Br K", energies, DELAYS_PS, **options))
    assert [len(table) for table in sequences.sequencer.tables] == [4, 4, 4]
    rows = sequences.rows()
    assert sorted(row["point_index"] for row in rows if not row["quality"]) == list(range(12))
    found = [(row["energy_ev"], row["delay_ps"]) for row in sorted(rows, key=lambda row: row["point_index"])]
    wanted = [(energy, delay) for energy in energies for delay in DELAYS_PS]
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_only_a_delay_is_stepped_by_hardware(sequences: Sequences) -> None:
    """Lost: a clear answer before anything moves."""
    options: dict[str, Any] = {"slow": "delay_ps", "fast": "energy_ev", "stepping": "hardware"}
    with pytest.raises(InputError, match="steps the delay only"):
        sequences.engine(plans.grid_scan(sequences.beamline, "Br K", DELAYS_PS, [13_460.0, 13_465.0], **options))


def test_a_bubble_costs_the_slices_that_it_spoilt_and_no_more(sequences: Sequences) -> None:
    """Lost: 6 s of beam for a bubble of 50 ms. It is too short for the flow meter; the light of its slices shows it."""

    def bubble(frame: SequenceFrame) -> SequenceFrame:
        if frame.number not in (47, 48):
            return frame
        reading = frame.reading
        return replace(frame, reading=replace(reading, spc=replace(reading.spc, counts=reading.spc.counts // 2)))

    sequences.sequencer.spoil = bubble
    sequences.scan(dwell_s=6.0, slice_s=0.05, repeats=1)
    rows = sequences.rows()
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]
    assert [row["exposure_s"] for row in rows] == pytest.approx([6.0] * 4)
    assert [int(np.sum(row["spc_counts"])) for row in rows] == [120 * 10_000] * 4
    assert [row["i0"] for row in rows] == pytest.approx([6e6] * 4)
    found = slices_of(sequences.documents)
    assert len(found) == 4 * 120 + 2
    assert found.spent_again_s == pytest.approx(0.1)
    assert len(found.used) == 4 * 120


def test_a_slice_in_which_a_condition_failed_is_measured_again_alone(sequences: Sequences) -> None:
    """Lost: the other 119 slices of the exposure, or a bad one among those that are added up."""

    def thin_jet(frame: SequenceFrame) -> SequenceFrame:
        low = frame.low.copy()
        low[sequences.sequencer.slot(sequences.line.surroundings.jet_flow)] = 100.0
        return replace(frame, low=low) if frame.number == 5 else frame

    sequences.sequencer.spoil = thin_jet
    sequences.scan(dwell_s=1.0, slice_s=0.1)
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]
    found = slices_of(sequences.documents)
    assert (~found.good).sum() == 1
    assert len(found) == 41
    assert accumulate(sequences.documents).exposures.sum() == 4


def test_slices_need_a_sequencer_and_fit_into_a_table(sequences: Sequences) -> None:
    """Lost: a clear answer before anything moves."""
    with pytest.raises(InputError, match="only a sequencer counts in slices"):
        sequences.scan("software", slice_s=0.05)
    with pytest.raises(InputError, match=r"slice_s = 0\.001 s is outside 0\.00146484 to 0\.1 s.* one table holds"):
        sequences.scan(dwell_s=6.0, repeats=1, slice_s=0.001)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dwell_s": 0.2, "slice_s": 0.05}, r"slice_s = 0\.05 s is outside 0\.001 to 0\.04 s.* 5 slices or more"),
        ({"dwell_s": 0.05, "slice_s": 0.1}, r"is outside 0\.001 to 0\.01 s"),
        ({"dwell_s": 1.0, "slice_s": 0.1, "dwell_factors": [1, 0.3, 1, 2]}, r"is outside 0\.001 to 0\.06 s"),
        (
            {"dwell_s": 40.0, "repeats": 1, "slice_s": 0.01, "dwell_factors": [1, 1, 1, 2]},
            r"is outside 0\.0195312 to 0\.1 s",
        ),
        ({"dwell_s": 0.004, "slice_s": 0.001}, "exposures of 0.004 to 0.004 s cannot be counted in slices"),
        ({"dwell_s": 1.0, "slice_s": 0.02, "dwell_factors": [1, 1, 0.01, 99]}, "dwell_factors that differ less"),
    ],
)
def test_too_few_slices_to_show_a_bubble_are_refused(
    sequences: Sequences, options: dict[str, Any], message: str
) -> None:
    """Lost: bubbles in every exposure of fewer than 5 slices, and the slices where one is longer than the exposure."""
    with pytest.raises(InputError, match=message):
        sequences.scan(**options)
    assert sequences.documents == []
    assert sequences.sequencer.tables == []


@pytest.mark.parametrize(("dwell_s", "slice_s"), [(0.35, 0.07), (0.5, 0.1), (6.0, 0.00146484), (1 / 3, 0.0666667)])
def test_the_limits_that_a_refusal_states_are_accepted(dwell_s: float, slice_s: float) -> None:
    """Lost: slices that are refused with the very length that the message asks for, by rounding of 0.35 / 5."""
    beamline, _ = with_sequencer(FakeHardware().beamline)
    options: dict[str, Any] = {"stepping": "hardware", "delays_ps": DELAYS_PS, "dwell_s": dwell_s, "slice_s": slice_s}
    (request,) = announced_requests(plans.delay_scan(beamline, "Br K", repeats=1, **options))
    (frame, *_) = planned_frames(request, request.course())
    assert 5 <= frame.slices <= 4096
    assert frame.slices == round(dwell_s / slice_s)


def test_scans_of_time_zero_and_maps_are_counted_in_slices_and_resumed_with_them(sequences: Sequences) -> None:
    """Lost: a whole exposure for each bubble in the scans that need the most exposures."""
    options: dict[str, Any] = {"dwell_s": 1.0, "stepping": "hardware", "slice_s": 0.1}
    beamline = sequences.beamline
    sequences.engine(plans.time_zero_scan(beamline, "Br K", delays_ps=DELAYS_PS, **options))
    assert sequences.documents[0][1]["slice_s"] == 0.1
    assert len(slices_of(sequences.documents)) == 40
    sequences.documents.clear()
    sequences.engine(plans.grid_scan(beamline, "Br K", [13_460.0, 13_465.0], DELAYS_PS, **options))
    assert len(slices_of(sequences.documents)) == 80
    start = sequences.documents[0][1]
    stored = [place for place in sequences.good() if place[1] < 6]
    sequences.documents.clear()
    sequences.sequencer.frames.clear()
    sequences.engine(resume_scan(beamline, start, stored))
    assert sorted(sequences.good()) == [(0, 6, 1), (0, 7, 1)]
    assert len(slices_of(sequences.documents)) == 20


def test_a_sequence_that_counts_until_it_is_good_enough_is_one_table_per_pass(sequences: Sequences) -> None:
    """Lost: the longest time of a scan that ends by its result. Nobody answers here, so each pass has all points."""
    sequences.scan(until_sigma=1e-6, max_time_s=12.0)
    assert [len(table) for table in sequences.sequencer.tables] == [4, 4, 4]
    assert sorted(sequences.good()) == [(scan, point, 1) for scan in range(3) for point in range(4)]


def test_later_passes_of_a_killed_session_are_read_again(sequences: Sequences) -> None:
    """Lost: the beam time of the pass that was counted when the session died, as its points are chosen again."""
    sequences.scan(until_sigma=1e-6, max_time_s=12.0)
    start = sequences.documents[0][1]
    everything = sorted(sequences.good())
    frames = list(sequences.sequencer.frames)
    # Killed in the last pass, with one of its exposures stored.
    stored = [place for place in everything if place < (2, 1, 0)]
    sequences.documents.clear()
    sequences.engine(resume_scan(sequences.beamline, start, stored))
    assert sorted(stored + sequences.good()) == everything
    assert [len(table) for table in sequences.sequencer.tables] == [4, 4, 4]
    # Killed before anything of the second pass was stored; the third one was never armed.
    sequences.sequencer.frames[:] = frames[:8]
    stored = [place for place in everything if place[0] == 0]
    sequences.documents.clear()
    sequences.engine(resume_scan(sequences.beamline, start, stored))
    assert sorted(stored + sequences.good()) == everything
    assert [len(table) for table in sequences.sequencer.tables] == [4, 4, 4, 4]


def test_frames_that_cannot_be_judged_are_reported(sequences: Sequences, caplog: pytest.LogCaptureFixture) -> None:
    """Lost: the reason why exposures of a killed session are measured again."""
    sequences.scan()
    start = sequences.documents[0][1]
    sequences.sequencer.watched = ["another:pv"]
    sequences.documents.clear()
    sequences.engine(resume_scan(sequences.beamline, start, []))
    assert "watches other PVs" in caplog.text
    assert sorted(sequences.good()) == [(0, point, 1) for point in range(4)]


def test_a_run_whose_times_are_refused_today_can_be_completed(sequences: Sequences) -> None:
    """Lost: the rest of a run of an earlier version, which accepted two slices in an exposure."""
    sequences.scan(slice_s=0.1)
    start = {**sequences.documents[0][1], "slice_s": 0.5}
    stored = [place for place in sequences.good() if place[1] < 3]
    sequences.documents.clear()
    sequences.sequencer.frames.clear()
    sequences.engine(resume_scan(sequences.beamline, start, stored))
    assert sequences.good() == [(0, 3, 1)]
    assert len(slices_of(sequences.documents)) == 2
