"""If these fail, an axis whose class a user names is not built, or moves where no other axis would."""

from __future__ import annotations

from typing import Any

import pytest
from ophyd import Component as Cpt
from ophyd import EpicsMotor, EpicsSignal, EpicsSignalRO, PVPositioner
from ophyd.sim import make_fake_device

from devices.axes.further_axis import further_axes, further_axis
from devices.axes.positioner_axis import MotorPositionerAxis, PositionerAxis
from devices.axes.record_axis import MotorRecordAxis
from devices.configuration import RecordAxisSettings, beamline_from_table, read_toml
from errors import ConfigurationError, InputError, MotionError, NotConnectedError, OutOfRangeError
from tests.support.fake_beamline import MemorySignal
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION

HERE = __name__
MAGNET: dict[str, Any] = {
    "class_path": f"{HERE}.Magnet",
    "pv": "psu:",
    "unit": "mT",
    "low": -500.0,
    "high": 500.0,
    "tolerance": 0.5,
}


class Magnet(PVPositioner):
    """A magnet as a user writes it: no line of it knows trxas."""

    setpoint = Cpt(EpicsSignal, "set", limits=True)
    readback = Cpt(EpicsSignalRO, "get")
    done = Cpt(EpicsSignalRO, "done")
    stop_signal = Cpt(EpicsSignal, "stop")


class OwnAxis(MotorRecordAxis):
    """An axis class of trxas, named by its path."""


def magnet(**changes: Any) -> Any:
    """A magnet in memory at 0 mT, whose power supply follows its setpoint at once."""
    settings = RecordAxisSettings(**{**MAGNET, **changes})
    positioner = make_fake_device(Magnet)("psu:", name="field_positioner")
    axis = make_fake_device(PositionerAxis)(settings, positioner, name="field_mt")

    def moved(value: float) -> None:
        positioner.done.sim_put(0)
        axis.target.sim_put(value)
        axis.readback.sim_put(value)
        positioner.readback.sim_put(value)
        positioner.done.sim_put(1)

    assert isinstance(positioner.setpoint, MemorySignal)
    positioner.setpoint.on_put = moved
    moved(0.0)
    return axis


def test_a_positioner_moves_and_reports_its_position_in_events() -> None:
    axis = magnet()
    axis.set(12.5).wait(timeout=WAIT_S)
    assert axis.position == 12.5
    assert axis.read()["field_mt"]["value"] == 12.5
    assert axis.describe()["field_mt"]["units"] == "mT"
    assert axis.describe()["field_mt"]["source"] == "PV:psu:get"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (600.0, OutOfRangeError, "field_mt = 600 mT is outside -500 to 500 mT"),
        (float("nan"), InputError, "not a finite number"),
        (450.0, OutOfRangeError, "psu:set = 450 mT is outside -400 to 400 mT"),
    ],
)
def test_neither_limits_of_the_table_nor_of_the_device_are_passed(
    value: float, error: type[Exception], message: str
) -> None:
    """Lost: a coil that burns, because only one of two limits was looked at."""
    axis = magnet()
    axis.positioner.setpoint.limits_of_record = (-400.0, 400.0)
    with pytest.raises(error, match=message):
        axis.set(value)
    assert axis.position == 0.0


def test_a_move_that_ends_elsewhere_fails() -> None:
    """ophyd's positioner reports success when somebody has stopped it."""
    axis = magnet()
    arrive = axis.positioner.setpoint.on_put
    axis.positioner.setpoint.on_put = lambda value: arrive(value / 2)
    with pytest.raises(MotionError, match="sent to 100 mT and stopped at 50 mT"):
        axis.set(100.0).wait(timeout=WAIT_S)


def test_a_device_that_is_there_already_need_not_move() -> None:
    """ophyd waits for `done` to fall and rise: a supply that stays where it is would never be done."""
    axis = magnet()
    axis.set(5.0).wait(timeout=WAIT_S)
    axis.positioner.setpoint.on_put = lambda value: None
    axis.set(5.0).wait(timeout=WAIT_S)


def test_a_device_that_does_not_answer_is_named() -> None:
    axis = magnet()
    axis.readback.answers = False
    with pytest.raises(NotConnectedError, match="psu:get"):
        axis.set(1.0)


def test_all_pvs_of_the_device_must_connect() -> None:
    """If this fails, a session opens while the power supply is off."""
    names = {walked.item.pvname for walked in magnet().walk_signals()}
    assert {"psu:set", "psu:get", "psu:done", "psu:stop"} <= names


def test_a_stock_motor_is_built_with_the_fields_that_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, another client changes the offset of the motor, and the scan goes on."""
    monkeypatch.setattr("ophyd.EpicsMotor", make_fake_device(EpicsMotor))
    monkeypatch.setattr("devices.axes.further_axis.MotorPositionerAxis", make_fake_device(MotorPositionerAxis))
    settings = RecordAxisSettings(**{**MAGNET, "class_path": "ophyd.EpicsMotor", "pv": "m1"})
    axis: Any = further_axis(settings, prefix="test:", name="field_mt")
    assert axis.motor.mode.pvname == "test:m1.SPMG"
    assert axis.readback.pvname == "test:m1.RBV"


def test_the_classes_of_the_house_are_built_from_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{HERE}.OwnAxis", make_fake_device(OwnAxis))
    settings = RecordAxisSettings(
        class_path=f"{HERE}.OwnAxis", motor="m1", unit="mm", low=0.0, high=1.0, tolerance=0.1, settle_s=0.5
    )
    axis = further_axis(settings, prefix="test:", name="nozzle_mm")
    assert isinstance(axis, MotorRecordAxis)
    assert (axis.unit, axis.limits, axis.settle_s) == ("mm", (0.0, 1.0), 0.5)


class Broken(PVPositioner):
    """A positioner without a way to tell that it has arrived, which ophyd refuses when it is built."""

    setpoint = Cpt(EpicsSignal, "set")


def test_classes_that_cannot_be_built_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: a traceback of ophyd that names no table."""
    monkeypatch.setattr(f"{HERE}.Broken", make_fake_device(Broken))
    broken = RecordAxisSettings(**{**MAGNET, "class_path": f"{HERE}.Broken"})
    with pytest.raises(ConfigurationError) as caught:
        further_axes({"first_mt": broken, "second_mt": broken}, prefix="test:")
    message = str(caught.value)
    assert "[axes.first_mt] class_path = " in message
    assert "[axes.second_mt]" in message
    assert "mis-configured" in message


def test_the_window_finds_the_read_back_of_a_class() -> None:
    assert RecordAxisSettings(**MAGNET).readback_pv == "psu:get"


RECORDS: dict[str, Any] = {"unit": "mT", "low": -5.0, "high": 5.0, "tolerance": 0.1}
WRONG_AXES: dict[str, dict[str, Any]] = {
    "misspelt": {**RECORDS, "class_path": "ophyd.EpicsMotr", "pv": "a"},
    "unknown": {**RECORDS, "class_path": "nowhere.Magnet", "pv": "b"},
    "no_path": {**RECORDS, "class_path": "EpicsMotor", "pv": "c"},
    "no_axis": {**RECORDS, "class_path": "ophyd.EpicsSignal", "pv": "d"},
    "no_pv": {**RECORDS, "class_path": "ophyd.EpicsMotor"},
    "no_pvs": {**RECORDS, "class_path": "ophyd.PVPositioner", "setpoint": "e", "readback": "f"},
    "no_limits": {"class_path": "ophyd.EpicsMotor", "pv": "g", "unit": "mT", "tolerance": 0.1},
    "no_unit": {**RECORDS, "class_path": "ophyd.EpicsMotor", "pv": "h", "unit": " "},
    "first": {**RECORDS, "motor": "i"},
    "second": {**RECORDS, "class_path": "ophyd.EpicsMotor", "pv": "i"},
    "mirror": {**RECORDS, "setpoint": "7idd:m31.VAL", "readback": "j"},
    "unused": {**RECORDS, "motor": "k", "done": "l"},
}


def test_all_faults_of_all_axes_are_one_message() -> None:
    """Lost: a restart per fault, or two names for one motor."""
    content = read_toml(DEFAULT_CONFIGURATION) | {"axes": WRONG_AXES}
    content.pop("storage")
    with pytest.raises(ConfigurationError) as caught:
        beamline_from_table(content, "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml has 12 faults:")
    for expected in (
        "[axes.misspelt] class_path = 'ophyd.EpicsMotr': ophyd has no class EpicsMotr. Did you mean EpicsMotor?",
        "[axes.unknown] class_path = 'nowhere.Magnet': there is no module nowhere. Install the package that has it",
        "[axes.no_path] class_path = 'EpicsMotor': is not a class path. Give module and class",
        "[axes.no_axis] class_path = 'ophyd.EpicsSignal': is not an axis",
        "[axes.no_pv] pv is missing",
        "[axes.no_pvs] done is missing: ophyd.PVPositioner needs it",
        "[axes.no_limits] low is missing",
        "[axes.no_limits] high is missing",
        "[axes.no_unit] unit is empty",
        "[axes.second] pv = 'i': is axes.first too",
        "[axes.mirror] setpoint = '7idd:m31': is pointing.horizontal too",
        "[axes.unused] done = 'l': is only used with class_path",
    ):
        assert expected in message


def test_two_axes_of_one_name_are_refused_with_their_line(tmp_path: Any) -> None:
    path = tmp_path / "twice.toml"
    path.write_text('[axes.field]\nmotor = "a"\n[axes.field]\nmotor = "b"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"twice\.toml: .*field.* twice \(at line 3"):
        read_toml(path)
