"""Tables of the surroundings of an exposure: laser, ring, X-ray shutter, jet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, OptionalPv, quantity, whole_number


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class LaserSettings:
    """Laser status and shutter; the divider is the number of X-ray pulses, or of revolutions, per pump pulse.

    PVs that a beamline does not serve are empty and not watched; without a shutter the laser is always on.
    """

    rate_divider: OptionalPv
    repetition_rate: OptionalPv
    lock: OptionalPv
    shutter: OptionalPv
    shutter_readback: OptionalPv
    power: OptionalPv
    required_divider: Annotated[int, whole_number("X-ray pulses per pump pulse", low=1, high=1000)] = 5
    shutter_timeout_s: Annotated[float, quantity("time-out of a motion of the shutter", "s", above=0.0, high=600.0)] = (
        10.0
    )

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for a shutter without a read-back, or a read-back without a shutter."""
        yield from both_or_neither("laser", "shutter", self.shutter, "shutter_readback", self.shutter_readback)


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SurroundingsSettings:
    """Ring current (mA), X-ray shutter, jet flow (ml/min) and sample temperature (C).

    PVs that a beamline does not serve are empty and not watched; without a shutter the X-rays are always on.
    `injecting` is 1 while the ring is filled, and `xray_permit` is 1 when the X-ray shutter may be opened.
    `rf_frequency` is that of the ring, in Hz, kHz, MHz or GHz by the unit of its record: the bunch period follows from
    it and the buckets of the ring.
    """

    ring_current: OptionalPv
    xray_shutter: OptionalPv
    xray_shutter_readback: OptionalPv
    jet_flow: OptionalPv
    jet_temperature: OptionalPv
    ring_current_low_ma: Annotated[
        float, quantity("ring current below which a point is bad", "mA", low=0.0, high=10_000.0)
    ] = 10.0
    jet_flow_low_ml_min: Annotated[
        float, quantity("jet flow below which a point is bad", "ml/min", low=0.0, high=1e5)
    ] = 100.0
    injecting: OptionalPv = ""
    rf_frequency: OptionalPv = ""
    xray_permit: OptionalPv = ""

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for a shutter without a read-back, or a read-back without a shutter."""
        yield from both_or_neither(
            "surroundings", "xray_shutter", self.xray_shutter, "xray_shutter_readback", self.xray_shutter_readback
        )


def both_or_neither(table: str, first: str, first_pv: str, second: str, second_pv: str) -> Iterable[Fault]:
    """Yield a fault if one of two PVs is empty and the other is not."""
    if bool(first_pv) != bool(second_pv):
        given, missing = (first, second) if first_pv else (second, first)
        yield Fault(table=table, key=missing, message=f"is empty, but {given} is given. Give both or neither.")
