"""Who is killed, and when: random, but the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SESSION, WRITER, IOC, SERVER, WINDOW = "session", "writer", "IOC", "server", "window"
VICTIMS = (SESSION, WRITER, IOC, SERVER, WINDOW)
"""The writer is the thread of the session that fills the catalogue: its session is killed while it writes."""

MEAN_PAUSE_S = 1.0
"""Mean of the exponential pause between the moment when a victim is ready and its end (chosen)."""

FLUSH_S = 0.2
"""The writer is killed within this time after it began to write: a flush takes 0.15 to 0.2 s."""


@dataclass(frozen=True)
class PlannedKill:
    """SIGKILL of `victim`, `pause_s` of wall time after it was ready, or after the writer began to write."""

    victim: str
    pause_s: float


def plan_kills(count: int, seed: int) -> list[PlannedKill]:
    """`count` kills in random order, every victim as often as any other if the count allows."""
    random = np.random.default_rng(seed)
    order: list[str] = []
    while len(order) < count:
        order += [str(victim) for victim in random.permutation(VICTIMS)]
    return [PlannedKill(victim, _pause_s(victim, random)) for victim in order[:count]]


def _pause_s(victim: str, random: np.random.Generator) -> float:
    return float(random.uniform(0.0, FLUSH_S) if victim == WRITER else random.exponential(MEAN_PAUSE_S))
