"""All kinds of faults by name, and faults made from a name and parameters."""

from __future__ import annotations

from dataclasses import fields

from sim.errors import SimulationInputError
from sim.physics import beam_faults as beam
from sim.physics import device_faults as device
from sim.physics.fault import Fault

KINDS: dict[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (
        *(beam.BeamDump, beam.TopUp, beam.FluxDrift, beam.I0Dropout, beam.JetStall, beam.Bubbles, beam.LaserUnlock),
        *(beam.LaserPower, device.LaserShutterStuck, device.XrayShutterCloses, device.DelayJump, device.MotorStall),
        *(device.DetectorStuck, device.FrameStale, beam.GatesLost, beam.ApdSaturation, device.PvGone),
        *(device.MonitorsStop, device.CellRunaway, device.CellUnsettled, device.PilatusDead, device.DiskFull),
        *(device.IocFreeze, device.IocDeath),
    )
}
"""All kinds by name."""


def make_fault(kind: str, parameters: dict[str, object]) -> Fault:
    """A fault of `kind`; raises SimulationInputError for an unknown kind or parameter, or a value that is wrong."""
    if kind not in KINDS:
        raise SimulationInputError(f"Unknown fault {kind!r}; known: {', '.join(KINDS)}")
    known = {item.name: item.default for item in fields(KINDS[kind])}
    for name, value in parameters.items():
        if name not in known:
            raise SimulationInputError(f"{kind} has no parameter {name!r}; known: {', '.join(known) or 'none'}")
        if not _fits(value, known[name]):
            kind_of_value = type(known[name]).__name__
            raise SimulationInputError(f"{kind}: {name} = {value!r} must be a {kind_of_value}")
    return KINDS[kind](**parameters)


def _fits(value: object, default: object) -> bool:
    if isinstance(default, str):
        return isinstance(value, str)
    if isinstance(value, bool):
        return isinstance(default, int)
    return isinstance(value, int) if isinstance(default, int) else isinstance(value, int | float)
