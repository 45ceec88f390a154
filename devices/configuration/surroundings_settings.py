"""Tables of the surroundings of an exposure: laser, ring, X-ray shutter, jet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, OptionalPv, Pv, quantity, whole_number


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class LaserSettings:
    """Laser status and shutter; the divider is the number of X-ray pulses, or of revolutions, per pump pulse."""

    rate_divider: Pv
    repetition_rate: Pv
    lock: Pv
    shutter: Pv
    shutter_readback: Pv
    power: Pv
    required_divider: Annotated[int, whole_number("X-ray pulses per pump pulse", low=1, high=1000)] = 5
    shutter_timeout_s: Annotated[float, quantity("longest stroke of the shutter", "s", above=0.0, high=600.0)] = 10.0

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SurroundingsSettings:
    """Ring current (mA), X-ray shutter, jet flow (ml/min) and sample temperature (C).

    `injecting`, 1 while the ring is filled, and `xray_permit`, 1 when the X-ray shutter may be opened, may be empty.
    """

    ring_current: Pv
    xray_shutter: Pv
    xray_shutter_readback: Pv
    jet_flow: Pv
    jet_temperature: Pv
    ring_current_low_ma: Annotated[
        float, quantity("ring current below which a point is bad", "mA", low=0.0, high=10_000.0)
    ] = 10.0
    jet_flow_low_ml_min: Annotated[
        float, quantity("jet flow below which a point is bad", "ml/min", low=0.0, high=1e5)
    ] = 100.0
    injecting: OptionalPv = ""
    xray_permit: OptionalPv = ""

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()
