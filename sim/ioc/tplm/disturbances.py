"""Disturbances of the microscope, switched by PVs that exist in the simulation only.

Each has a value at which it does nothing, and acts from the moment at which it is written until that is written again.
"""

from __future__ import annotations

from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty


def _number(name: str, units: str, high: float, doc: str, value: float = 0.0) -> Any:
    return pvproperty(
        name=f"tplm:sim:{name}", value=value, dtype=float, units=units, precision=3, lower_ctrl_limit=0.0,
        upper_ctrl_limit=high, doc=f"Simulation only: {doc}",
    )  # fmt: skip


class Disturbances(PVGroup):
    """Switches of the disturbances; the microscope reads them."""

    power_share = _number("PowerShare", "", 2.0, "laser power as a share of the set value", value=1.0)
    ambient_hz = _number("AmbientHz", "Hz", 1e6, "light in the room at the detector")
    vibration_nm = _number("VibrationNm", "nm", 1000.0, "vibration of the sample, rms")
    flood_hz = _number("FloodHz", "Hz", 1e7, "light of the laser itself at the detector")
    backlash_um = _number("BacklashUm", "um", 500.0, "detector stage beside its encoder along x")
    spot_jump_nm = _number("SpotJumpNm", "nm", 5000.0, "image beside its place along x, on the sample's scale")
    afterpulse_share = _number("AfterpulseShare", "", 0.5, "afterpulses of the detector per photon")
    emission_off = pvproperty(
        name="tplm:sim:EmissionOff", value="No", dtype=ChannelType.ENUM, enum_strings=["No", "Yes"],
        doc="Simulation only: laser off by its interlock",
    )  # fmt: skip
    frame_stale = pvproperty(
        name="tplm:sim:FrameStale", value="No", dtype=ChannelType.ENUM, enum_strings=["No", "Yes"],
        doc="Simulation only: frames of the point before",
    )  # fmt: skip
    stage_stalled = pvproperty(
        name="tplm:sim:StageStalled", value="No", dtype=ChannelType.ENUM, enum_strings=["No", "Yes"],
        doc="Simulation only: detector stage is blocked",
    )  # fmt: skip
