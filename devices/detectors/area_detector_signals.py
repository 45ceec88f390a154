"""Signals of an areaDetector: values with a time-out, and signals that are not connected yet."""

from __future__ import annotations

from typing import Any

from ophyd import Device
from ophyd.device import do_not_wait_for_lazy_connection
from ophyd.signal import EpicsSignal, EpicsSignalBase

from errors import NotConnectedError

ANSWER_TIMEOUT_S = 10.0
"""Longest time in which the IOC answers anything but an exposure, s."""


def fresh_value(signal: EpicsSignalBase) -> Any:
    """Return a value requested from the server, not from a monitor; raises NotConnectedError if unanswered."""
    try:
        return signal.get(use_monitor=False, timeout=ANSWER_TIMEOUT_S)
    except TimeoutError as error:
        raise NotConnectedError([signal.pvname], ANSWER_TIMEOUT_S) from error


def fresh_setpoint(signal: EpicsSignal) -> Any:
    """Return what was written last, requested from the server; raises NotConnectedError if unanswered."""
    try:
        return signal.get_setpoint(use_monitor=False, timeout=ANSWER_TIMEOUT_S)
    except TimeoutError as error:
        raise NotConnectedError([signal.setpoint_pvname], ANSWER_TIMEOUT_S) from error


def unconnected(device: Device, name: str) -> EpicsSignalBase:
    """Return a signal of `device` by its dotted attribute name, without waiting for its connection."""
    # ophyd connects a lazy component at its first use, and waits for it. A Pilatus has 40 such signals; waiting for one
    # after the other would take the sum of their times instead of the longest.
    for part in name.split("."):
        with do_not_wait_for_lazy_connection(device):
            device = getattr(device, part)
    return device
