"""If these fail, a record that lost its device, or that another client changed, is taken for what it was before."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

from devices.axes.axis import Axis
from devices.axes.fluence import Waveplate
from devices.configuration import FluenceSettings
from devices.signals.uncached_signal import COMM, INVALID, FreshSignalRO, follow, read_together, read_with_alarms
from errors import InvalidReadingError, MotionError, OutOfRangeError
from tests.support.waiting import WAIT_S, until


def test_the_alarm_comes_with_the_value_requested_and_by_monitor(bench: str, put: Any) -> None:
    """Lost: 79 of 79 points good with a jet whose record had lost its device."""
    flow = FreshSignalRO(f"{bench}flow", name="flow", auto_monitor=True)
    flow.wait_for_connection(timeout=WAIT_S)
    seen: list[float] = []
    follow(flow, seen.append)
    assert read_together({"flow": flow})["flow"] == 240.0
    put(f"{bench}lost", 1)
    reading = read_with_alarms({"flow": flow})["flow"]
    assert (reading.value, reading.severity, reading.status, reading.valid) == (240.0, INVALID, COMM, False)
    with pytest.raises(InvalidReadingError, match=r"flow is in INVALID alarm \(COMM\)"):
        read_together({"flow": flow})
    until(lambda: seen and math.isnan(seen[-1]), "the monitor of the alarm")
    put(f"{bench}lost", 0)
    until(lambda: seen[-1] == 240.0, "the monitor of its end")


def test_a_batch_reads_what_single_requests_read(bench: str) -> None:
    """Lost: a value of another type, a cut-off frame, or a stamp that seems older than the one before."""
    names = ("flow", "m2.RBV", "m2.SPMG", "m2.DIR", "m2.MSTA", "m2.DESC", "m2.NTM")
    signals = {name: FreshSignalRO(f"{bench}{name}", name=name.replace(".", "_")) for name in names}
    for signal in signals.values():
        signal.wait_for_connection(timeout=WAIT_S)
    together = read_with_alarms(signals)
    for name, signal in signals.items():
        signal.request()
        alone = signal.collect(WAIT_S)
        assert type(together[name].value) is type(alone.value), name
        assert together[name][:3] == alone[:3], name
        # The server gives a field of text the time of each read.
        assert together[name].stamp_s == alone.stamp_s or name == "m2.DESC"


@pytest.fixture
def plate(bench: str) -> Axis:
    settings = FluenceSettings(
        waveplate="m2", maximum_mj_cm2=14.0, zero_deg=0.0, low_mj_cm2=0.0, high_mj_cm2=12.5, angle_low_deg=-10.0,
        angle_high_deg=10.0,
    )  # fmt: skip
    axis = Waveplate(settings, prefix=bench, name="plate")
    axis.wait_for_connection(timeout=WAIT_S)
    axis.motor.follow_changes()
    return axis


def test_limits_that_another_client_changes_are_known_at_once(
    plate: Any, bench: str, put: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="trxas.devices"):
        put(f"{bench}m2.HLM", 4.0)
        with pytest.raises(
            OutOfRangeError, match=r"m2 = 5 mm is outside -10 to 4 mm\. .*m2\.HLM changed from 10 mm to 4 mm"
        ):
            plate.set(5.0)
        until(lambda: "m2.HLM was changed by another client from 10 mm to 4 mm" in caplog.text, "the message")
    put(f"{bench}m2.HLM", 10.0)
    plate.set(5.0).wait(timeout=WAIT_S)


def test_a_changed_calibration_and_mode_stop_moves(plate: Any, bench: str, put: Any) -> None:
    plate.set(1.0).wait(timeout=WAIT_S)
    put(f"{bench}m2.OFF", 0.5)
    with pytest.raises(MotionError, match=r"m2\.OFF changed from 0 mm to 0\.5 mm"):
        plate.set(2.0)
    put(f"{bench}m2.OFF", 0.0)
    put(f"{bench}m2.SPMG", 1)
    with pytest.raises(MotionError, match=r"m2\.SPMG is Pause"):
        plate.set(2.0)
    put(f"{bench}m2.SPMG", 3)
    plate.set(2.0).wait(timeout=WAIT_S)
