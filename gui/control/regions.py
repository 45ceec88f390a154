"""Regions of a grid, each a start, a stop and a step: their points, and what is known about the edge they scan."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Region: TypeAlias = Sequence[float]
"""Start, stop and step in the unit of the axis."""


@dataclass(frozen=True, kw_only=True)
class EdgeOutline:
    """One absorption edge as a form draws it; all in eV.

    `regions_ev` is its usual grid, `width_ev` the full width at half maximum of its core-hole line, and `remark` what
    users have to know before they change the grid.
    """

    name: str
    edge_ev: float
    width_ev: float
    regions_ev: tuple[tuple[float, float, float], ...]
    remark: str = ""

    def step(self, energy_ev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rise of the absorption from 0 to 1 at energies in eV, same shape: an arctangent, not measured.

        The integral of a Lorentzian of the full width Gamma: 1/2 + arctan(2 (E - E0) / Gamma) / pi.
        """
        return np.asarray(0.5 + np.arctan(2.0 * (energy_ev - self.edge_ev) / self.width_ev) / np.pi)


OutlineOf: TypeAlias = Callable[[str], EdgeOutline | None]
"""Gives the outline of an edge by its name; None for an edge that is unknown or out of reach."""


def no_outline(_edge: str) -> EdgeOutline | None:
    """Return None: nothing is known about edges."""
    return None


def points_of_region(start: float, stop: float, step: float) -> list[float]:
    """Return the points of one region, both ends included, ascending.

    All numbers have the unit of the axis, such as eV or ps. A `stop` that is not a multiple of `step` is the last
    point.
    """
    # The small number makes 0:1:0.1 have eleven points in spite of rounding. A stop that is not a multiple of the step
    # is added as the last point, as people expect of "to 150", and as the plans count.
    count = math.floor((stop - start) / step + 1e-9)
    points = [round(start + index * step, 9) for index in range(count + 1)]
    return points if stop - points[-1] <= 1e-6 * step else [*points, stop]


def points_of_regions(regions: Iterable[Region]) -> list[float]:
    """Return the points of several regions, ascending; where two touch, the point counts once.

    All numbers have the unit of the axis, such as eV or ps.
    """
    return sorted({point for start, stop, step in regions for point in points_of_region(start, stop, step)})


def regions_of_points(points: Sequence[float]) -> list[list[float]]:
    """Return ascending points as regions of equal steps; fewer than two points give none.

    All numbers have the unit of the axis, such as eV or ps. A new region begins where the step changes by more than a
    thousandth.
    """
    found: list[list[float]] = []
    for before, after in itertools.pairwise(points):
        step = after - before
        if found and abs(step - found[-1][2]) <= 1e-3 * found[-1][2]:
            found[-1][1] = after
        else:
            found.append([before, after, round(step, 9)])
    return found
