"""If these fail, a device of somebody else's class ends a run, or its values are lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ophyd.status import Status

from devices.configuration import ExposureSettings
from devices.configuration.listed_detectors import DeviceDetector
from devices.detectors.any_device import AnyDevice
from devices.detectors.further_detectors import FurtherDetectors
from devices.names import DetectorRole
from devices.signals.uncached_signal import PvReading
from tests.support.waiting import WAIT_S

MASTER = PvReading(2.0, 0, 0, 20.0)
SETTINGS = ExposureSettings(scaler="m", spc_scaler="s", spc_channels=((2, 3),), apds=1, probes=2)


def entry(**keys: Any) -> DeviceDetector:
    path = "tests.support.other_devices.Camera"
    return DeviceDetector(name="cam", role=DetectorRole.MONITOR, class_path=path, pv="x:", **keys)


def in_run(**keys: Any) -> tuple[AnyDevice, FurtherDetectors]:
    camera = AnyDevice(entry(**keys), prefix="")
    further = FurtherDetectors([camera], SETTINGS)
    further.begin_run()
    return camera, further


def test_its_values_are_stored_under_its_name() -> None:
    camera, further = in_run()
    assert further.names == ("cam",)
    further.request()
    values, marks = further.fields(MASTER)
    assert marks == ()
    assert values["cam_total"] == 7.0
    np.testing.assert_array_equal(values["cam_profile"], [1.0, 2.0])
    assert set(further.describe()) == set(values)
    assert further.event_fields() == {"cam": {"total": "cam_total", "profile": "cam_profile"}}
    chosen, _ = in_run(fields=("label",))
    assert chosen.values() == {"cam_label": "dark"}
    assert camera.device.name == "cam"


def test_one_that_breaks_costs_its_own_values_only(caplog: pytest.LogCaptureFixture) -> None:
    camera, further = in_run(fields=("total",))
    camera._signals["cam_total"].get = lambda: 1 / 0
    further.request()
    assert further.fields(MASTER) == ({"cam_total": 0.0}, ("cam_missing",))
    assert "cam has no value for this exposure: it cannot be read: ZeroDivisionError" in caplog.text
    off = AnyDevice(entry(), prefix="")
    off.device.broken = True
    further = FurtherDetectors([off], SETTINGS)
    further.begin_run()
    assert further.names == ()


def test_a_trigger_that_fails_or_never_ends_does_not_hold_the_exposure() -> None:
    camera, further = in_run(trigger=True)
    assert further.triggered(WAIT_S) == (camera,)
    camera.trigger().wait(timeout=WAIT_S)
    camera.device.broken = True
    camera.trigger().wait(timeout=WAIT_S)
    camera.device.broken = False
    camera.device.status = Status()
    camera.limit_s = 0.05
    camera.trigger().wait(timeout=WAIT_S)
    failed = Status()
    camera.device.status = failed
    failed.set_exception(RuntimeError("no frame"))
    camera.trigger().wait(timeout=WAIT_S)
    assert in_run()[1].triggered(1.0) == ()
