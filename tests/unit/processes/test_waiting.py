"""If these fail, a program waits forever, or gives up on what has happened meanwhile."""

from __future__ import annotations

import threading

import pytest

from processes.waiting import wait_until


def test_it_returns_as_soon_as_the_condition_holds_and_calls_the_function_between_checks() -> None:
    looks = iter([False, False, True])
    looked_after: list[int] = []
    assert wait_until(lambda: next(looks), poll_s=0.0, meanwhile=lambda: looked_after.append(1))
    assert looked_after == [1, 1]


def test_time_runs_out_and_what_happened_at_the_last_moment_counts() -> None:
    assert not wait_until(lambda: False, timeout_s=0.0, poll_s=0.0)
    looks = iter([False, True])
    assert wait_until(lambda: next(looks), timeout_s=-1.0, poll_s=0.0)


def test_it_can_be_called_off_and_ended_by_an_error() -> None:
    stopping = threading.Event()
    assert not wait_until(lambda: False, meanwhile=stopping.set, stopping=stopping)
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: False, meanwhile=lambda: 1 / 0)
