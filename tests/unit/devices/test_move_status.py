"""If these fail, a move that hangs is never noticed, or one that failed stops the thread of Channel Access."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from ophyd import Device
from ophyd.utils import StatusTimeoutError

from devices.signals.deadlines import DEADLINES
from devices.signals.move_status import MoveStatus, fail, finish
from errors import NotConnectedError
from tests.support.waiting import WAIT_S


class Stage(Device):
    """A device whose `stop` notes its thread."""

    stopped_by: threading.Thread | None = None

    def stop(self, *, success: bool = False) -> None:
        self.stopped_by = threading.current_thread()


@pytest.fixture
def stage() -> Stage:
    return Stage("", name="stage")


def status(stage: Stage, timeout_s: float) -> MoveStatus:
    return MoveStatus(stage, what="stage to 1 mm", pvs=["m1"], timeout_s=timeout_s)


def test_time_outs_end_in_their_own_order_with_the_pv(stage: Stage) -> None:
    """Lost: the error of a stalled motor, behind the longer time-out of another."""
    long = status(stage, WAIT_S)
    short = status(stage, 0.02)
    with pytest.raises(StatusTimeoutError, match=r"stage to 1 mm \(waiting for m1\)"):
        short.wait(timeout=WAIT_S)
    assert not long.done
    finish(long)
    assert long.success
    # What arrives after the time-out changes nothing.
    finish(short)
    assert isinstance(short.exception(timeout=0), StatusTimeoutError)


def test_a_success_calls_back_at_once_and_only_once(stage: Stage) -> None:
    """Lost: the time that a thread takes to start, twice per exposure."""
    ended: list[Any] = []
    moved = status(stage, 0.02)
    moved.add_callback(ended.append)
    finish(moved)
    assert ended == [moved]
    # Its time-out comes later, and finds it done.
    with pytest.raises(StatusTimeoutError):
        status(stage, 0.03).wait(timeout=WAIT_S)
    assert moved.success
    assert ended == [moved]


def test_a_failure_stops_the_device_on_a_thread_of_its_own(stage: Stage) -> None:
    """Lost: all completions of Channel Access, while a device that waits for one of them is stopped."""
    moved = status(stage, WAIT_S)
    done = threading.Event()
    moved.add_callback(lambda _: done.set())
    fail(moved, ValueError("stalled"))
    assert done.wait(WAIT_S)
    assert stage.stopped_by not in (None, threading.current_thread())
    assert isinstance(moved.exception(timeout=0), ValueError)


def test_an_ended_status_does_not_outlive_its_users(stage: Stage) -> None:
    """Lost: milliseconds of every step, as the collector of garbage goes through the statuses of the last minute."""
    moved = status(stage, WAIT_S)
    finish(moved)
    ended = weakref.ref(moved)
    del moved
    gc.collect()
    assert ended() is None


def test_a_status_that_nobody_holds_still_times_out(stage: Stage) -> None:
    """Lost: the stop of a motor whose move nobody waits for."""
    done = threading.Event()
    status(stage, 0.02).add_callback(lambda _: done.set())
    gc.collect()
    assert done.wait(WAIT_S)


def test_what_is_cancelled_is_not_called() -> None:
    called: list[str] = []
    done = threading.Event()
    DEADLINES.add(0.01, lambda: called.append("cancelled")).cancel()
    DEADLINES.add(0.02, done.set)
    assert done.wait(WAIT_S)
    assert not called


def test_a_move_that_could_not_begin_stops_nothing_later(stage: Stage) -> None:
    """Lost: the exposure or the move that the device makes when the time of the refused one is up."""
    refused = status(stage, 0.01)

    def write() -> None:
        raise NotConnectedError(["m1"], 0.0)

    with pytest.raises(NotConnectedError):
        refused.begin_by(write)
    with pytest.raises(StatusTimeoutError):
        status(stage, 0.03).wait(timeout=WAIT_S)
    # The later one has timed out, which stops the device once.
    stage.stopped_by = None
    finish(refused)
    assert stage.stopped_by is None
    assert not refused.callbacks


def test_time_outs_outlast_one_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Lost: all time-outs of the session, so that a stalled motor is waited for without end."""

    def fails() -> None:
        raise RuntimeError("no thread can be started")

    done = threading.Event()
    DEADLINES.add(0.01, fails)
    DEADLINES.add(0.02, done.set)
    assert done.wait(WAIT_S)
    assert "A time-out was not carried out" in caplog.text
