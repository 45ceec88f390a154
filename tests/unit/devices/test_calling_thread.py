"""If these fail, one callback that raises keeps every later move and exposure of the session waiting."""

from __future__ import annotations

import threading

import pytest

from devices.signals.calling_thread import CallingThread
from tests.support.waiting import WAIT_S


def _fail() -> None:
    raise ValueError("a callback that fails")


def test_a_call_on_the_thread_itself_is_made_at_once_and_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    thread = CallingThread("test", "What was called has failed")
    thread.start()
    order: list[str] = []
    done = threading.Event()

    def first() -> None:
        thread.call_first(_fail)
        thread.call_first(lambda: order.append("within"))
        order.append("first")

    thread.call(first)
    thread.call(lambda: order.append("second"))
    thread.call(done.set)
    assert done.wait(WAIT_S)
    assert order == ["within", "first", "second"]
    assert [record.message for record in caplog.records] == ["What was called has failed"]


def test_a_call_from_another_thread_waits_its_turn() -> None:
    thread = CallingThread("test", "What was called has failed")
    thread.start()
    names: list[str] = []
    done = threading.Event()
    thread.call_first(lambda: names.append(threading.current_thread().name))
    thread.call(done.set)
    assert done.wait(WAIT_S)
    assert names == ["test"]
