"""Which processes are killed, and when: random, and the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SESSION = "session"
WRITER = "writer"
IOC = "IOC"
SERVER = "server"
WINDOW = "window"
VICTIMS = (SESSION, WRITER, IOC, SERVER, WINDOW)
"""The writer is the thread of the session that fills the catalogue; its session is killed while it writes."""

MEAN_PAUSE_S = 1.0
"""Mean of the exponential pause between readiness and the kill, s of wall time (chosen)."""

FLUSH_S = 0.2
"""Longest time between the start of a write and the kill of the writer, s: a flush takes 0.15 to 0.2 s."""


@dataclass(frozen=True, kw_only=True)
class PlannedKill:
    """SIGKILL of `victim`, `pause_s` of wall time after it is ready, or after the writer starts to write."""

    victim: str
    pause_s: float


def plan_kills(count: int, seed: int) -> list[PlannedKill]:
    """Return `count` kills in random order, with every victim equally often if the count allows."""
    random = np.random.default_rng(seed)
    order: list[str] = []
    while len(order) < count:
        order += [str(victim) for victim in random.permutation(VICTIMS)]
    return [PlannedKill(victim=victim, pause_s=_pause_s(victim, random)) for victim in order[:count]]


def _pause_s(victim: str, random: np.random.Generator) -> float:
    return float(random.uniform(0.0, FLUSH_S) if victim == WRITER else random.exponential(MEAN_PAUSE_S))
