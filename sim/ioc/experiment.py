"""Interface of an experiment that can be simulated: its samples, and its devices around one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sim.faults.kinds import FaultTable
from sim.faults.schedule import NOTHING_SCHEDULED, Schedule
from sim.ioc.channel_access.access import WriteGate
from sim.ioc.channel_access.running_server import Network
from sim.ioc.records.further_axes import FurtherAxis
from sim.physics.constants import APDS
from sim.physics.pump_scheme import PumpScheme
from sim.physics.source import DEFAULT_SCHEME


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """Options of the command line that an experiment is built with.

    `speed` is in seconds of beam per second of wall time; `macro`: prefix of all PVs; `schedule`: faults that strike by
    themselves; `restarts`: number of earlier restarts of the server; `exposure_log` gets the truth about every
    exposure. The other five describe a beamline, and other experiments ignore them. `scheme`: bunches, pump, and the
    gates of each of the `photodiodes`. `begin_hour`: hour of the day at which beam time begins. With `public` only the
    public names are served, and everything else is as if set by hand: the laser is on. `axes`: motors that a user adds.
    """

    seed: int
    speed: float
    macro: str = ""
    schedule: Schedule = NOTHING_SCHEDULED
    restarts: int = 0
    exposure_log: Path | None = None
    scheme: PumpScheme = DEFAULT_SCHEME
    photodiodes: int = APDS
    begin_hour: float = 0.0
    public: bool = False
    axes: tuple[FurtherAxis, ...] = ()


class Served(Protocol):
    """Parts of an experiment: PVs by name, the gate of all writes, and the hook through which faults reach it."""

    @property
    def pvdb(self) -> dict[str, Any]:
        """Every PV by its full name."""

    @property
    def safety(self) -> WriteGate:
        """The gate that accepts or refuses the writes of clients."""

    @property
    def title(self) -> str:
        """Name of the sample."""

    def serve_through(self, network: Network, restart: Callable[[float, bool], None]) -> None:
        """Let faults act on the running server; `restart` takes the dead time, s, and whether to change the port."""


@dataclass(frozen=True, kw_only=True)
class SimulatedExperiment:
    """One experiment: its sample files, the label of a sample, the devices around it, and its faults.

    `sample_path` and `load_sample` raise SimulationInputError for a sample that does not exist or whose file is wrong.
    """

    default_sample: str
    shipped_samples: Callable[[], Mapping[str, Path]]
    sample_path: Callable[[str], Path]
    load_sample: Callable[[Path], Any]
    label: Callable[[Any], Mapping[str, Any]]
    build: Callable[[Any, BuildOptions], Served]
    faults: FaultTable
