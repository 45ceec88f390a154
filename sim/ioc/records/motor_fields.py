"""Fields of the EPICS motor record: those that act when written, their units, and the status bits."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from caproto.server.server import PvpropertyDouble

from sim.ioc.records.fields import preset
from sim.ioc.records.mechanics import UNITS_LENGTH

ACTING_FIELDS = (
    "DVAL", "RVAL", "RLV", "STOP", "SPMG", "TWF", "TWR", "JOGF", "JOGR", "HOMF", "HOMR", "SYNC", "HLM", "LLM",
    "DHLM", "DLLM", "DIR", "OFF", "VELO", "BVEL", "JVEL", "HVEL", "JAR", "VMAX", "VBAS", "ACCL", "BACC", "BDST",
    "PREC", "EGU", "MRES", "ERES", "UREV", "SREV",
)  # fmt: skip
"""Fields on whose write the record acts; all others only store the value."""

POSITION_FIELDS = ("DVAL", "RBV", "DRBV", "RLV", "HLM", "LLM", "DHLM", "DLLM", "OFF", "BDST", "TWV", "RDBD", "MRES",
                   "ERES", "DIFF", "SPDB")  # fmt: skip
VELOCITY_FIELDS = ("VELO", "BVEL", "JVEL", "HVEL", "VMAX", "VBAS")
TIME_FIELDS = ("ACCL", "BACC", "DLY")


class Status(IntFlag):
    """Bits of MSTA that a simulated axis has (motor record manual, section "Status and Readback Fields")."""

    DIRECTION = 0x1
    DONE = 0x2
    SLIP_STALL = 0x40
    PROBLEM = 0x200
    MOVING = 0x400


class Drive(PvpropertyDouble):
    """The field VAL; its control limits show the soft limits, and the record decides whether a value is accepted."""

    async def verify_value(self, value: float) -> Any:
        """Pass `value`, in user units, to the record without the limit check of caproto, which would not set LVIO."""
        return await self.putter(self, value)


async def write_drive(group: Any, _instance: Any, value: float) -> Any:
    """Pass a write of a client to VAL, in user units, to its motor group; raises what the record raises."""
    return await group.write_field("VAL", value)


def limit_metadata(low: float, high: float) -> dict[str, float]:
    """Return the control and display limits that clients see, in user units, by caproto's names."""
    return {"lower_ctrl_limit": low, "upper_ctrl_limit": high, "lower_disp_limit": low, "upper_disp_limit": high}


def preset_units(record: Any, egu: str, precision: int) -> None:
    """Set units and precision of the fields of a motor record: positions in `egu`, speeds per second, times in s."""
    preset(record, units=egu, precision=precision)
    preset(record.fields["EGU"], value=egu)
    preset(record.fields["PREC"], value=precision)
    for name in POSITION_FIELDS:
        preset(record.fields[name], units=egu, precision=precision)
    for name in VELOCITY_FIELDS:
        preset(record.fields[name], units=f"{egu}/s"[:UNITS_LENGTH], precision=precision)
    for name in TIME_FIELDS:
        preset(record.fields[name], units="s", precision=3)
