"""Photon energy of the monochromator, in eV; its PVs are in keV."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.device import do_not_wait_for_lazy_connection
from ophyd.status import DeviceStatus, StatusBase

from devices.absent import class_without
from devices.axes.axis import Axis
from devices.axes.both_moves import BothMoves
from devices.axes.motor_record import MotorFields
from devices.configuration import EnergySettings
from devices.conversions import energy_ev, energy_setpoint_kev
from devices.names import Approach
from devices.numbers import finite_number
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal
from errors import InputError, MotionError, OutOfRangeError

APPROACHES = tuple(approach.value for approach in Approach)
"""Ways in which a long move down ends: it returns from below after an overshoot, or stops at its target."""

CALIBRATION_LIMIT_EV = 20.0
"""Largest plausible calibration offset, eV (chosen).

A fit that gives more has found another feature, or the monochromator has lost its encoder.
"""


class Energy(Axis):
    """Monochromator energy, eV: read-back plus `calibration_offset_ev`.

    `calibration_error_ev`, 0 if not stated, is only recorded with the offset in start documents.
    """

    # After a long move down the drive is off by 0.2 to 0.6 eV (paper, SI 8), until a move up takes the play out. The
    # axis therefore overshoots and returns from below, unless the approach is "direct". `_backlash` is the state that
    # outlives a move: true from the start of a long move down until a move up by the overshoot or more has ended. An
    # interrupted or direct move leaves it true, so the next move repairs it. `_stops` counts calls of `stop`: a stop
    # between overshoot and return must not be followed by the return. `_target_ev` is the target of the whole move,
    # for messages about its first half.

    setpoint = FCpt(LimitedSignal, "{_prefix}{_settings.setpoint}", kind="omitted")
    readback = FCpt(FreshSignalRO, "{_prefix}{_settings.readback}", kind="omitted")
    halt = FCpt(EpicsSignal, "{_prefix}{_settings.stop}", kind="omitted")
    motor = FCpt(MotorFields, "{_prefix}{_settings.motor}", kind="omitted", lazy=True)

    unit = "eV"
    raw_readbacks: ClassVar[tuple[str, ...]] = ("readback",)
    raw_setpoints: ClassVar[tuple[str, ...]] = ("setpoint",)
    raw_is_motor = False

    def __init__(self, settings: EnergySettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        self._approach: str = settings.approach_from
        self._calibration_offset_ev = 0.0
        self._calibration_error_ev = 0.0
        self._target_ev = math.nan
        self._stops = 0
        self._backlash = False
        super().__init__(
            name=name,
            low=settings.low_ev,
            high=settings.high_ev,
            tolerance=settings.tolerance_ev,
            timeout_s=settings.timeout_s,
        )
        # A lazy component, as not every beamline has it. It is made here where there is one, so that it connects with
        # everything else: at its first use ophyd would wait 10 s for it, behind the metadata of all other PVs.
        if settings.motor:
            with do_not_wait_for_lazy_connection(self):
                self.motor  # noqa: B018

    @property
    def motor_fields(self) -> MotorFields | None:
        """Fields of the Bragg motor's record, None if the configuration has none."""
        return self.motor if self._settings.motor else None

    @property
    def approach(self) -> str:
        """Current approach of long moves down: "below" or "direct"."""
        return self._approach

    @property
    def default_approach(self) -> str:
        """Approach that the configuration gives: "below" or "direct"."""
        return self._settings.approach_from

    @property
    def calibration_offset_ev(self) -> float:
        """Offset added to the monochromator's own energy, eV; settable within +-20 eV, raises InputError beyond."""
        return self._calibration_offset_ev

    @calibration_offset_ev.setter
    def calibration_offset_ev(self, offset_ev: float) -> None:
        self.check_calibration(offset_ev)
        self._calibration_offset_ev = float(offset_ev)

    @property
    def calibration_error_ev(self) -> float:
        """Standard error of the calibration offset, eV; 0 if it was not stated. Settable, raises InputError below 0."""
        return self._calibration_error_ev

    @calibration_error_ev.setter
    def calibration_error_ev(self, error_ev: float) -> None:
        if finite_number(error_ev, "calibration_error_ev", "eV") < 0:
            raise InputError(f"calibration_error_ev = {error_ev:g} eV: an error is 0 (not stated) or above.")
        self._calibration_error_ev = float(error_ev)

    def check_calibration(self, offset_ev: float) -> None:
        """Raise InputError unless `offset_ev` is a number within +-20 eV."""
        finite_number(offset_ev, "offset_ev", "eV")
        if abs(offset_ev) > CALIBRATION_LIMIT_EV:
            remedy = "Check the foil scan: the fit found another feature, or the encoder is lost."
            limit = CALIBRATION_LIMIT_EV
            raise OutOfRangeError("energy calibration offset", offset_ev, -limit, limit, "eV", remedy)

    def check_approach(self, approach: str, *, target_ev: float | None = None, highest_ev: float = math.inf) -> None:
        """Raise InputError unless `approach` is known and leaves room for its overshoot.

        Room is needed if the way from `highest_ev` to `target_ev`, both in eV, is a long move down, or if the last long
        move down has not been followed by a move up.
        """
        if approach not in APPROACHES:
            raise InputError(f"approach = {approach!r}: give one of {APPROACHES}.")
        if approach == "direct" or target_ev is None:
            return
        if self._backlash or highest_ev - target_ev > self._settings.long_move_ev:
            self._check_overshoot(target_ev)

    def _check_overshoot(self, target_ev: float) -> None:
        lowest = self.low + self._settings.overshoot_ev
        if target_ev < lowest:
            remedy = (
                f"A long move down overshoots by {self._settings.overshoot_ev:g} eV and returns from below; stay "
                f'above {lowest:g} eV, or move with approach="direct" and accept the backlash.'
            )
            raise OutOfRangeError(f"{self.name} approached from below", target_ev, lowest, self.high, "eV", remedy)

    def configure(self, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set "approach", "calibration_offset_ev" or "calibration_error_ev", eV; return old and new values.

        An offset without an error has none that is known. Raises InputError for an unknown approach, an offset beyond
        +-20 eV, or a negative error.
        """
        old = self._configured(settings)
        if "approach" in settings:
            self.check_approach(settings["approach"])
        if "calibration_offset_ev" in settings:
            self.calibration_offset_ev = settings["calibration_offset_ev"]
            self._calibration_error_ev = 0.0
        if "calibration_error_ev" in settings:
            self.calibration_error_ev = settings["calibration_error_ev"]
        self._approach = settings.get("approach", self._approach)
        return old, self._configured(settings)

    def _configured(self, names: Mapping[str, Any]) -> dict[str, Any]:
        return {name: {"value": getattr(self, name), "timestamp": time.time()} for name in names}

    def set(self, value: float) -> DeviceStatus:
        """Move to `value`, eV; a long move down overshoots and returns from below, unless the approach is "direct".

        The move after a direct or an interrupted long move down does the same. The status fails as that of any axis.
        Raises OutOfRangeError, without moving, if there is no room for the overshoot.
        """
        self.check_value(value)
        start_ev = self.position
        self._target_ev = value
        # Three cases: a long move down leaves backlash, a move up by the overshoot or more takes it out, any other move
        # changes nothing about it.
        down = start_ev - value > self._settings.long_move_ev
        up = value - start_ev >= self._settings.overshoot_ev
        if self._approach == "direct" or up or not (down or self._backlash):
            self._backlash = down or (self._backlash and not up)
            return super().set(value)
        self._check_overshoot(value)
        self._backlash = True
        return self._set_from_below(value)

    def _set_from_below(self, value: float) -> StatusBase:
        # The number of stops shows whether there was one between the two moves; then the second must not follow.
        stops = self._stops
        both = BothMoves(f"{self.name} to {value:.10g} eV from below")

        def come_back(first: StatusBase) -> None:
            error = first.exception(timeout=0)
            if error is None and self._stops != stops:
                error = MotionError(f"{self.name} was stopped on its way to {value:.10g} eV. Repeat the move.")
            if error is not None:
                both.fail(error)
                return
            try:
                # Zero-argument super() does not work in this nested function.
                both.follow(super(Energy, self).set(value), self._seated)
            except Exception as refused:  # noqa: BLE001  # a callback swallows it, and the status would never end
                both.fail(refused)

        super().set(value - self._settings.overshoot_ev).add_callback(come_back)
        return both

    def _seated(self) -> None:
        self._backlash = False

    def _missed(self, value: float, reached: float) -> str:
        text = super()._missed(self._target_ev, reached)
        return (
            text
            if value == self._target_ev
            else f"{text} The move overshoots to {value:.10g} eV, to arrive from below."
        )

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the energy setpoint, keV."""
        return {"setpoint": energy_setpoint_kev(value, self._calibration_offset_ev)}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the energy (eV) from the read-back (keV)."""
        return energy_ev(float(raw["readback"]), self._calibration_offset_ev)

    def stop(self, *, success: bool = False) -> None:
        """Stop the Bragg motor where it is; does nothing if the record does not answer."""
        self._stops += 1
        if self.halt is not None and self.halt.connected:
            self.halt.put(1)


class NoEnergy(Energy):
    """Stand-in for the energy of an endstation without monochromator."""

    setpoint = None
    readback = None
    halt = None
    motor = None
    raw_readbacks = ()
    raw_setpoints = ()
    is_there = False

    def check_value(self, value: float) -> None:
        """Raise InputError for any value, eV: there is nothing to move."""
        raise InputError(f"{self.name} = {value:g} eV: this endstation has no monochromator. Leave the energy out.")


def energy_axis(settings: EnergySettings, prefix: str) -> Energy:
    """Return the axis of the monochromator's energy, eV; it cannot be stopped if the beamline has no PV for that."""
    if not settings.is_there:
        return NoEnergy(settings, prefix=prefix, name="energy")
    return class_without(Energy, () if settings.stop else ("halt",))(settings, prefix=prefix, name="energy")
