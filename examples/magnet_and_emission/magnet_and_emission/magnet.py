"""The magnet: a power supply with a setpoint whose put completes when the ramp has ended."""

from __future__ import annotations

from ophyd import Component, EpicsSignal, EpicsSignalRO, PVPositionerPC


class Magnet(PVPositionerPC):
    """Field of the magnet, T; limits, tolerance and settling come from its table `[axes.field_t]`."""

    setpoint = Component(EpicsSignal, "Field")
    readback = Component(EpicsSignalRO, "FieldRBV")
    stop_signal = Component(EpicsSignal, "Stop")
