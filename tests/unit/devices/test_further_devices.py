"""If these fail, a device that a table `[devices.NAME]` names is not built, or a mistake in it is found too late."""

from __future__ import annotations

from typing import Any

import pytest
from ophyd import Device

from devices.configuration import beamline_from_table, read_toml
from devices.configuration.device_settings import DeviceSettings
from devices.exposure.technique_reader import TechniqueDetector
from devices.further_devices import further_devices
from errors import ConfigurationError
from plans.engine.detection import technique
from tests.support.fake_beamline import FakeHardware
from trxas.configuration import DEFAULT_CONFIGURATION


class Box(Device):
    """A device without PVs."""

    def __init__(self, prefix: str, *, name: str, colour: str = "grey") -> None:
        if colour == "none":
            raise ValueError("a box has a colour")
        self.colour = colour
        super().__init__(prefix, name=name)


class NotADevice:
    """Something else."""


HERE = __name__


def faults(tables: dict[str, Any]) -> str:
    content = {**read_toml(DEFAULT_CONFIGURATION), "devices": tables}
    content.pop("storage")
    with pytest.raises(ConfigurationError) as caught:
        beamline_from_table(content, "mine.toml")
    return str(caught.value)


def test_a_device_is_built_from_its_table() -> None:
    settings = DeviceSettings(class_path=f"{HERE}.Box", pv="ame:box:", options={"colour": "red"})
    (box,) = further_devices({"box": settings}, prefix="macro:").values()
    assert isinstance(box, Box)
    assert (box.prefix, box.name, box.colour) == ("macro:ame:box:", "box", "red")


def test_all_mistakes_are_reported_in_one_message_before_anything_connects() -> None:
    message = faults(
        {
            "a": {"class_path": "no_such_module.Box"},
            "b": {"class_path": f"{HERE}.Boxes"},
            "c": {"class_path": f"{HERE}.NotADevice"},
            "d": {"pv": "ame:"},
            "e": {"class_path": f"{HERE}.Box", "colour": "red"},
            "laser": {"class_path": f"{HERE}.Box"},
            "My Box": {"class_path": f"{HERE}.Box"},
        }
    )
    assert message.startswith("mine.toml has 7 faults:")
    for part in (
        "[devices.a] class_path = 'no_such_module.Box': there is no module no_such_module. Install the package",
        f"[devices.b] class_path = '{HERE}.Boxes': {HERE} has no class Boxes. Did you mean Box?",
        f"[devices.c] class_path = '{HERE}.NotADevice': is not an ophyd.Device",
        "[devices.d] class_path is missing. Give the module and class of the device",
        "[devices.e] colour is an unknown key",
        "[devices.laser] is already the name of a device or a field",
        "[devices.My Box] is not a name",
    ):
        assert part in message, message


def test_a_class_that_cannot_be_built_is_named() -> None:
    """Lost: a session that ends with a traceback of somebody else's package."""
    settings = DeviceSettings(class_path=f"{HERE}.Box", options={"colour": "none"})
    with pytest.raises(
        ConfigurationError, match=r"\[devices.box\] class_path = .*Box': building it failed: ValueError"
    ):
        further_devices({"box": settings}, prefix="")


def test_a_plan_whose_detector_is_missing_reports_which_table_to_add() -> None:
    detection = technique(TechniqueDetector, mode="emission")
    with pytest.raises(ConfigurationError, match=r"has 0 devices of the class .*TechniqueDetector.*\[devices.NAME\]"):
        detection(FakeHardware().beamline)
