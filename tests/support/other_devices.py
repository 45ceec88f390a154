"""Devices as somebody else may write them, for a list of detectors that names classes."""

from __future__ import annotations

from typing import Any

from ophyd import Component as Cpt
from ophyd import Device, Signal
from ophyd.status import Status


class Camera(Device):
    """Two signals, one of them an array; `broken` makes reading fail, `status` is what a trigger returns."""

    total = Cpt(Signal, value=7.0, kind="hinted")
    profile = Cpt(Signal, value=[1.0, 2.0], kind="normal")
    label = Cpt(Signal, value="dark", kind="omitted")
    broken = False
    status: Any = None

    def read(self) -> Any:
        if self.broken:
            raise RuntimeError("the camera is off")
        return super().read()

    def describe(self) -> Any:
        if self.broken:
            raise RuntimeError("the camera is off")
        return super().describe()

    def trigger(self) -> Any:
        if self.broken:
            raise RuntimeError("the camera is off")
        if self.status is not None:
            return self.status
        done = Status()
        done.set_finished()
        return done
