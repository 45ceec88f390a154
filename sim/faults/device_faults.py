"""Faults of single devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from sim.faults.fault import Fault
from sim.faults.targets import FaultTargets
from sim.physics.beamline_state import BeamlineState

MOTORS = ("7ida:m1", "7idd:m21", "7idd:m31", "7idd:m32")
"""Motor records that can stall: Bragg angle, wave plate, laser mirrors."""

DETECTORS = ("both", "spc", "boxcar")


@dataclass(frozen=True, kw_only=True)
class LaserShutterStuck(Fault):
    """The laser shutter ignores what is written to it."""

    meaning: ClassVar[str] = "Laser shutter does not move"

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Block the shutter."""
        targets.stick_laser_shutter(stuck=True)

    async def end(self, targets: FaultTargets) -> None:
        """Free the shutter."""
        targets.stick_laser_shutter(stuck=False)


@dataclass(frozen=True, kw_only=True)
class XrayShutterCloses(Fault):
    """The interlock closes the X-ray shutter and revokes the permit; the shutter stays closed until it is opened."""

    meaning: ClassVar[str] = "Interlock closes the X-ray shutter"

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Block the X-rays at once, 0 s after the strike, as a real shutter falls without a command."""
        return replace(state, xray_shutter_open=False)

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Revoke the permit."""
        await targets.revoke_xray_permit()

    async def end(self, targets: FaultTargets) -> None:
        """Grant the permit."""
        await targets.grant_xray_permit()


@dataclass(frozen=True, kw_only=True)
class DelayJump(Fault):
    """The phase shifter jumps by `jump_ps` (the real one did, by 40 ps); the read-back shows it if `shown` is 1.

    No variant hides the jump from the PVs: only `delay_self_test` could then detect it.
    """

    meaning: ClassVar[str] = "Phase shifter jumps"
    jump_ps: float = 40.0
    shown: int = 1

    def __post_init__(self) -> None:
        """Refuse jumps beyond the range of the shifter."""
        self._require(jump_ps=(-12_800.0, 12_800.0), shown=(0, 1))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Shift the true delay by `jump_ps`, in ps."""
        return replace(state, delay_ps=state.delay_ps + self.jump_ps)

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Shift the read-back by the same number of ps, if `shown` is 1."""
        await targets.show_delay_jump(self.jump_ps * self.shown)

    async def end(self, targets: FaultTargets) -> None:
        """Shift the read-back to its value without the jump, in ps."""
        await targets.show_delay_jump(0.0)


@dataclass(frozen=True, kw_only=True)
class MotorStall(Fault):
    """`motor` is blocked: it stops short and reports the end with an alarm, or, with `done` 0, never reports it."""

    meaning: ClassVar[str] = "Motor stops short"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"done": 1}, {"done": 0})
    motor: str = MOTORS[0]
    done: int = 1

    def __post_init__(self) -> None:
        """Refuse unknown motors."""
        self._require(done=(0, 1))
        self._require_choice("motor", MOTORS)

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Block the motor where it is; raises KeyError for a motor that this beamline lacks."""
        targets.stall_motor(self.motor, hangs=not self.done)

    async def end(self, targets: FaultTargets) -> None:
        """Free the motor."""
        targets.free_motor(self.motor)


@dataclass(frozen=True, kw_only=True)
class DetectorStuck(Fault):
    """Counting does not end until it is stopped, or until this fault is over."""

    meaning: ClassVar[str] = "Counting does not end"

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Block the scalers."""
        targets.stick_scalers(stuck=True)

    async def end(self, targets: FaultTargets) -> None:
        """Let the scalers finish."""
        targets.stick_scalers(stuck=False)


@dataclass(frozen=True, kw_only=True)
class FrameStale(Fault):
    """Counting ends as usual, but the frames of `detector` still show the previous exposure."""

    meaning: ClassVar[str] = "Frames are not updated"
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = tuple({"detector": name} for name in DETECTORS)
    detector: str = DETECTORS[0]

    def __post_init__(self) -> None:
        """Refuse unknown detectors."""
        self._require_choice("detector", DETECTORS)

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Leave the frames of the chosen detectors at the previous exposure's counts."""
        targets.freeze_frames(self.detector)

    async def end(self, targets: FaultTargets) -> None:
        """Update the frames again."""
        targets.freeze_frames("")


@dataclass(frozen=True, kw_only=True)
class CellRunaway(Fault):
    """The heater stays on: the cell heats up by `c_per_min` despite its setpoint, up to the 200 C of the heater."""

    meaning: ClassVar[str] = "Cell heats up, ignoring its setpoint"
    c_per_min: float = 30.0

    def __post_init__(self) -> None:
        """Refuse rates that no heater reaches."""
        self._require(c_per_min=(0.1, 600.0))

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Leave the heater on, so that the cell warms at `c_per_min`, C per minute."""
        targets.heat_cell(self.c_per_min)

    async def end(self, targets: FaultTargets) -> None:
        """Return the heater to its controller."""
        targets.heat_cell(0.0)


@dataclass(frozen=True, kw_only=True)
class CellUnsettled(Fault):
    """A badly tuned controller: the temperature oscillates by `amplitude_c` with `period_s` and never settles."""

    meaning: ClassVar[str] = "Cell never settles"
    amplitude_c: float = 3.0
    period_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse oscillations that no controller makes."""
        self._require(amplitude_c=(0.0, 20.0), period_s=(1.0, 1e4))

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Start the oscillation, of an amplitude in C and a period in s."""
        targets.swing_cell(self.amplitude_c, self.period_s)

    async def end(self, targets: FaultTargets) -> None:
        """End the oscillation."""
        targets.swing_cell(0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class PilatusDead(Fault):
    """The area detector hangs in an acquisition until it is stopped, or until this fault is over."""

    meaning: ClassVar[str] = "Pilatus hangs in acquisition"

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Block the detector."""
        targets.hang_pilatus(hangs=True)

    async def end(self, targets: FaultTargets) -> None:
        """Free the detector."""
        targets.hang_pilatus(hangs=False)


@dataclass(frozen=True, kw_only=True)
class DiskFull(Fault):
    """There is no room for images."""

    meaning: ClassVar[str] = "No room for images"

    async def begin(self, targets: FaultTargets, duration_s: float) -> None:
        """Fill the disk."""
        targets.fill_disk(full=True)

    async def end(self, targets: FaultTargets) -> None:
        """Make room."""
        targets.fill_disk(full=False)
