"""Which faults strike, how long, and when: random, but the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SESSION_KILL = "SessionKill"
"""SIGKILL of the process that measures; the only kind that is not the simulation's."""

BEAM_KINDS = (
    *("BeamDump", "TopUp", "FluxDrift", "I0Dropout", "JetStall", "Bubbles", "LaserUnlock", "LaserPower"),
    *("LaserShutterStuck", "XrayShutterCloses", "DelayJump", "MotorStall", "DetectorStuck", "FrameStale"),
    *("GatesLost", "ApdSaturation", "CellRunaway", "CellUnsettled", "PilatusDead", "DiskFull"),
)
"""Kinds whose duration is beam time."""

WATCH_KINDS = ("PvGone", "MonitorsStop", "IocFreeze", "IocDeath")
"""Kinds whose duration is wall time."""

ALL_KINDS = (*BEAM_KINDS, *WATCH_KINDS, SESSION_KILL)

GOING_PVS = (
    *("7idd:laser:Lock", "S:SRcurrentAI", "7idd:jet:FlowAI", "7idd:digDelay1:actualDelay", "7idd:laser:PowerAI"),
    *("7idd:scaler1.CNT", "amofg1a:spc:Frame", "7idd:xrayShutter:Status", "7idd:session:HolderHeartbeat"),
)
"""PVs that disappear, one at a time: of the beam, the laser, the jet, an axis, the detectors, a shutter, the lock."""

PARAMETERS: dict[str, tuple[dict[str, float | str], ...]] = {
    "LaserUnlock": ({"Firing": 1}, {"Firing": 0}),
    "MotorStall": ({"Done": 1}, {"Done": 0}),
    "FrameStale": ({"Detector": "both"}, {"Detector": "spc"}, {"Detector": "boxcar"}),
    "TopUp": ({"IntervalS": 30}, {"IntervalS": 10}),
    "PvGone": tuple({"Pv": pv} for pv in GOING_PVS),
    "MonitorsStop": ({"Pv": ""}, {"Pv": "7idd:jet:FlowAI"}, {"Pv": "7idd:digDelay1:actualDelay"}),
    "IocDeath": ({"OtherPort": 0}, {"OtherPort": 1}),
}
"""Variants of a kind, by the PVs of its parameters; one is drawn. The others strike with their defaults.

A delay jump that no PV shows is left out: nothing that watches PVs can see it, only `delay_self_test` finds it.
"""

SHORTEST_S, LONGEST_S = 0.1, 1.5
"""Limits of a fault's duration, wall time: from less than one exposure to many (chosen)."""

GAP_S = 1.0
"""Mean of the exponential pause between the end of a fault and the next, wall time (chosen)."""


@dataclass(frozen=True)
class PlannedFault:
    """A fault of `kind`, `gap_s` after the one before it has ended, for `duration_s`, both wall time."""

    kind: str
    gap_s: float
    duration_s: float
    parameters: dict[str, float | str] = field(default_factory=dict)


def plan_faults(count: int, seed: int, kinds: tuple[str, ...] = ALL_KINDS) -> list[PlannedFault]:
    """`count` faults in random order, every kind as often as any other if the count allows."""
    random = np.random.default_rng(seed)
    order: list[str] = []
    while len(order) < count:
        order += [str(kind) for kind in random.permutation(kinds)]
    return [_drawn(kind, random) for kind in order[:count]]


def _drawn(kind: str, random: np.random.Generator) -> PlannedFault:
    variants = PARAMETERS.get(kind, ({},))
    return PlannedFault(
        kind=kind,
        gap_s=float(random.exponential(GAP_S)),
        duration_s=float(random.uniform(SHORTEST_S, LONGEST_S)),
        parameters=dict(variants[int(random.integers(len(variants)))]),
    )
