"""The state of every PV: alive, disconnected, or out of range."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ophyd.signal import EpicsSignalBase

from devices.beamline import Beamline
from errors import NotConnectedError, TrxasError


class PvState(StrEnum):
    """State of one PV."""

    ALIVE = "alive"
    DISCONNECTED = "disconnected"
    OUT_OF_RANGE = "out of range"


@dataclass(frozen=True, kw_only=True)
class PvHealth:
    """One PV: its name, its state, its value, and its problem."""

    pv: str
    state: PvState
    value: str
    remark: str = ""


def diagnose(beamline: Beamline) -> list[PvHealth]:
    """Return the state of every PV of the beamline, one per PV, sorted by name; values are requested from the servers.

    Out of range: an alarm severity above MINOR, an axis beyond its configured limits, or a condition that would mark
    every point as bad. Raises nothing: a PV that does not answer within 2 s is reported as disconnected.
    """
    remarks = _remarks(beamline)
    signals = {signal.pvname: signal for signal in beamline.signals()}
    return [_health(name, signals[name], remarks.get(name, "")) for name in sorted(signals)]


def _health(name: str, signal: EpicsSignalBase, remark: str) -> PvHealth:
    # Three findings in the order of their weight: no connection, a connection without an answer (the IOC hangs), and an
    # answer that is out of range. A remark of the axis or the condition is more telling than the record's own alarm.
    if not signal.connected:
        return PvHealth(
            pv=name,
            state=PvState.DISCONNECTED,
            value="",
            remark="does not answer; check its IOC and EPICS_CA_ADDR_LIST",
        )
    try:
        value = signal.get(use_monitor=False, timeout=2.0)
    except TimeoutError:
        return PvHealth(
            pv=name, state=PvState.DISCONNECTED, value="", remark="connected, but did not answer a read within 2 s"
        )
    # MINOR is a warning of the record's own; its value is still good.
    if signal.alarm_severity is not None and int(signal.alarm_severity) > 1 and not remark:
        remark = f"alarm: {signal.alarm_status!s}"
    return PvHealth(
        pv=name, state=PvState.OUT_OF_RANGE if remark else PvState.ALIVE, value=_short(value, signal), remark=remark
    )


def _short(value: Any, signal: EpicsSignalBase) -> str:
    names = signal.metadata.get("enum_strs") or ()
    if names:
        return str(names[int(value)])
    if hasattr(value, "__len__") and not isinstance(value, str):
        return f"array of {len(value)}"
    return f"{value} {signal.metadata.get('units') or ''}".strip()


def _remarks(beamline: Beamline) -> dict[str, str]:
    remarks: dict[str, str] = {}
    for axis in beamline.axes.values():
        signals = list(axis.fresh_signals().values())
        if all(signal.connected for signal in signals):
            remarks |= _axis_remarks(axis, [signal.pvname for signal in signals])
    return remarks | _condition_remarks(beamline)


def _axis_remarks(axis: Any, pvs: list[str]) -> dict[str, str]:
    try:
        position = axis.position
    except TrxasError as error:
        return dict.fromkeys(pvs, str(error))
    if axis.low <= position <= axis.high:
        return {}
    text = f"{axis.name} = {position:.8g} {axis.unit}, limits {axis.low:g} to {axis.high:g} {axis.unit}"
    return dict.fromkeys(pvs, text)


def _condition_remarks(beamline: Beamline) -> dict[str, str]:
    try:
        return beamline.point.conditions.remarks()
    except NotConnectedError:
        return {}  # each PV is read by itself
