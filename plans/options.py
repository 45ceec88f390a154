"""Groups of parameters that plans share; a plan with a parameter `options` offers each field by its name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from plans.choices import Schedule, ShutterReference
from plans.edges import PB_L3
from plans.parameters import (
    ChosenRepeats,
    DelayPs,
    DwellS,
    EnergyApproach,
    EnergyEv,
    FluenceMjCm2,
    FoilEdge,
    FoilSchedule,
    GateSchedule,
    GateSeconds,
    MaxTimeS,
    Metadata,
    Order,
    Reference,
    Sample,
    Series,
    UntilSigma,
)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of every plan that measures."""

    sample: Sample = ""
    series: Series = ""
    md: Metadata | None = None
    approach: EnergyApproach | None = None


@dataclass(frozen=True, kw_only=True)
class ScanOptions(RunOptions):
    """Options of every scan over points."""

    dwell_s: DwellS = 6.0
    repeats: ChosenRepeats | None = None
    order: Order | None = None

    @property
    def passes(self) -> int:
        """Number of passes over all points."""
        return 1 if self.repeats is None else self.repeats


@dataclass(frozen=True, kw_only=True)
class PowderOptions(ScanOptions):
    """Options of a scan of the powder, which can bring along the foil scans that calibrate its energies."""

    foil: FoilSchedule = Schedule.NONE
    foil_edge: FoilEdge = PB_L3.name


@dataclass(frozen=True, kw_only=True)
class ReferencedOptions(ScanOptions):
    """Options of a scan that can repeat its exposures with the laser blocked."""

    shutter_reference: Reference = ShutterReference.NONE


@dataclass(frozen=True, kw_only=True)
class PumpedOptions(ReferencedOptions):
    """Options of a scan at one pump fluence."""

    fluence_mj_cm2: FluenceMjCm2 = 8.83


@dataclass(frozen=True, kw_only=True)
class ScheduledOptions(PumpedOptions):
    """Options of a scan that can count until it is good enough, and bring along the runs that calibrate it.

    These share its series.
    """

    until_sigma: UntilSigma | None = None
    max_time_s: MaxTimeS | None = None
    gates: GateSchedule = Schedule.NONE
    gates_s: GateSeconds = 600.0
    foil: FoilSchedule = Schedule.NONE
    foil_edge: FoilEdge = PB_L3.name

    @property
    def has_schedule(self) -> bool:
        """Whether runs other than the scan itself are measured."""
        return {self.gates, self.foil} != {Schedule.NONE}


@dataclass(frozen=True, kw_only=True)
class PumpProbePointOptions(PumpedOptions):
    """Options of a scan of any other axis at one pump-probe point: one energy, delay and fluence.

    Without `energy_ev` the energy is that of the edge's main feature.
    """

    energy_ev: EnergyEv | None = None
    delay_ps: DelayPs = 100.0


def shared_options(options: Any, group: type) -> dict[str, Any]:
    """Return those fields of the dataclass `options` that the group of options `group` has, too, by name."""
    return {one.name: getattr(options, one.name) for one in fields(group) if hasattr(options, one.name)}
