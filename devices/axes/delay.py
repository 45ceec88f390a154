"""The one signed delay axis: pump to probe 0 in ps, positive when the X-rays come after the laser."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from ophyd import FormattedComponent as FCpt

from devices.axes.axis import Axis
from devices.configuration import DelaySettings
from devices.conversions import PS_PER_S, delay_ps
from devices.instrument_response import InstrumentResponse
from devices.numbers import finite_number
from devices.signals.connection import one_server
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal, read_together
from errors import InputError


def split_raw_delay(raw_ps: float, settings: DelaySettings) -> tuple[float, float]:
    """Return a raw delay, ps, divided into coarse and fine delay, both in ps.

    The coarse delay moves in whole steps; the fine delay takes the rest and stays within one step above `fine_low_ps`.
    """
    # raw = coarse_sign x coarse + fine_sign x fine. The fine delay must not leave fine_low .. fine_low + step: below
    # 2560 ps the real phase shifter jumped by 40 ps. With fine_sign = 1 the number of steps is the floor of
    # (raw - fine_low) / step. With fine_sign = -1 a larger fine delay makes the raw delay smaller, so the quotient is
    # mirrored, floored and mirrored back. The rest then lies in the same window for either sign.
    fine_at_low = settings.fine_sign * settings.fine_low_ps
    steps = math.floor((raw_ps - fine_at_low) / settings.coarse_step_ps * settings.fine_sign) * settings.fine_sign
    coarse_ps = steps * settings.coarse_step_ps
    return settings.coarse_sign * coarse_ps, settings.fine_sign * (raw_ps - coarse_ps)


HELD = ("coarse", "fine")
"""Raw delays that can be held still, for testing one against the other."""


class Delay(Axis):
    """Laser delay over delay generator, phase shifter and time zero, ps.

    `split_raw_delay` divides every move between both raw delays, unless `configure` holds one of them. `response`
    is the width of the instrument response, ps, configured or measured.
    """

    coarse_setpoint = FCpt(LimitedSignal, "{_prefix}{_settings.coarse_setpoint}", kind="omitted")
    coarse_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.coarse_readback}", kind="omitted")
    fine_setpoint = FCpt(LimitedSignal, "{_prefix}{_settings.fine_setpoint}", kind="omitted")
    fine_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.fine_readback}", kind="omitted")

    unit = "ps"
    raw_readbacks: ClassVar[tuple[str, ...]] = ("coarse_readback", "fine_readback")
    raw_setpoints: ClassVar[tuple[str, ...]] = ("coarse_setpoint", "fine_setpoint")

    def __init__(self, settings: DelaySettings, response: InstrumentResponse, *, prefix: str, name: str) -> None:
        self.response = response
        self._settings = settings
        self._prefix = prefix
        self._time_zero_raw_ps = settings.time_zero_raw_ps
        self._held: dict[str, float] = {}
        super().__init__(
            name=name,
            low=settings.low_ps,
            high=settings.high_ps,
            tolerance=settings.tolerance_ps,
            timeout_s=settings.timeout_s,
        )

    @property
    def moves_during_read_out(self) -> bool:
        """Whether one server holds all PVs of the axis: it then answers the read-out before it moves.

        The delay is electronic: it disturbs neither the counts, which are latched, nor any other axis or condition.
        """
        names = (*self.raw_readbacks, *self.raw_setpoints)
        return one_server([getattr(self, name) for name in names])

    @property
    def time_zero_raw_ps(self) -> float:
        """Raw delay at which laser and X-rays coincide, ps; settable if both ends of the axis remain within reach."""
        return self._time_zero_raw_ps

    @time_zero_raw_ps.setter
    def time_zero_raw_ps(self, raw_ps: float) -> None:
        # A new time zero shifts the whole axis on the raw delays. It is refused if an end of the axis would leave the
        # range of the generators, as otherwise a scan would fail at its last point.
        self.check_time_zero(raw_ps)
        self._time_zero_raw_ps = float(raw_ps)

    def check_time_zero(self, raw_ps: float) -> None:
        """Raise InputError unless `raw_ps` is a number that keeps both ends of the axis within the records' limits."""
        finite_number(raw_ps, "time zero", "ps of raw delay")
        if all(getattr(self, name).connected for name in self.raw_setpoints):
            for end in self.limits:
                self._check_records(self._raw_setpoints(*self._split_raw(end + raw_ps)))

    def _split_raw(self, raw_ps: float) -> tuple[float, float]:
        return split_raw_delay(raw_ps, self._settings)

    def split(self, value: float) -> tuple[float, float]:
        """Return the raw coarse and fine delay, both in ps, for the position `value`, ps, with neither held."""
        return self._split_raw(value + self.time_zero_raw_ps)

    def configure(self, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set "time_zero_raw_ps" or "response", or hold one raw delay: "held" is {"coarse": ps} or {"fine": ps}.

        The other delay then makes every move; "held": {} releases both. Return old and new values as bluesky expects.
        Raises InputError for more than one held delay or an unknown name.
        """
        old = self._configured(settings)
        held = dict(settings.get("held", self._held))
        if len(held) > 1 or not set(held) <= set(HELD):
            raise InputError(f"held = {held}: hold one of {HELD} at a raw delay in ps, or none.")
        if "time_zero_raw_ps" in settings:
            self.time_zero_raw_ps = settings["time_zero_raw_ps"]
        self.response = settings.get("response", self.response)
        self._held = held
        return old, self._configured(settings)

    def _configured(self, names: Mapping[str, Any]) -> dict[str, Any]:
        values = {
            "time_zero_raw_ps": self._time_zero_raw_ps,
            "response": asdict(self.response),
            "held": dict(self._held),
        }
        return {name: {"value": values[name], "timestamp": time.time()} for name in names}

    def raw_targets(self, value: float) -> dict[str, float]:
        """Return the coarse setpoint (s) and the fine setpoint (ps)."""
        raw_ps = value + self.time_zero_raw_ps
        if "coarse" in self._held:
            coarse_ps = self._held["coarse"]
            fine_ps = self._settings.fine_sign * (raw_ps - self._settings.coarse_sign * coarse_ps)
        elif "fine" in self._held:
            fine_ps = self._held["fine"]
            coarse_ps = self._settings.coarse_sign * (raw_ps - self._settings.fine_sign * fine_ps)
        else:
            coarse_ps, fine_ps = self._split_raw(raw_ps)
        return self._raw_setpoints(coarse_ps, fine_ps)

    def _raw_setpoints(self, coarse_ps: float, fine_ps: float) -> dict[str, float]:
        return {"coarse_setpoint": coarse_ps / PS_PER_S, "fine_setpoint": fine_ps}

    def value_from_raw(self, raw: Mapping[str, float]) -> float:
        """Return the signed delay, ps, from both raw read-backs."""
        return delay_ps(
            float(raw["coarse_readback"]),
            float(raw["fine_readback"]),
            coarse_sign=self._settings.coarse_sign,
            fine_sign=self._settings.fine_sign,
            time_zero_raw_ps=self.time_zero_raw_ps,
        )

    def stop(self, *, success: bool = False) -> None:
        """Do nothing: an electronic delay has no motion to stop."""


class CoarseDelay(Delay):
    """Laser delay of a beamline whose phase shifter is only read: the delay generator makes every move.

    The fine delay stays where it was set by hand, and is included in the position.
    """

    fine_setpoint = None
    raw_setpoints = ("coarse_setpoint",)

    def configure(self, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set "time_zero_raw_ps" or "response", ps, as `Delay` does; raises InputError for a held delay."""
        if settings.get("held"):
            raise InputError(
                f"held = {settings['held']}: {self.fine_readback.pvname} is read-only here, so no raw delay can be "
                "held. Give fine_setpoint in [delay], or leave out the self-test."
            )
        return super().configure(settings)

    def _split_raw(self, raw_ps: float) -> tuple[float, float]:
        # Requested and not monitored: the phase shifter may have been turned by hand since.
        fine_ps = float(read_together({"fine": self.fine_readback})["fine"])
        return self._settings.coarse_sign * (raw_ps - self._settings.fine_sign * fine_ps), fine_ps

    def _raw_setpoints(self, coarse_ps: float, fine_ps: float) -> dict[str, float]:
        del fine_ps
        return {"coarse_setpoint": coarse_ps / PS_PER_S}


class NoDelay(Delay):
    """Stand-in for the delay of an endstation without pump and probe."""

    coarse_setpoint = None
    coarse_readback = None
    fine_setpoint = None
    fine_readback = None
    raw_readbacks = ()
    raw_setpoints = ()
    is_there = False

    def check_value(self, value: float) -> None:
        """Raise InputError for any value, ps: there is nothing to move."""
        raise InputError(f"{self.name} = {value:g} ps: this endstation has no laser delay. Leave the delay out.")


def delay_axis(settings: DelaySettings, response: InstrumentResponse, prefix: str) -> Delay:
    """Return the delay axis, ps: over both raw delays, or over the coarse one alone."""
    if not settings.is_there:
        return NoDelay(settings, response, prefix=prefix, name="delay")
    kind = Delay if settings.fine_setpoint else CoarseDelay
    return kind(settings, response, prefix=prefix, name="delay")
