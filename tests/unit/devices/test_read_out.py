"""If these fail, an axis leaves while its exposure counts, or a scan waits forever for a move that never began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from devices.axes.move_ahead import WaitingMove
from devices.exposure.axis_watch import FollowedAxes
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.read_out import PATIENT_S, ReadOut
from devices.signals.uncached_signal import BATCH_S, PvReading
from errors import AcquisitionError, NotConnectedError
from tests.support.fake_beamline import FakeHardware

ANSWERS = {"i0": PvReading(5.0)}


class Requests:
    """Stand-in for requests that were sent; notes in `course` what happens to them."""

    def __init__(self, course: list[str]) -> None:
        self._course = course

    def have_come(self) -> bool:
        return "collected" in self._course[-1]

    def collect(self, *, batch_s: float) -> Mapping[str, PvReading]:
        self._course.append(f"collected within {batch_s:g} s")
        return ANSWERS

    def drop(self) -> None:
        self._course.append("dropped")


class Course:
    """A read-out whose requests, release and moves note in `course` what happens; the server is gone if `gone`."""

    def __init__(self, *, good: bool = True, gone: bool = False) -> None:
        self.course: list[str] = []
        self.gone = gone
        self.good = good
        self.read_out = ReadOut(self._send, self._release)
        self.move = WaitingMove(
            axes=frozenset({"delay_ps"}),
            begin=lambda: self.course.append("begun"),
            refuse=lambda: self.course.append("refused"),
        )

    def _send(self) -> Any:
        if self.gone:
            raise NotConnectedError(["i0"], 0.0)
        self.course.append("requested")
        return Requests(self.course)

    def _release(self, axes: frozenset[str]) -> bool:
        self.course.append(f"release {', '.join(axes)}")
        return self.good


def test_a_move_begins_right_behind_the_requests_and_before_the_answers() -> None:
    one = Course()
    one.read_out.then(one.move)
    assert one.course == []
    one.read_out.request()
    one.read_out.request()
    assert one.read_out.collect() == ANSWERS
    assert one.course == ["requested", "release delay_ps", "begun", f"collected within {PATIENT_S:g} s", "dropped"]


def test_a_move_that_comes_after_the_requests_begins_at_once() -> None:
    one = Course()
    one.read_out.request()
    one.read_out.then(one.move)
    assert one.course == ["requested", "release delay_ps", "begun"]


def test_no_move_begins_after_an_exposure_that_is_known_to_be_bad() -> None:
    one = Course(good=False)
    one.read_out.then(one.move)
    one.read_out.collect()
    assert one.course == ["requested", "release delay_ps", "refused", f"collected within {BATCH_S:g} s", "dropped"]


def test_a_move_is_refused_when_its_exposure_is_abandoned() -> None:
    one = Course()
    one.read_out.then(one.move)
    one.read_out.abandon()
    one.read_out.request()
    one.read_out.then(one.move)
    assert one.course == ["refused", "refused"]


def test_a_move_is_refused_when_the_read_out_fails() -> None:
    one = Course(gone=True)
    one.read_out.then(one.move)
    one.read_out.request()
    assert one.course == []
    with pytest.raises(NotConnectedError):
        one.read_out.collect()
    assert one.course == ["refused"]


def test_what_was_not_connected_at_the_end_is_requested_again() -> None:
    one = Course(gone=True)
    one.read_out.then(one.move)
    one.read_out.request()
    one.gone = False
    assert one.read_out.collect() == ANSWERS
    assert one.course == ["requested", "release delay_ps", "begun", f"collected within {PATIENT_S:g} s", "dropped"]


def test_an_exposure_that_is_over_is_not_read_again() -> None:
    """Lost: a point with what the detectors hold later."""
    one = Course()
    one.read_out.collect()
    with pytest.raises(AcquisitionError, match="Trigger a new one"):
        one.read_out.collect()


def _answers(hardware: FakeHardware) -> dict[str, PvReading]:
    axis = hardware.beamline.delay
    return {f"{axis.name}.{key}": PvReading(signal.get()) for key, signal in axis.fresh_signals().items()}


def test_an_axis_that_has_left_was_where_the_read_out_found_it() -> None:
    hardware = FakeHardware()
    delay = hardware.beamline.delay
    followed = FollowedAxes(hardware.beamline.axes, on_failure=lambda: pytest.fail("nothing has failed"))
    watch = followed.watch({"delay_ps": delay.position})
    watch.begin()
    read_out = _answers(hardware)
    assert watch.release(frozenset({"delay_ps"}))
    delay.set(delay.position + 500.0).wait(timeout=10)
    assert watch.end(read_out) == {}
    assert not followed.watch({"delay_ps": delay.position}).astray()


def test_an_axis_that_was_elsewhere_before_it_left_is_found_by_the_read_out() -> None:
    hardware = FakeHardware()
    delay = hardware.beamline.delay
    expected = delay.position
    watch = FollowedAxes(hardware.beamline.axes, on_failure=lambda: None).watch({"delay_ps": expected})
    watch.begin()
    assert watch.release(frozenset({"delay_ps"}))
    delay.set(expected + 500.0).wait(timeout=10)
    assert watch.end(_answers(hardware)) == {"delay_ps": pytest.approx(expected + 500.0)}


def test_no_axis_leaves_an_exposure_in_which_one_has_strayed() -> None:
    hardware = FakeHardware()
    delay = hardware.beamline.delay
    watch = FollowedAxes(hardware.beamline.axes, on_failure=lambda: None).watch({"delay_ps": delay.position})
    watch.begin()
    delay.set(delay.position + 500.0).wait(timeout=10)
    assert not watch.release(frozenset({"delay_ps"}))


def test_a_move_waits_only_for_an_exposure_that_is_under_way() -> None:
    one = Course()
    reader = FakeHardware().beamline.point
    assert not reader.begin_at_read_out(one.move)
    reader.arm(ExposureTargets())
    assert not reader.begin_at_read_out(one.move)
