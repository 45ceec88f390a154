"""Optics between sample and detector: neutral density filters, the mirror to the spectrograph, both stages."""

from __future__ import annotations

from typing import Any

from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor import MotorGroup

DENSITIES = (0.0, 0.3, 0.6, 1.0, 1.3, 2.0)
"""Optical densities of the filters in the wheel (chosen)."""

WHEEL_TIME_S = 1.0
MIRROR_TIME_S = 0.5
"""Times of a turn and of a flip, s of beam (chosen)."""

STAGE_MOTORS = {"x": "tplm:m1", "y": "tplm:m2"}
PIEZO_MOTORS = {"x": "tplm:T1:MOT1", "y": "tplm:T1:MOT2", "z": "tplm:T1:MOT3"}
"""Motor records of the detector stage, mm, and of the sample stage, um."""

STAGE_PLAY_MM = 0.008
"""Backlash of the actuators of the detector stage, mm (chosen: the class of the device)."""

STAGE = Mechanics(
    egu="mm", low=-12.5, high=12.5, velocity=1.0, acceleration_s=0.05, backlash=0.02, precision=4
)  # fmt: skip
"""Detector stage: 25 mm of travel, 0.1 um steps; the record approaches every position upwards (BDST)."""

PIEZO = Mechanics(
    egu="um", low=-2500.0, high=2500.0, velocity=100.0, acceleration_s=0.05, precision=3, resolution=0.001
)  # fmt: skip
"""Sample stage: 1 nm of display, and 2.5 mm of travel to either side (chosen)."""


class Play:
    """Mechanical play of one actuator: `offset_mm` after a motion downwards, until one upwards takes it out."""

    def __init__(self, play_mm: float) -> None:
        self._play_mm = play_mm
        self.offset_mm = 0.0

    def moved(self, start_mm: float, end_mm: float) -> None:
        """Update the offset, mm, after a motion between two positions, mm."""
        # What the encoder of the motor shows and where the detector is differ by the play after a motion down. The
        # motor record reports each part of a motion separately, so a correction from below ends with a motion up.
        way_mm = end_mm - start_mm
        self.offset_mm = min(max(self.offset_mm - way_mm, 0.0), self._play_mm)


class DetectorStage:
    """Both actuators of the detector stage with their play."""

    def __init__(self, prefix: str, *, clock: BeamClock) -> None:
        self._play = {name: Play(STAGE_PLAY_MM) for name in STAGE_MOTORS}
        self.motors = {
            name: MotorGroup(
                prefix + motor,
                clock=clock,
                description=f"Detector stage, {name}",
                mechanics=STAGE,
                on_arrival=self._play[name].moved,
            )
            for name, motor in STAGE_MOTORS.items()
        }

    def true_mm(self, name: str) -> float:
        """Return where the detector is along "x" or "y", mm: the encoder and the play of the actuator."""
        return self.motors[name].dial_position + self._play[name].offset_mm


def sample_stage(prefix: str, *, clock: BeamClock) -> dict[str, MotorGroup]:
    """Return the motors of the sample stage, um, by axis."""
    return {
        name: MotorGroup(prefix + motor, clock=clock, description=f"Sample stage, {name}", mechanics=PIEZO)
        for name, motor in PIEZO_MOTORS.items()
    }


class DetectionPath(PVGroup):
    """Filter wheel in front of the detector, and the mirror that sends the light to the spectrograph."""

    density = pvproperty(
        name="tplm:nd:OD", value=0.0, record="ao", dtype=float, precision=1, lower_ctrl_limit=0.0,
        upper_ctrl_limit=max(DENSITIES), doc="Optical density, set",
    )  # fmt: skip
    density_readback = pvproperty(
        name="tplm:nd:ODRBV", value=0.0, record="ai", dtype=float, precision=1, read_only=True,
        doc="Optical density, actual",
    )  # fmt: skip
    mirror = pvproperty(
        name="tplm:mirror:Mirror", value="Out", dtype=ChannelType.ENUM, enum_strings=["Out", "In"], record="bo",
        doc="Mirror to the spectrograph, set",
    )  # fmt: skip
    mirror_readback = pvproperty(
        name="tplm:mirror:MirrorStatus", value="Out", dtype=ChannelType.ENUM, enum_strings=["Out", "In"],
        record="bi", read_only=True, doc="Mirror to the spectrograph, actual",
    )  # fmt: skip

    filters = pvproperty(
        name="tplm:filters:Filters", value="In", dtype=ChannelType.ENUM, enum_strings=["Out", "In"], record="bo",
        doc="Filters against laser light, set",
    )  # fmt: skip
    filters_readback = pvproperty(
        name="tplm:filters:FiltersStatus", value="In", dtype=ChannelType.ENUM, enum_strings=["Out", "In"],
        record="bi", read_only=True, doc="Filters against laser light, actual",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock

    @property
    def filters_in(self) -> bool:
        """Whether the filters keep the laser's own light from the detector."""
        return bool(self.filters_readback.value == "In")

    @property
    def light(self) -> float:
        """Share of the light that passes the mirror: none while it is in the path."""
        return 0.0 if self.mirror_readback.value == "In" else 1.0

    @density.putter  # type: ignore[no-redef]
    async def density(self, instance: Any, value: float) -> float:
        """Turn the wheel, in 1 s of beam; raises SimulationInputError for a density that it does not have."""
        if not any(abs(value - known) < 1e-6 for known in DENSITIES):
            raise SimulationInputError(
                f"optical density {value:g}: the wheel has {', '.join(f'{known:g}' for known in DENSITIES)}"
            )
        # The read-back follows when the wheel has arrived, so an exposure during the turn has the old filter.
        await self._clock.sleep(WHEEL_TIME_S)
        await self.density_readback.write(value)
        return value

    @mirror.putter  # type: ignore[no-redef]
    async def mirror(self, instance: Any, value: str) -> str:
        """Flip the mirror, in 0.5 s of beam."""
        await self._clock.sleep(MIRROR_TIME_S)
        await self.mirror_readback.write(value)
        return value

    @filters.putter  # type: ignore[no-redef]
    async def filters(self, instance: Any, value: str) -> str:
        """Move the filters, in 0.5 s of beam."""
        await self._clock.sleep(MIRROR_TIME_S)
        await self.filters_readback.write(value)
        return value
