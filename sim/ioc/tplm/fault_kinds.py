"""Faults of the microscope: laser, cryostat, detector stage, photon timing and server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sim.faults import server_faults as server
from sim.faults.fault import Fault
from sim.faults.kinds import FaultTable
from sim.faults.targets import MicroscopeTargets
from sim.physics.tplm.setting import EXTERNAL_RATES_MHZ

STAGE_MOTORS = ("tplm:m1", "tplm:m2")
"""Motor records of the detector's stage."""

VANISHING_PVS = (
    *("tplm:laser:Emission", "tplm:laser:PowerRB", "tplm:laser:ShutterStatus", "tplm:HARP:COUNT_RATE_0"),
    *("tplm:HARP:Frame", "tplm:HARP:Start", "tplm:LS335:TC1:IN1", "tplm:session:HolderHeartbeat"),
)
"""PVs that a random schedule may disconnect: of laser, shutter, photon timing, cryostat, the session lock."""


@dataclass(frozen=True, kw_only=True)
class LaserStops(Fault):
    """The interlock of the laser stops its emission, and with it the pulses that start the photon timing."""

    meaning: ClassVar[str] = "Laser emits nothing"

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Stop the emission."""
        await targets.disturb("emission_off", "Yes")

    async def end(self, targets: MicroscopeTargets) -> None:
        """Let the laser emit again."""
        await targets.disturb("emission_off", "No")


@dataclass(frozen=True, kw_only=True)
class LaserPower(Fault):
    """The laser has `share` of the power that is set, as after a mode hop; the power meter shows it."""

    meaning: ClassVar[str] = "Laser power changes"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"share": 0.7}, {"share": 1.2})
    share: float = 0.7

    def __post_init__(self) -> None:
        """Refuse shares that no laser has."""
        self._require(share=(0.0, 2.0))

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Change the power."""
        await targets.disturb("power_share", self.share)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Go back to the power that is set."""
        await targets.disturb("power_share", 1.0)


@dataclass(frozen=True, kw_only=True)
class CryostatUnstable(Fault):
    """The temperature of the sample swings by `amplitude_k` with the period `period_s` of beam; its sensor shows it."""

    meaning: ClassVar[str] = "Temperature swings"
    amplitude_k: float = 1.0
    period_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse swings beyond those of a cryostat."""
        self._require(amplitude_k=(0.0, 50.0), period_s=(1.0, 3600.0))

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Begin to swing."""
        targets.swing_cryostat(self.amplitude_k, self.period_s)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Let the temperature be steady."""
        targets.swing_cryostat(0.0, self.period_s)


@dataclass(frozen=True, kw_only=True)
class ChannelsFull(Fault):
    """Light of the laser itself reaches the detector, `flood_hz` photons per s, and fills the channels of its peak."""

    meaning: ClassVar[str] = "Channels overflow"
    flood_hz: float = 3e5

    def __post_init__(self) -> None:
        """Refuse rates that no detector counts."""
        self._require(flood_hz=(0.0, 1e7))

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Let the light in."""
        await targets.disturb("flood_hz", self.flood_hz)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Keep the light out."""
        await targets.disturb("flood_hz", 0.0)


@dataclass(frozen=True, kw_only=True)
class StageLost(Fault):
    """A `motor` of the detector's stage is blocked; with `done` 0 it never reports the end of a move."""

    meaning: ClassVar[str] = "Detector stage does not arrive"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"done": 1}, {"done": 0})
    motor: str = STAGE_MOTORS[0]
    done: int = 1

    def __post_init__(self) -> None:
        """Refuse unknown motors."""
        self._require(done=(0, 1))
        self._require_choice("motor", STAGE_MOTORS)

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Block the motor where it is."""
        targets.stall_motor(self.motor, hangs=not self.done)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Free the motor."""
        targets.free_motor(self.motor)


@dataclass(frozen=True, kw_only=True)
class RateByHand(Fault):
    """Somebody sets the laser to `rate_mhz`; at the end it has its former rate, unless that was set again before."""

    meaning: ClassVar[str] = "Repetition rate changed by hand"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"rate_mhz": 5.0}, {"rate_mhz": 1.0})
    rate_mhz: float = 5.0

    def __post_init__(self) -> None:
        """Refuse rates that the laser does not have."""
        self._require(rate_mhz=EXTERNAL_RATES_MHZ)

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Change the rate."""
        await targets.change_rate(self.rate_mhz)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Set the former rate."""
        await targets.restore_rate()


@dataclass(frozen=True, kw_only=True)
class BacklashSkipped(Fault):
    """The detector is `play_um` of the stage off what the encoder along x shows: its play was not taken out."""

    meaning: ClassVar[str] = "Backlash of the detector stage is skipped"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ()
    play_um: float = 8.0

    def __post_init__(self) -> None:
        """Refuse a play beyond that of a broken stage."""
        self._require(play_um=(0.0, 500.0))

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Put the detector beside its place."""
        await targets.disturb("backlash_um", self.play_um)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Put the detector where its encoder shows it."""
        await targets.disturb("backlash_um", 0.0)


@dataclass(frozen=True, kw_only=True)
class SpotJump(Fault):
    """The image jumps by `jump_nm` along x on the sample's scale, as when the sample or the laser's fibre slips."""

    meaning: ClassVar[str] = "Spot jumps"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ()
    jump_nm: float = 100.0

    def __post_init__(self) -> None:
        """Refuse jumps out of the field of view."""
        self._require(jump_nm=(0.0, 5000.0))

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Move the image."""
        await targets.disturb("spot_jump_nm", self.jump_nm)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Move it back."""
        await targets.disturb("spot_jump_nm", 0.0)


@dataclass(frozen=True, kw_only=True)
class Afterpulsing(Fault):
    """The diode counts, for every photon, `share` further ones without light within some 300 ns."""

    meaning: ClassVar[str] = "Detector counts afterpulses"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ()
    share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse shares of a diode that never stops."""
        self._require(share=(0.0, 0.5))

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Begin to count them."""
        await targets.disturb("afterpulse_share", self.share)

    async def end(self, targets: MicroscopeTargets) -> None:
        """Count photons alone."""
        await targets.disturb("afterpulse_share", 0.0)


@dataclass(frozen=True, kw_only=True)
class FrameStale(Fault):
    """Counting ends as usual, but the frame still shows the exposure before."""

    meaning: ClassVar[str] = "Frames are not updated"

    async def begin(self, targets: MicroscopeTargets, duration_s: float) -> None:
        """Leave the frame as it is."""
        await targets.disturb("frame_stale", "Yes")

    async def end(self, targets: MicroscopeTargets) -> None:
        """Update the frame again."""
        await targets.disturb("frame_stale", "No")


@dataclass(frozen=True, kw_only=True)
class PvGone(server.PvGone):
    """One PV of the microscope, `pv` without the macro, disconnects until this fault is over."""

    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = tuple({"pv": pv} for pv in VANISHING_PVS)
    pv: str = VANISHING_PVS[0]


@dataclass(frozen=True, kw_only=True)
class MonitorsStop(server.MonitorsStop):
    """Monitors of `pv` (empty: of all PVs of the microscope) send nothing."""

    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"pv": ""}, {"pv": "tplm:laser:PowerRB"})


KINDS: dict[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (
        LaserStops,
        LaserPower,
        CryostatUnstable,
        ChannelsFull,
        StageLost,
        FrameStale,
        RateByHand,
        BacklashSkipped,
        SpotJump,
        Afterpulsing,
        PvGone,
        MonitorsStop,
        server.IocFreeze,
        server.IocDeath,
    )
}
"""All kinds of the microscope by name."""

TABLE = FaultTable(kinds=KINDS, prefix="tplm:sim:")
"""Faults of the microscope."""
