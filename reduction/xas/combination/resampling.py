"""Values measured on several grids as one curve on a common grid, with its full covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.fit_quality import quality_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import FloatArray

_NEAR = 0.5
_END_WITHIN = 0.1
# Below this share of its own error a combination of residuals is exactly fixed by the recipes, such as by an integral
# that is 0; it says nothing about the agreement.
_FIXED = 1e-6
_WORST_CONDITION = 1e10


@dataclass(frozen=True, kw_only=True)
class MeasuredCurve:
    """A curve of one run: `x` and `y` (points,), and the `covariance` (points, points) of its counting.

    `common` (errors, points) are changes by errors that the points share, and so do other runs with the same
    `calibration`, any number that names it.
    """

    x: FloatArray
    y: FloatArray
    covariance: FloatArray
    common: FloatArray
    calibration: int = 0

    @property
    def sigma(self) -> FloatArray:
        """Standard errors of the counting, (points,), in the unit of `y`."""
        return np.sqrt(np.diag(self.covariance))


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Chi-square of the runs about their combined curve; below p = 0.001 they do not measure the same."""

    chi_square: float
    degrees_of_freedom: int

    @property
    def text(self) -> str:
        """Chi-square with its p-value, and a mark if the runs do not agree."""
        return quality_text(self.chi_square, self.degrees_of_freedom).replace(
            "BAD FIT: do not trust its errors",
            "THE RUNS DO NOT AGREE, or the grid is too coarse: do not trust their mean",
        )


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """One curve on the common grid `x` (nodes,) from several `curves`.

    `operators` turn what each run has measured into its part of the combined curve, (nodes, points of the run) each:
    values add up, and so do covariances after both sides have been multiplied.
    """

    x: FloatArray
    operators: tuple[FloatArray, ...]
    curves: tuple[MeasuredCurve, ...]

    @property
    def y(self) -> FloatArray:
        """The combined curve, (nodes,)."""
        return self.applied([curve.y for curve in self.curves])

    def applied(self, values: Sequence[FloatArray]) -> FloatArray:
        """Return other values of the same points, an array (points of the run,) per run, on the grid, (nodes,)."""
        return np.asarray(sum(operator @ value for operator, value in zip(self.operators, values, strict=True)))

    def independent_sigma(self, sigmas: Sequence[FloatArray]) -> FloatArray:
        """Return standard errors of independent points, an array per run, on the grid, (nodes,)."""
        pairs = zip(self.operators, sigmas, strict=True)
        return np.asarray(np.sqrt(sum(operator**2 @ sigma**2 for operator, sigma in pairs)))

    @cached_property
    def covariance(self) -> FloatArray:
        """Covariance of the combined curve, shape (nodes, nodes), in the unit of `y` squared."""
        parts = zip(self.operators, self.curves, strict=True)
        counting = sum(operator @ curve.covariance @ operator.T for operator, curve in parts)
        return np.asarray(counting + self.common.T @ self.common)

    @cached_property
    def common(self) -> FloatArray:
        """Change of the combined curve by each error that points or runs share, shape (errors, nodes)."""
        return np.asarray(self._shared @ np.concatenate(self.operators, axis=1).T)

    @property
    def _shared(self) -> FloatArray:
        """Change of all points of all runs by each shared error, (errors, points of all runs)."""
        rows = []
        for calibration in dict.fromkeys(curve.calibration for curve in self.curves if curve.common.size):
            # One calibration moves all its runs together, row by row; that of another date is independent of it.
            errors = max(len(curve.common) for curve in self.curves if curve.calibration == calibration)
            moved = [
                curve.common
                if curve.calibration == calibration and curve.common.size
                else np.zeros((errors, curve.x.size))
                for curve in self.curves
            ]
            rows.append(np.concatenate(moved, axis=1))
        total = sum(curve.x.size for curve in self.curves)
        return np.concatenate(rows) if rows else np.zeros((0, total))

    @cached_property
    def agreement(self) -> Agreement:
        """Chi-square of all points about the combined curve, interpolated linearly, with the covariance of both.

        Without degrees of freedom if no grid point was measured twice.
        """
        interpolation = np.concatenate([hat_functions(self.x, curve.x) for curve in self.curves])
        sizes = [curve.x.size for curve in self.curves]
        counting = self._shared.T @ self._shared
        place = 0
        for size, curve in zip(sizes, self.curves, strict=True):
            counting[place : place + size, place : place + size] += curve.covariance
            place += size
        inside = interpolation.sum(axis=1) > 0
        # Residual = (1 - interpolation x operator) data, so its covariance follows from that of the data alone.
        remover = (np.eye(len(counting)) - interpolation @ np.concatenate(self.operators, axis=1))[inside]
        data = np.concatenate([curve.y for curve in self.curves])
        sigma = np.concatenate([curve.sigma for curve in self.curves])[inside]
        residual = remover @ data / sigma
        spread, directions = np.linalg.eigh((remover @ counting @ remover.T) / np.outer(sigma, sigma))
        free = spread > _FIXED
        chi_square = float(np.sum((directions.T @ residual)[free] ** 2 / spread[free]))
        return Agreement(chi_square=chi_square, degrees_of_freedom=int(free.sum()))


def common_grid(positions: Sequence[FloatArray]) -> FloatArray:
    """Return a grid, (nodes,), that holds the run with the most points, and others where they are finer or go farther.

    A point is added where it is farther from every node than half the distance to its nearest neighbour in its own run.
    Every node is then a point of some run, in the unit of the positions.
    """
    order = sorted(positions, key=len, reverse=True)
    nodes = np.unique(order[0])
    for position in order[1:]:
        own = np.unique(position)
        steps = np.diff(own) if own.size > 1 else np.array([np.inf])
        nearest = np.minimum(np.append(np.inf, steps), np.append(steps, np.inf)) if own.size > 1 else steps
        distance = np.abs(own[:, None] - nodes).min(axis=1)
        nodes = np.unique(np.concatenate([nodes, own[distance > _NEAR * nearest * (1 + 1e-9)]]))
    return np.asarray(nodes)


def hat_functions(grid: FloatArray, x: FloatArray) -> FloatArray:
    """Return the linear interpolation from a grid (nodes,) to `x`, as a matrix (points, nodes); 0 outside the grid.

    A read-back that lies outside by less than a tenth of the last step still belongs to the last node.
    """
    matrix = np.zeros((x.size, grid.size))
    steps = np.diff(grid)
    inside = (x >= grid[0] - _END_WITHIN * steps[0]) & (x <= grid[-1] + _END_WITHIN * steps[-1])
    x = np.clip(x, grid[0], grid[-1])
    left = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, grid.size - 2)
    share = (x - grid[left]) / (grid[left + 1] - grid[left])
    rows = np.flatnonzero(inside)
    matrix[rows, left[rows]] = 1.0 - share[rows]
    matrix[rows, left[rows] + 1] = share[rows]
    return matrix


def resampled(curves: Sequence[MeasuredCurve], grid: FloatArray | None = None) -> Resampled:
    """Return the curves on one grid, by default that of `common_grid`, weighted by the errors of their counting.

    The combined curve is linear between its nodes, and their values are those that fit the points of all runs best:
    a point between two nodes counts for both. On a grid coarser than the runs this averages, on their own grid it
    leaves single points as they are. Covariances are propagated in full, those within a run too. Points outside a given
    grid are left out. Raises ReductionError for a grid that is not ascending, or that the points do not determine.
    """
    if not curves:
        raise ReductionError("Nothing to combine: give at least one run.")
    nodes = common_grid([curve.x for curve in curves]) if grid is None else np.asarray(grid, dtype=float)
    if nodes.ndim != 1 or nodes.size < 2 or np.any(np.diff(nodes) <= 0):
        raise ReductionError("The grid of a combination must be a list of at least two ascending positions.")
    # The weights are those of the errors point by point: the exact inverse of the full covariance does not exist where
    # a recipe fixes a combination of points. The estimate stays unbiased, and its covariance is the exact one for it.
    matrices = [hat_functions(nodes, curve.x) for curve in curves]
    weighted = [matrix.T / curve.sigma**2 for matrix, curve in zip(matrices, curves, strict=True)]
    normal = np.asarray(sum(left @ matrix for left, matrix in zip(weighted, matrices, strict=True)))
    _require_supported(nodes, normal)
    inverse = np.linalg.inv(normal)
    return Resampled(x=nodes, operators=tuple(inverse @ left for left in weighted), curves=tuple(curves))


def _require_supported(nodes: FloatArray, normal: FloatArray) -> None:
    missing = nodes[np.diag(normal) <= 0]
    if missing.size:
        raise ReductionError(
            f"No run has a point near {', '.join(f'{node:g}' for node in missing[:5])} of the given grid. Leave these "
            "positions out, or leave out the grid, and one is chosen."
        )
    scale = np.sqrt(np.diag(normal))
    if np.linalg.cond(normal / np.outer(scale, scale)) > _WORST_CONDITION:
        raise ReductionError("The given grid is finer than the points of the runs. Make it coarser.")
