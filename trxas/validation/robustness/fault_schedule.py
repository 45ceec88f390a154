"""Which faults strike, for how long, and when: random, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from errors import InputError
from trxas.configuration import load_configuration
from trxas.simulation import FaultKind, simulated_faults

SESSION_KILL = "SessionKill"
"""SIGKILL of the measuring process; the only kind that is not a fault of the simulation."""

SHORTEST_S = 0.1
LONGEST_S = 1.5
"""Limits of a fault's duration, wall time: from less than one exposure to many (chosen)."""

GAP_S = 1.0
"""Mean of the exponential pause between the end of a fault and the next, wall time (chosen)."""


@dataclass(frozen=True, kw_only=True)
class PlannedFault:
    """A fault of `kind`, `gap_s` after the end of the previous one, for `duration_s`; both wall time.

    `switch` is the name of the PV that switches it on, "" for the kill of the session.

    `wall_clock`: the simulation takes the duration of this kind in wall time too, not in beam time. `parameters` by the
    last part of their PV names.
    """

    kind: str
    switch: str = ""
    gap_s: float
    duration_s: float
    wall_clock: bool = False
    parameters: Mapping[str, float | str] = field(default_factory=dict)


def known_kinds() -> list[FaultKind]:
    """Return the faults that the simulation lists, and the kill of the session.

    Raises ConfigurationError if the simulation does not start.
    """
    return [*simulated_faults(load_configuration().simulation_options), FaultKind(name=SESSION_KILL, wall_clock=True)]


def chosen_kinds(names: str | None) -> list[FaultKind]:
    """Return the kinds with these names, separated by commas, or all; raises InputError for an unknown name."""
    kinds = {kind.name: kind for kind in known_kinds()}
    if names is None:
        # Kinds without variants are shown by the result of a run alone: every audit of points would fail with them.
        return [kind for kind in kinds.values() if kind.variants]
    chosen = names.split(",")
    if unknown := set(chosen) - set(kinds):
        raise InputError(f"Unknown kinds of faults: {', '.join(sorted(unknown))}. Known: {', '.join(kinds)}.")
    return [kinds[name] for name in chosen]


def plan_faults(count: int, seed: int, kinds: Sequence[FaultKind]) -> list[PlannedFault]:
    """Return `count` faults in random order, with every kind equally often if the count allows."""
    random = np.random.default_rng(seed)
    # Permutations one after the other: every kind comes equally often, and no kind can be missed by chance, as it could
    # in a draw of single faults.
    order: list[int] = []
    while len(order) < count:
        order += [int(index) for index in random.permutation(len(kinds))]
    return [_drawn(kinds[index], random) for index in order[:count]]


def _drawn(kind: FaultKind, random: np.random.Generator) -> PlannedFault:
    variants = kind.variants or ({},)
    return PlannedFault(
        kind=kind.name,
        switch=kind.switch,
        gap_s=float(random.exponential(GAP_S)),
        duration_s=float(random.uniform(SHORTEST_S, LONGEST_S)),
        wall_clock=kind.wall_clock,
        parameters=dict(variants[int(random.integers(len(variants)))]),
    )
