"""Faults of the server and of the network; their times are wall time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sim.errors import SimulationInputError
from sim.faults.fault import Fault
from sim.faults.targets import ServerTargets

VANISHING_PVS = (
    *("7idd:laser:Lock", "S:SRcurrentAI", "7idd:jet:FlowAI", "7idd:digDelay1:actualDelay", "7idd:laser:PowerAI"),
    *("7idd:scaler1.CNT", "amofg1a:spc:Frame", "7idd:xrayShutter:Status", "7idd:session:HolderHeartbeat"),
)
"""PVs that a random schedule may disconnect: of beam, laser, jet, an axis, detectors, a shutter, the session lock."""


def _check_pv(fault: Fault, pv: str, targets: ServerTargets) -> None:
    if not targets.has_pv(pv):
        raise SimulationInputError(
            f"{type(fault).__name__}: there is no record {pv!r}; give its name without the macro"
        )


@dataclass(frozen=True, kw_only=True)
class PvGone(Fault):
    """One PV, `pv` without the macro, disconnects and cannot be found until this fault is over."""

    meaning: ClassVar[str] = "One PV disconnects"
    wall_clock: ClassVar[bool] = True
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = tuple({"pv": pv} for pv in VANISHING_PVS)
    pv: str = "7idd:laser:Lock"

    def check(self, targets: ServerTargets) -> None:
        """Raise SimulationInputError if there is no such record."""
        _check_pv(self, self.pv, targets)

    async def begin(self, targets: ServerTargets, duration_s: float) -> None:
        """Disconnect the record; raises SimulationInputError before the server runs."""
        await targets.hide_pv(self.pv)

    async def end(self, targets: ServerTargets) -> None:
        """Reconnect the record."""
        await targets.hide_pv("")


@dataclass(frozen=True, kw_only=True)
class MonitorsStop(Fault):
    """Monitors of `pv` (empty: of all PVs) send nothing, although everything stays connected."""

    meaning: ClassVar[str] = "Monitors send no updates"
    wall_clock: ClassVar[bool] = True
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = (
        {"pv": ""},
        {"pv": "7idd:jet:FlowAI"},
        {"pv": "7idd:digDelay1:actualDelay"},
    )
    pv: str = ""

    def check(self, targets: ServerTargets) -> None:
        """Raise SimulationInputError if there is no such record."""
        if self.pv:
            _check_pv(self, self.pv, targets)

    async def begin(self, targets: ServerTargets, duration_s: float) -> None:
        """Stop the monitors; raises SimulationInputError before the server runs."""
        targets.mute_monitors(self.pv)

    async def end(self, targets: ServerTargets) -> None:
        """Send monitors again."""
        await targets.unmute_monitors()


@dataclass(frozen=True, kw_only=True)
class IocFreeze(Fault):
    """The server hangs: connections stay, nothing is answered. Ten minutes at most, because nothing can end it."""

    meaning: ClassVar[str] = "IOC answers nothing"
    wall_clock: ClassVar[bool] = True
    longest_s: ClassVar[float] = 600.0

    async def begin(self, targets: ServerTargets, duration_s: float) -> None:
        """Freeze the server for `duration_s` seconds of wall time; it wakes by itself."""
        targets.freeze_server(duration_s)


@dataclass(frozen=True, kw_only=True)
class IocDeath(Fault):
    """The server dies with all its settings; it is restarted when this fault is over, if ever.

    It answers searches on its port; with `other_port` 1 its connections are on another port, as if a different program
    had taken the first one.
    """

    meaning: ClassVar[str] = "IOC dies and is started again"
    wall_clock: ClassVar[bool] = True
    variants: ClassVar[tuple[Mapping[str, float | str], ...]] = ({"other_port": 0}, {"other_port": 1})
    other_port: int = 0

    def __post_init__(self) -> None:
        """Refuse values that are neither 0 nor 1."""
        self._require(other_port=(0, 1))

    async def begin(self, targets: ServerTargets, duration_s: float) -> None:
        """Kill the server for `duration_s` seconds of wall time; the restarted server does not know this fault."""
        targets.kill_server(duration_s, other_port=bool(self.other_port))
