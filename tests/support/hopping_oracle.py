"""Kinetic Monte Carlo of excitons that hop between nanocrystals which remember a visit, after SI 2 of the paper.

Small and in coarse steps: it is compared with the forward model in shape, not in numbers. A crystal is fast from a
visit until it relaxes; an exciton hops to a fast neighbour more probably than to a slow one, and decays at a constant
rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """A periodic square lattice, and probabilities per step: of a hop to a slow or to a fast crystal, and of decay."""

    edge: int = 48
    slow: float = 0.05
    fast: float = 0.20
    decay: float = 0.08
    steps: int = 25


@dataclass(frozen=True, kw_only=True)
class Hopping:
    """Outcome of a steady state: share of fast crystals before a pulse, of crystals visited per pulse, and spreading.

    `squared` (steps,): mean squared displacement along one axis of the excitons that are alive, in sites squared.
    """

    fast_share: float
    visited_share: float
    squared: NDArray[np.float64]

    @property
    def diffusivity(self) -> float:
        """Half of the slope of the displacement, sites squared per step."""
        step = np.arange(1, len(self.squared) + 1)
        return float((self.squared * step).sum() / (step**2).sum() / 2)


def steady_state(lattice: Lattice, excitons: float, staying: float, pulses: int, seed: int) -> Hopping:
    """Return the steady state under pulses of `excitons` per crystal, of which `staying` stay fast until the next."""
    rng = np.random.default_rng(seed)
    fast = np.zeros((lattice.edge, lattice.edge), dtype=bool)
    shares, visits, squared, weights = [], [], np.zeros(lattice.steps), np.zeros(lattice.steps)
    for pulse in range(pulses):
        fast &= rng.random(fast.shape) < staying
        used = pulse >= pulses // 3
        if used:
            shares.append(fast.mean())
        seen, moved, alive = _one_pulse(lattice, fast, rng, rng.poisson(excitons * fast.size))
        if used:
            visits.append(seen.mean())
            squared += moved
            weights += alive
        fast |= seen
    return Hopping(
        fast_share=float(np.mean(shares)),
        visited_share=float(np.mean(visits)),
        squared=squared / np.maximum(weights, 1),
    )


def _one_pulse(
    lattice: Lattice, fast: NDArray[np.bool_], rng: np.random.Generator, number: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return which crystals were visited, and summed squared displacements and excitons alive after every step."""
    start = rng.integers(lattice.edge, size=(number, 2))
    place = start.copy()
    seen = np.zeros_like(fast)
    seen[tuple(place.T)] = True
    squared, alive = np.zeros(lattice.steps), np.zeros(lattice.steps)
    for step in range(lattice.steps):
        target = place + NEIGHBOURS[rng.integers(4, size=len(place))]
        state = fast[tuple((target % lattice.edge).T)]
        hops = rng.random(len(place)) < np.where(state, lattice.fast, lattice.slow)
        place = np.where(hops[:, np.newaxis], target, place)
        stays = rng.random(len(place)) >= lattice.decay
        place, start = place[stays], start[stays]
        seen[tuple((place % lattice.edge).T)] = True
        squared[step], alive[step] = ((place - start) ** 2).sum() / 2, len(place)
    return seen, squared, alive
