"""If these fail, a condition that fails during an exposure is not noticed before its end."""

from __future__ import annotations

import math
from typing import Any

import pytest

from devices.signals.connection import wait_connected
from devices.signals.uncached_signal import FreshSignalRO, follow, follow_stamped, read_with_alarms
from tests.support.waiting import until


def _signal(name: str) -> FreshSignalRO:
    signal = FreshSignalRO(name, name=name)
    wait_connected([signal], 60.0)
    return signal


def test_numbers_come_with_the_time_stamp_of_the_record(bench: str, put: Any) -> None:
    signal = _signal(f"{bench}m2.TWV")
    put(f"{bench}m2.TWV", 0.5)
    seen: list[tuple[float, float]] = []
    follow_stamped(signal, lambda value, stamp_s: seen.append((value, stamp_s)))
    until(lambda: seen, "the present value")
    put(f"{bench}m2.TWV", 0.75)
    until(lambda: len(seen) == 2, "the update")
    assert [value for value, _ in seen] == [0.5, 0.75]
    assert seen[-1][1] == read_with_alarms({"step": signal})["step"].stamp_s


def test_choices_are_followed_by_their_number(bench: str, put: Any) -> None:
    signal = _signal(f"{bench}m2.SPMG")
    put(f"{bench}m2.SPMG", "Go")
    seen: list[float] = []
    follow(signal, seen.append)
    put(f"{bench}m2.SPMG", "Pause")
    until(lambda: seen[-1:] == [1.0], "the second choice")
    put(f"{bench}m2.SPMG", "Go")


def test_a_record_that_has_lost_its_device_shows_no_number(bench: str, put: Any) -> None:
    """Lost: a flow of 240 ml/min, seen until the end of the run, from a flow meter without power."""
    signal = _signal(f"{bench}flow")
    seen: list[float] = []
    follow(signal, seen.append)
    until(lambda: seen == [240.0], "the present value")
    put(f"{bench}lost", 1)
    until(lambda: math.isnan(seen[-1]), "the alarm")
    put(f"{bench}lost", 0)
    until(lambda: seen[-1] == 240.0, "the end of the alarm")


def test_what_follows_one_pv_may_fail_without_the_others(
    bench: str, put: Any, caplog: pytest.LogCaptureFixture
) -> None:
    signal = _signal(f"{bench}m2.TWV")

    def fail(_value: float) -> None:
        raise RuntimeError("what follows fails")

    seen: list[float] = []
    follow(signal, fail)
    follow(signal, seen.append)
    put(f"{bench}m2.TWV", 0.25)
    until(lambda: seen[-1:] == [0.25], "the update")
    assert "What follows a PV has failed" in caplog.text
