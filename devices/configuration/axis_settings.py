"""Tables of the positioners: PVs, limits, tolerances and conversions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import (
    DAY_S,
    SETTINGS,
    Fault,
    OptionalPv,
    Pv,
    ascending,
    needed_pvs,
    quantity,
    whole_number,
)
from devices.conversions import waveplate_angle_deg
from devices.names import Approach


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class EnergySettings:
    """Monochromator; PVs in keV, limits and tolerance in eV.

    `stop` may be empty: then a move cannot be stopped. `motor`: the Bragg motor's record, whose mode and calibration
    are watched; empty if there is none.
    After a long move down the drive is off by 0.2 to 0.6 eV (paper, SI 8). With `approach_from` "below", a move down by
    more than `long_move_ev` therefore goes `overshoot_ev` too far and returns; with "direct" it stops at its target.
    `d_spacing_angstrom` of the crystals is recorded with every run and exported, 0 if it is not known; nothing is
    computed from it.
    """

    setpoint: OptionalPv
    readback: OptionalPv
    stop: OptionalPv
    motor: OptionalPv = ""
    d_spacing_angstrom: Annotated[
        float, quantity("lattice spacing of the crystals, 0 if not known", "Angstrom", low=0.0, high=50.0)
    ] = 0.0
    low_ev: Annotated[float, quantity("lowest energy", "eV", low=1000.0, high=200_000.0)]
    high_ev: Annotated[float, quantity("highest energy", "eV", low=1000.0, high=200_000.0)]
    tolerance_ev: Annotated[float, quantity("accepted distance from the target", "eV", above=0.0, high=10.0)] = 0.05
    timeout_s: Annotated[float, quantity("longest move", "s", above=0.0, high=DAY_S)] = 120.0
    approach_from: Approach = Approach.BELOW
    long_move_ev: Annotated[
        float, quantity("a move down by more than this is a long move", "eV", above=0.0, high=10_000.0)
    ] = 200.0
    overshoot_ev: Annotated[
        float, quantity("overshoot of a long move down below its target", "eV", above=0.0, high=1000.0)
    ] = 60.0

    @property
    def is_there(self) -> bool:
        """Whether there is a monochromator: not so for an endstation without the table."""
        return bool(self.setpoint)

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        yield from needed_pvs("energy", self, ("setpoint", "readback"))
        yield from ascending("energy", "low_ev", self.low_ev, "high_ev", self.high_ev, "eV")
        if self.overshoot_ev > self.long_move_ev:
            yield Fault(
                table="energy",
                key="overshoot_ev",
                message=f"= {self.overshoot_ev:g} eV: must not exceed long_move_ev = {self.long_move_ev:g} eV, or the "
                "return would be a long move itself. Lower it.",
            )
        elif self.overshoot_ev >= self.high_ev - self.low_ev > 0:
            yield Fault(
                table="energy",
                key="overshoot_ev",
                message=f"= {self.overshoot_ev:g} eV: must be smaller than the whole range of "
                f"{self.high_ev - self.low_ev:g} eV. Lower it.",
            )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class DelaySettings:
    """Coarse (seconds) and fine (picoseconds) laser delay.

    delay_ps = coarse_sign x coarse + fine_sign x fine - time_zero_raw_ps. The fine axis stays between `fine_low_ps` and
    `fine_low_ps + coarse_step_ps`: below 2560 ps the real one has jumped by 40 ps. With an empty `fine_setpoint` the
    fine delay stays where it is and counts, and the coarse one makes every move.
    """

    coarse_setpoint: OptionalPv
    coarse_readback: OptionalPv
    fine_setpoint: OptionalPv
    fine_readback: OptionalPv
    time_zero_raw_ps: Annotated[float, quantity("raw delay at which laser and X-rays coincide", "ps")]
    low_ps: Annotated[float, quantity("earliest delay", "ps", low=-1e9, high=1e9)]
    high_ps: Annotated[float, quantity("latest delay", "ps", low=-1e9, high=1e9)]
    coarse_sign: Annotated[int, whole_number("1 or -1", low=-1, high=1)] = 1
    fine_sign: Annotated[int, whole_number("1 or -1", low=-1, high=1)] = 1
    coarse_step_ps: Annotated[float, quantity("step of the coarse delay", "ps", above=0.0, high=1e6)] = 1000.0
    fine_low_ps: Annotated[float, quantity("lowest fine delay", "ps", low=-1e6, high=1e6)] = 3000.0
    tolerance_ps: Annotated[float, quantity("accepted distance from the target", "ps", above=0.0, high=1000.0)] = 2.0
    timeout_s: Annotated[float, quantity("longest move", "s", above=0.0, high=DAY_S)] = 20.0

    @property
    def is_there(self) -> bool:
        """Whether there is a laser delay: not so for an endstation without the table."""
        return bool(self.coarse_setpoint)

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        yield from needed_pvs("delay", self, ("coarse_setpoint", "coarse_readback", "fine_readback"))
        yield from ascending("delay", "low_ps", self.low_ps, "high_ps", self.high_ps, "ps")
        for key in ("coarse_sign", "fine_sign"):
            if getattr(self, key) == 0:
                yield Fault(table="delay", key=key, message="= 0: must be 1 or -1. Give the direction of the delay.")
        if self.coarse_setpoint == self.fine_setpoint:
            yield Fault(
                table="delay",
                key="fine_setpoint",
                message=f"= {self.fine_setpoint}: is the coarse delay too. Give each delay its own PV.",
            )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class FluenceSettings:
    """Half-wave plate and polariser: fluence = maximum x sin^2(2 (angle - zero)); a motor record in degrees.

    The laser spot on the sample (paper, SI 2), given by its full widths at half maximum, turns the power of a
    calibration into fluence: pulse energy over the area of the ellipse of these widths. A Gaussian spot has 0.693 of
    that at its centre. What the X-rays see on average follows from their own widths.
    """

    waveplate: Pv
    maximum_mj_cm2: Annotated[float, quantity("fluence with the plate fully open", "mJ/cm2", above=0.0, high=1e4)]
    zero_deg: Annotated[float, quantity("angle at which no light passes", "deg", low=-360.0, high=360.0)]
    low_mj_cm2: Annotated[float, quantity("lowest fluence", "mJ/cm2", low=0.0, high=1e4)]
    high_mj_cm2: Annotated[float, quantity("highest fluence", "mJ/cm2", above=0.0, high=1e4)]
    tolerance_mj_cm2: Annotated[
        float, quantity("accepted distance from the target", "mJ/cm2", above=0.0, high=10.0)
    ] = 0.01
    timeout_s: Annotated[float, quantity("longest move", "s", above=0.0, high=DAY_S)] = 30.0
    angle_low_deg: Annotated[float, quantity("lowest angle of the plate", "deg", low=-360.0, high=360.0)] = 0.0
    angle_high_deg: Annotated[float, quantity("highest angle of the plate", "deg", low=-360.0, high=360.0)] = 50.0
    angle_tolerance_deg: Annotated[float, quantity("accepted distance of the plate", "deg", above=0.0, high=5.0)] = 0.01
    spot_horizontal_um: Annotated[float, quantity("width of the laser spot", "um", low=1.0, high=10_000.0)] = 50.0
    spot_vertical_um: Annotated[float, quantity("height of the laser spot", "um", low=1.0, high=10_000.0)] = 45.0
    xray_horizontal_um: Annotated[float, quantity("width of the X-ray spot", "um", low=0.0, high=10_000.0)] = 5.0
    xray_vertical_um: Annotated[float, quantity("height of the X-ray spot", "um", low=0.0, high=10_000.0)] = 5.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        yield from ascending("fluence", "low_mj_cm2", self.low_mj_cm2, "high_mj_cm2", self.high_mj_cm2, "mJ/cm2")
        yield from ascending(
            "fluence", "angle_low_deg", self.angle_low_deg, "angle_high_deg", self.angle_high_deg, "deg"
        )
        if self.high_mj_cm2 > self.maximum_mj_cm2:
            yield Fault(
                table="fluence",
                key="high_mj_cm2",
                message=f"= {self.high_mj_cm2:g} mJ/cm2: must not exceed maximum_mj_cm2 = {self.maximum_mj_cm2:g} "
                "mJ/cm2, which is all that the attenuator lets through. Lower it.",
            )
        elif self.angle_low_deg < self.angle_high_deg:
            yield from self._angle_faults()

    def _angle_faults(self) -> Iterable[Fault]:
        for key in ("low_mj_cm2", "high_mj_cm2"):
            fluence = getattr(self, key)
            angle = waveplate_angle_deg(fluence, maximum_mj_cm2=self.maximum_mj_cm2, zero_deg=self.zero_deg)
            if not self.angle_low_deg <= angle <= self.angle_high_deg:
                yield Fault(
                    table="fluence",
                    key=key,
                    message=f"= {fluence:g} mJ/cm2: needs the plate at {angle:.3g} deg, beyond angle_low_deg to "
                    f"angle_high_deg = {self.angle_low_deg:g} to {self.angle_high_deg:g} deg. Correct zero_deg or the "
                    "limits.",
                )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class FixedFluenceSettings:
    """Fluence of a beamline without a remote attenuator: set by hand, and recorded as it is given here."""

    fixed_mj_cm2: Annotated[float, quantity("fluence on the sample", "mJ/cm2", above=0.0, high=1e4)]

    @property
    def is_there(self) -> bool:
        """Whether there is a pump whose fluence is recorded."""
        return True

    @property
    def waveplate(self) -> str:
        """Name of the plate's motor record, which is empty."""
        return ""

    @property
    def maximum_mj_cm2(self) -> float:
        """Largest fluence, mJ/cm2: the only one."""
        return self.fixed_mj_cm2

    @property
    def zero_deg(self) -> float:
        """Angle of a missing plate, 0 deg."""
        return 0.0

    @property
    def low_mj_cm2(self) -> float:
        """Lowest fluence, mJ/cm2: the only one."""
        return self.fixed_mj_cm2

    @property
    def high_mj_cm2(self) -> float:
        """Highest fluence, mJ/cm2: the only one."""
        return self.fixed_mj_cm2

    @property
    def angle_low_deg(self) -> float:
        """Lowest angle of a missing plate, deg: unlimited, as nothing turns it."""
        return -360.0

    @property
    def angle_high_deg(self) -> float:
        """Highest angle of a missing plate, deg."""
        return 360.0

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: there is one key."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class PointingSettings:
    """Last mirror of the pump: two motor records that move the laser spot, in um on the sample; empty: none."""

    horizontal: OptionalPv = "7idd:m31"
    vertical: OptionalPv = "7idd:m32"
    low_um: Annotated[float, quantity("lowest position", "um", low=-1e5, high=1e5)] = -200.0
    high_um: Annotated[float, quantity("highest position", "um", low=-1e5, high=1e5)] = 200.0
    tolerance_um: Annotated[float, quantity("accepted distance from the target", "um", above=0.0, high=100.0)] = 0.5
    timeout_s: Annotated[float, quantity("longest move", "s", above=0.0, high=DAY_S)] = 30.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        yield from ascending("pointing", "low_um", self.low_um, "high_um", self.high_um, "um")
        if bool(self.horizontal) != bool(self.vertical):
            key = "vertical" if self.horizontal else "horizontal"
            yield Fault(table="pointing", key=key, message="is empty, but the other is given. Give both or neither.")
        if self.horizontal == self.vertical != "":
            yield Fault(
                table="pointing",
                key="vertical",
                message=f"= {self.vertical}: is the horizontal motor too. Give each direction its own motor.",
            )


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class CellSettings:
    """Thermostated powder cell: temperature = offset_c + gain x raw reading, C; ramp in C per minute.

    Settled: within `tolerance_c` for `settle_s` seconds of wall-clock time without a break, with the controller's
    `in_position` set.
    """

    setpoint: Pv
    ramp_rate: Pv
    heater: Pv
    thermocouple: Pv
    in_position: Pv
    sample_select: Pv
    sample_status: Pv
    offset_c: Annotated[float, quantity("temperature at a reading of 0", "C", low=-300.0, high=300.0)] = 0.0
    gain: Annotated[float, quantity("temperature per unit of the reading", "C", low=0.1, high=10.0)] = 1.0
    low_c: Annotated[float, quantity("lowest temperature", "C", low=-273.15, high=2000.0)] = 20.0
    high_c: Annotated[float, quantity("highest temperature", "C", low=-273.15, high=2000.0)] = 160.0
    ramp_c_min: Annotated[float, quantity("ramp", "C/min", above=0.0, high=1000.0)] = 20.0
    tolerance_c: Annotated[float, quantity("half width of the band", "C", above=0.0, high=50.0)] = 0.5
    settle_s: Annotated[float, quantity("time within the band", "s", low=0.0, high=3600.0)] = 2.0
    poll_s: Annotated[float, quantity("time between two readings", "s", above=0.0, high=60.0)] = 0.1
    timeout_s: Annotated[float, quantity("time-out for settling", "s", above=0.0, high=DAY_S)] = 1800.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        yield from ascending("cell", "low_c", self.low_c, "high_c", self.high_c, "C")
        yield from ascending("cell", "settle_s", self.settle_s, "timeout_s", self.timeout_s, "s")
        if self.poll_s > max(self.settle_s, 1.0):
            yield Fault(
                table="cell",
                key="poll_s",
                message=f"= {self.poll_s:g} s: must not exceed settle_s = {self.settle_s:g} s, or an excursion is "
                "missed. Lower it.",
            )
