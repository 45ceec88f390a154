"""Tables of further axes, `[axes.NAME]`: a motor record, a setpoint with a read-back, or any class by its path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.axis_class import AxisClass, axis_class, readback_suffix
from devices.configuration.fields import DAY_S, SETTINGS, Fault, OptionalPv, ascending, quantity, text
from errors import InputError


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class RecordAxisSettings:
    """A further axis: a motor record, a setpoint with a read-back, or the device of a class.

    NAME is the name of the axis at the prompt and of its field in events. Limits and tolerance are in `unit`; the PVs
    change by `scale` per unit. With `approach_by` every position is reached upwards, which takes out backlash. The
    class is an ophyd motor or positioner, or derived from `devices.axes.axis.Axis`; `ophyd.PVPositioner` itself takes
    its PVs from `setpoint`, `readback`, `done` and `stop`.
    """

    class_path: Annotated[str, text("module and class of the device, such as ophyd.EpicsMotor")] = ""
    pv: Annotated[OptionalPv, text("prefix of the PVs of the class; only with class_path")] = ""
    motor: Annotated[OptionalPv, text("motor record; or give setpoint and readback")] = ""
    setpoint: Annotated[OptionalPv, text("PV that is written, whose put completes when the motion ends")] = ""
    readback: Annotated[OptionalPv, text("PV with the actual position")] = ""
    stop: Annotated[OptionalPv, text("PV that stops the motion when 1 is written; empty: it cannot be stopped")] = ""
    done: Annotated[OptionalPv, text("PV that is 1 when the motion has ended; only for ophyd.PVPositioner")] = ""
    unit: Annotated[str, text("unit of the position and of its PVs, such as mm or T")]
    low: Annotated[float, quantity("lowest position, in the unit of the axis")]
    high: Annotated[float, quantity("highest position, in the unit of the axis")]
    tolerance: Annotated[float, quantity("accepted distance from the target, in the unit of the axis", above=0.0)]
    timeout_s: Annotated[float, quantity("longest move", "s", above=0.0, high=DAY_S)] = 120.0
    settle_s: Annotated[float, quantity("time to wait after a move", "s", low=0.0, high=3600.0)] = 0.0
    scale: Annotated[float, quantity("change of the PVs per unit of the axis", above=0.0)] = 1.0
    relative_tolerance: Annotated[
        float, quantity("accepted distance as a fraction of the target, if that is larger", low=0.0, below=1.0)
    ] = 0.0
    approach_by: Annotated[
        float, quantity("overshoot of a move down before it returns, in the unit of the axis", low=0.0)
    ] = 0.0

    @property
    def motion(self) -> dict[str, float]:
        """Limits, tolerance and time-out of every move, as an `Axis` takes them: unit of the axis, and s."""
        return {"low": self.low, "high": self.high, "tolerance": self.tolerance, "timeout_s": self.timeout_s}

    @property
    def pvs(self) -> tuple[str, str, str]:
        """Names of setpoint, read-back and stop, in this order; those of a motor record follow from its name."""
        if self.motor:
            return self.motor, f"{self.motor}.RBV", f"{self.motor}.STOP"
        return self.setpoint, self.readback, self.stop

    @property
    def readback_pv(self) -> str:
        """PV that shows the position, without the prefix; empty if only the class of the axis knows it."""
        if self.readback or not self.class_path:
            return self.pvs[1]
        suffix = readback_suffix(self.class_path)
        return "" if suffix is None else f"{self.pv}{suffix}"

    def faults(self, table: str = "axes") -> Iterable[Fault]:
        """Yield a fault for all keys of the table named `table` that contradict each other."""
        yield from ascending(table, "low", self.low, "high", self.high, self.unit)
        if not self.unit.strip():
            yield Fault(table=table, key="unit", message="is empty. Give the unit of the position, such as mm or T.")
        yield from self._faults_of_class(table) if self.class_path else self._faults_of_records(table)
        if self.high > self.low and self.tolerance >= self.high - self.low:
            yield Fault(
                table=table,
                key="tolerance",
                message=f"= {self.tolerance:g} {self.unit}: must be smaller than the whole range of "
                f"{self.high - self.low:g} {self.unit}. Lower it.",
            )

    def _faults_of_records(self, table: str) -> Iterable[Fault]:
        given = bool(self.setpoint), bool(self.readback)
        if self.motor and (any(given) or self.stop):
            yield Fault(
                table=table,
                key="motor",
                message=f"= {self.motor!r}: setpoint, readback and stop follow from it. Remove them, or motor.",
            )
        elif not self.motor and not all(given):
            message = "is missing. Give motor, or setpoint and readback, or class_path."
            yield Fault(table=table, key="motor", message=message)
        yield from self._unused(table, ("pv", "done"), "is only used with class_path. Add that, or remove this.")

    def _faults_of_class(self, table: str) -> Iterable[Fault]:
        try:
            kind = axis_class(self.class_path).kind
        except InputError as error:
            yield Fault(table=table, key="class_path", message=str(error))
            return
        if kind is AxisClass.OWN:
            return  # it reads from the table what it needs
        if kind is AxisClass.WITHOUT_PVS:
            yield from self._faults_of_positioner(table)
            return
        if not self.pv:
            yield Fault(table=table, key="pv", message=f"is missing. Give the prefix of the PVs of {self.class_path}.")
        remedy = f"is not used: {self.class_path} names its own PVs, which begin with pv. Remove it."
        yield from self._unused(table, ("motor", "setpoint", "readback", "stop", "done"), remedy)

    def _faults_of_positioner(self, table: str) -> Iterable[Fault]:
        """Yield a fault for each missing key that `ophyd.PVPositioner`, or its variant with put completion, needs."""
        needed = ("setpoint", "readback") if "PC" in self.class_path else ("setpoint", "readback", "done")
        for key in needed:
            if not getattr(self, key):
                yield Fault(table=table, key=key, message=f"is missing: {self.class_path} needs it. Give the PV.")
        others = tuple(key for key in ("pv", "motor", "done") if key not in needed)
        yield from self._unused(table, others, f"is not used by {self.class_path}. Remove it.")

    def _unused(self, table: str, keys: Iterable[str], message: str) -> Iterable[Fault]:
        for key in keys:
            if value := getattr(self, key):
                yield Fault(table=table, key=key, message=f"= {value!r}: {message}")
