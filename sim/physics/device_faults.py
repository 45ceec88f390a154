"""Faults of single devices, of the server and of the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sim.physics.experiment import BeamlineState
from sim.physics.fault import Fault

MOTORS = ("7ida:m1", "7idd:m21", "7idd:m31", "7idd:m32")
"""Motor records that can stall: Bragg angle, wave plate, laser mirrors."""

DETECTORS = ("both", "spc", "boxcar")


@dataclass(frozen=True)
class LaserShutterStuck(Fault):
    """The laser shutter stays where it is, whatever it is told."""

    meaning: ClassVar[str] = "Laser shutter does not move"


@dataclass(frozen=True)
class XrayShutterCloses(Fault):
    """The interlock closes the X-ray shutter and takes the permit; it stays closed until somebody opens it again."""

    meaning: ClassVar[str] = "Interlock closes the X-ray shutter"

    def steady(self, state: BeamlineState) -> BeamlineState:
        """No X-rays, from the first moment: a real one falls by itself."""
        return replace(state, xray_shutter_open=False)


@dataclass(frozen=True)
class DelayJump(Fault):
    """The phase shifter jumps by `jump_ps`, as the real one did by 40 ps; its read-back shows it if `shown`."""

    meaning: ClassVar[str] = "Phase shifter jumps"
    jump_ps: float = 40.0
    shown: int = 1

    def __post_init__(self) -> None:
        """Refuse jumps beyond the shifter's range."""
        self._require(jump_ps=(-12_800.0, 12_800.0), shown=(0, 1))

    def steady(self, state: BeamlineState) -> BeamlineState:
        """Another true delay."""
        return replace(state, delay_ps=state.delay_ps + self.jump_ps)


@dataclass(frozen=True)
class MotorStall(Fault):
    """`motor` is blocked: it stops short and says done with an alarm, or, with `done` 0, never says done."""

    meaning: ClassVar[str] = "Motor stops short"
    motor: str = MOTORS[0]
    done: int = 1

    def __post_init__(self) -> None:
        """Refuse unknown motors."""
        self._require(done=(0, 1))
        self._require_choice("motor", MOTORS)


@dataclass(frozen=True)
class DetectorStuck(Fault):
    """Counting does not end until it is stopped, or this is over."""

    meaning: ClassVar[str] = "Counting does not end"


@dataclass(frozen=True)
class FrameStale(Fault):
    """Counting ends as usual, but the frames of `detector` still show the exposure before."""

    meaning: ClassVar[str] = "Frames are not updated"
    detector: str = DETECTORS[0]

    def __post_init__(self) -> None:
        """Refuse unknown detectors."""
        self._require_choice("detector", DETECTORS)


@dataclass(frozen=True)
class PvGone(Fault):
    """One PV, `pv` without the macro, disconnects and cannot be found until this is over."""

    meaning: ClassVar[str] = "One PV disconnects"
    wall_clock: ClassVar[bool] = True
    pv: str = "7idd:laser:Lock"


@dataclass(frozen=True)
class MonitorsStop(Fault):
    """Monitors of `pv` (empty: of all PVs) bring nothing any more, though all stays connected."""

    meaning: ClassVar[str] = "Monitors bring nothing"
    wall_clock: ClassVar[bool] = True
    pv: str = ""


@dataclass(frozen=True)
class CellRunaway(Fault):
    """The heater stays on: the cell heats up by `c_per_min` whatever it is told, to the heater's 200 C."""

    meaning: ClassVar[str] = "Cell heats up whatever is set"
    c_per_min: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what no heater does."""
        self._require(c_per_min=(0.1, 600.0))


@dataclass(frozen=True)
class CellUnsettled(Fault):
    """A badly tuned controller: the cell swings by `amplitude_c` with `period_s` and never settles."""

    meaning: ClassVar[str] = "Cell never settles"
    amplitude_c: float = 3.0
    period_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what no controller does."""
        self._require(amplitude_c=(0.0, 20.0), period_s=(1.0, 1e4))


@dataclass(frozen=True)
class PilatusDead(Fault):
    """The area detector hangs in an acquisition until it is stopped, or this is over."""

    meaning: ClassVar[str] = "Pilatus hangs in acquisition"


@dataclass(frozen=True)
class DiskFull(Fault):
    """There is no room for images."""

    meaning: ClassVar[str] = "No room for images"


@dataclass(frozen=True)
class IocFreeze(Fault):
    """The server hangs: connections stay, nothing is answered. Ten minutes at most, as nothing can end it."""

    meaning: ClassVar[str] = "IOC answers nothing"
    wall_clock: ClassVar[bool] = True
    longest_s: ClassVar[float] = 600.0


@dataclass(frozen=True)
class IocDeath(Fault):
    """The server dies, and with it all it knew; it is started again when this is over, if ever.

    It answers searches on its port; with `other_port` its connections are on another, as where somebody else took it.
    """

    meaning: ClassVar[str] = "IOC dies and is started again"
    wall_clock: ClassVar[bool] = True
    other_port: int = 0

    def __post_init__(self) -> None:
        """Refuse what is neither yes nor no."""
        self._require(other_port=(0, 1))
