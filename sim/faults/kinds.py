"""The table of all kinds of faults, and faults made from a name and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sim.errors import SimulationInputError
from sim.faults import beam_faults as beam
from sim.faults import device_faults as device
from sim.faults import drift_faults as drift
from sim.faults import server_faults as server
from sim.faults.fault import Fault
from sim.physics.effects import MEANINGS, EffectSizes

KINDS: dict[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (
        beam.BeamDump,
        beam.TopUp,
        beam.FluxDrift,
        beam.Glitch,
        beam.I0Dropout,
        beam.JetStall,
        beam.Bubbles,
        beam.LaserUnlock,
        beam.LaserPower,
        device.LaserShutterStuck,
        device.XrayShutterCloses,
        device.DelayJump,
        device.MotorStall,
        device.DetectorStuck,
        device.FrameStale,
        beam.GatesLost,
        beam.ApdSaturation,
        beam.GateDrift,
        beam.LaserLight,
        drift.TimeZeroDrift,
        drift.EnergyDrift,
        drift.PointingDrift,
        drift.SampleDamage,
        drift.ChamberOffset,
        device.CellRunaway,
        device.CellUnsettled,
        device.PilatusDead,
        device.DiskFull,
        server.PvGone,
        server.MonitorsStop,
        server.IocFreeze,
        server.IocDeath,
    )
}
"""All kinds of the beamline by name: PVs, fault files, `--list-faults` and random schedules follow from this table."""


@dataclass(frozen=True, kw_only=True)
class FaultTable:
    """The faults of one experiment: its kinds by name, and the beginning of the names of their PVs."""

    kinds: Mapping[str, type[Fault]]
    prefix: str

    def switch(self, kind: str) -> str:
        """Return the name of the PV that switches a fault of `kind` on for some seconds, without the macro."""
        return f"{self.prefix}Fault:{kind}"


BEAMLINE = FaultTable(kinds=KINDS, prefix="7idd:sim:")
"""Faults of the X-ray beamline."""


def parameter_name(name: str) -> str:
    """Return the last part of the PV name of a parameter: `jump_ps` becomes `JumpPs`."""
    return "".join(word.capitalize() for word in name.split("_"))


def make_fault(kind: str, parameters: dict[str, object], table: FaultTable = BEAMLINE) -> Fault:
    """Return a fault of `kind`; raises SimulationInputError for an unknown kind or parameter, or a wrong value."""
    if kind not in table.kinds:
        raise SimulationInputError(f"Unknown fault {kind!r}; known: {', '.join(table.kinds)}")
    known = {item.name: item.default for item in fields(table.kinds[kind])}
    for name, value in parameters.items():
        if name not in known:
            raise SimulationInputError(f"{kind} has no parameter {name!r}; known: {', '.join(known) or 'none'}")
        if not _fits(value, known[name]):
            kind_of_value = type(known[name]).__name__
            raise SimulationInputError(f"{kind}: {name} = {value!r} must be a {kind_of_value}")
    return table.kinds[kind](**parameters)


def fault_list(table: FaultTable = BEAMLINE) -> list[Mapping[str, Any]]:
    """Return one mapping per kind: name, switch, meaning, whether its times are wall time in s, and its variants.

    Parameters of a variant have the names with which their PVs end.
    """
    return [
        {
            "kind": name,
            "switch": table.switch(name),
            "meaning": kind.meaning,
            "wall_clock": kind.wall_clock,
            "variants": [{parameter_name(key): value for key, value in one.items()} for one in kind.variants],
        }
        for name, kind in table.kinds.items()
    ]


def effect_list() -> list[Mapping[str, Any]]:
    """Return one mapping per effect: the last part of its PV's name, its meaning, and its default, in usual sizes."""
    return [
        {"effect": parameter_name(item.name), "meaning": MEANINGS[item.name], "default": item.default}
        for item in fields(EffectSizes)
    ]


def _fits(value: object, default: object) -> bool:
    if isinstance(default, str):
        return isinstance(value, str)
    if isinstance(value, bool):
        return isinstance(default, int)
    return isinstance(value, int) if isinstance(default, int) else isinstance(value, int | float)
