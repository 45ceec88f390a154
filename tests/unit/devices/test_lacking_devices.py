"""If these fail, a beamline that lacks an attenuator, a phase shifter or a shutter moves what it should not."""

from __future__ import annotations

from typing import Any

import pytest
from ophyd.sim import make_fake_device

from devices.axes.delay import CoarseDelay
from devices.axes.fluence import FixedFluence
from devices.configuration import FixedFluenceSettings, beamline_from_table, read_toml
from devices.instrument_response import InstrumentResponse
from devices.shutter import OpenBeam
from errors import ConfigurationError, InputError
from tests.support import fake_beamline  # noqa: F401  # lets PVs of fake devices be numbers in memory
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION

PUBLIC = DEFAULT_CONFIGURATION.parent / "7id-public.toml"


def table() -> dict[str, Any]:
    content = read_toml(PUBLIC)
    content.pop("storage")
    return content


def test_a_fluence_set_by_hand_stays() -> None:
    fluence = FixedFluence(FixedFluenceSettings(fixed_mj_cm2=4.0), name="fluence_mj_cm2")
    assert fluence.position == 4.0
    fluence.set(4.0).wait(timeout=WAIT_S)
    with pytest.raises(InputError, match=r"fixed_mj_cm2 = 4 mJ/cm2 in \[fluence\]"):
        fluence.set(5.0)
    assert fluence.configure({}) == ({}, {})


def test_a_beam_without_shutter_is_always_on() -> None:
    """Lost: a dark reference that was measured with the laser on."""
    shutter = OpenBeam(name="laser_shutter")
    assert (shutter.position, shutter.can_close) == ("open", False)
    shutter.set("open").wait(timeout=WAIT_S)
    with pytest.raises(InputError, match="no such shutter, so the beam is always on"):
        shutter.set("closed")
    assert shutter.read()["laser_shutter"]["value"] == 1


def test_the_delay_generator_moves_about_the_phase_shifter_as_it_stands() -> None:
    """Lost: a delay that is off by what somebody has turned at the phase shifter."""
    settings = beamline_from_table(table(), "public").delay
    made: Any = make_fake_device(CoarseDelay)
    delay = made(settings, InstrumentResponse(sigma_ps=45.0, error_ps=15.0), prefix="", name="delay_ps")
    delay.fine_readback.sim_put(3_140.0)
    assert delay.raw_targets(100.0) == {"coarse_setpoint": pytest.approx((169_880 - 3_140) * 1e-12)}
    delay.coarse_readback.sim_put(166_740e-12)
    assert delay.position == pytest.approx(100.0)
    with pytest.raises(InputError, match="actualDelay is read-only here"):
        delay.configure({"held": {"fine": 3_000.0}})


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("laser", "shutter", "a:b", "shutter_readback is empty, but shutter is given"),
        ("surroundings", "xray_shutter_readback", "a:b", "xray_shutter is empty, but xray_shutter_readback is given"),
        ("pointing", "vertical", "a:b", "horizontal is empty, but the other is given"),
        ("fluence", "waveplate", "a:b", "waveplate is an unknown key"),
        ("fluence", "fixed_mj_cm2", -1.0, "fixed_mj_cm2 = -1.0 mJ/cm2: must be above 0"),
    ],
)
def test_half_a_device_is_refused(where: str, key: str, value: Any, message: str) -> None:
    content = table()
    content[where][key] = value
    with pytest.raises(ConfigurationError, match=message):
        beamline_from_table(content, "public")
