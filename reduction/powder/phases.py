"""Which phase of CsPbBr3 a powder pattern shows, from the positions of its lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize, nnls

from errors import ReductionError
from reduction.powder.diffraction import GRAPHITE_INV_ANGSTROM
from reduction.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.powder.diffraction import Pattern
    from reduction.types import FloatArray

_LEAST_BINS = 50
_BACKGROUND_TERMS = 4
_GRAPHITE_RANGE = 0.02
_SAME_LINE = 2e-3
_LARGEST_STRAIN = 0.01
_WIDTHS_INV_ANGSTROM = (0.006, 0.06)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Orthogonal unit cell (a, b, c) in Angstrom, and which reflections the space group allows."""

    name: str
    cell_angstrom: tuple[float, float, float]
    allowed: Callable[[tuple[int, int, int]], bool]

    def lines_inv_angstrom(self, low: float, high: float) -> FloatArray:
        """Scattering vectors of the allowed reflections between two limits; those closer than 0.002 are one."""
        largest = int(high * max(self.cell_angstrom) / (2 * np.pi)) + 1
        indices = [
            hkl for hkl in product(range(largest + 1), repeat=3) if any(hkl) and self.allowed((hkl[0], hkl[1], hkl[2]))
        ]
        q = np.sort(2 * np.pi * np.sqrt(np.sum((np.array(indices) / np.array(self.cell_angstrom)) ** 2, axis=1)))
        q = q[(q >= low) & (q <= high)]
        return q[np.append(True, np.diff(q) > _SAME_LINE)] if q.size else q


def _pnma(hkl: tuple[int, int, int]) -> bool:
    h, k, length = hkl
    return not ((h == 0 and (k + length) % 2) or (length == 0 and h % 2))


def _p4mbm(hkl: tuple[int, int, int]) -> bool:
    h, k, _ = hkl
    return not ((h == 0 and k % 2) or (k == 0 and h % 2))


def _pm3m(hkl: tuple[int, int, int]) -> bool:
    return any(hkl)


ORTHORHOMBIC = Phase(name="orthorhombic", cell_angstrom=(8.2440, 11.7351, 8.1982), allowed=_pnma)
"""Pnma at room temperature: Stoumpos et al., Cryst. Growth Des. 13, 2722 (2013)."""

TETRAGONAL = Phase(name="tetragonal", cell_angstrom=(8.259, 8.259, 5.897), allowed=_p4mbm)
"""P4/mbm above 88 degrees in the bulk: Rodova et al., J. Therm. Anal. Calorim. 71, 667 (2003)."""

CUBIC = Phase(name="cubic", cell_angstrom=(5.874, 5.874, 5.874), allowed=_pm3m)
"""Pm-3m above 130 degrees in the bulk: Moller, Nature 182, 1436 (1958)."""

CSPBBR3 = (ORTHORHOMBIC, TETRAGONAL, CUBIC)
"""The three phases, in the order in which they appear on heating."""


class PhaseScore(NamedTuple):
    """How a phase explains a pattern.

    `bic`: chi-square + parameters x ln(points) (Bayesian information criterion), chi-square being scaled so that the
    best phase has one per degree of freedom if it has more; less is better. `strain`: relative change of the cell that
    fits best; `width_inv_angstrom`: standard deviation of the lines; `graphite_inv_angstrom`: position of the graphite
    line, with the error of counting, where the phase's own lines are taken into account.
    """

    phase: str
    bic: float
    chi_square: float
    parameters: int
    strain: float
    width_inv_angstrom: float
    graphite_inv_angstrom: Value


class PhaseAssignment(NamedTuple):
    """The best phase, by how much it beats the next one, and all scores, best first; `margin` above 10 decides."""

    phase: str
    margin: float
    scores: tuple[PhaseScore, ...]


def assign_phase(
    pattern: Pattern,
    phases: Sequence[Phase] = CSPBBR3,
    *,
    q_range_inv_angstrom: tuple[float, float] = (1.3, 2.8),
    graphite_inv_angstrom: float = GRAPHITE_INV_ANGSTROM,
    graphite_width_inv_angstrom: float = 0.01,
) -> PhaseAssignment:
    """Fit each phase's lines to a pattern and compare.

    Only positions are used: each line has a free height of at least 0, common are the width (Gaussian), one isotropic
    strain of at most 1 % (thermal expansion) and a smooth background, a cubic. Graphite has a line of its own, near the
    values given, whose place and width are free: it overlaps with the lines next to (111) of the cubic cell. A phase of
    lower symmetry has more lines and always fits better, hence the penalty for each line in use. A pattern with so many
    counts that no phase fits within their errors is judged with errors that are larger by a common factor, so that a
    flaw of the model does not pass for evidence. Positions come from the cells of the literature, which belong to one
    temperature each: between phases of nearly the same cell the decision rests on splittings and superstructure lines,
    and with lines as wide as those of 10 nm crystals it needs counts. Raises ReductionError with too few bins.
    """
    inside = (pattern.q_inv_angstrom >= q_range_inv_angstrom[0]) & (pattern.q_inv_angstrom <= q_range_inv_angstrom[1])
    if inside.sum() < _LEAST_BINS:
        raise ReductionError(
            f"{inside.sum()} bins lie in the fitted range; a phase needs {_LEAST_BINS}. Widen the range."
        )
    q, intensity, sigma = (part[inside] for part in pattern)
    graphite = (graphite_inv_angstrom, graphite_width_inv_angstrom)
    fits = [_Fit(phase, q, intensity / sigma, sigma, graphite) for phase in phases]
    found = [fit.best() for fit in fits]
    freedom = q.size - min(score.parameters for score in found)
    misfit = max(1.0, min(score.chi_square for score in found) / freedom)
    scores = sorted(
        (s._replace(bic=s.chi_square / misfit + s.parameters * math.log(q.size)) for s in found), key=lambda s: s.bic
    )
    margin = scores[1].bic - scores[0].bic if len(scores) > 1 else np.inf
    return PhaseAssignment(scores[0].phase, float(margin), tuple(scores))


class _Shape(NamedTuple):
    """What the model is not linear in."""

    strain: float
    width: float
    graphite: float
    graphite_width: float


class _Fit:
    """Least squares of one phase: heights and background linear and bounded, the four of `_Shape` searched."""

    def __init__(
        self,
        phase: Phase,
        q: FloatArray,
        whitened: FloatArray,
        sigma: FloatArray,
        graphite: tuple[float, float],
    ) -> None:
        margin = _LARGEST_STRAIN * q[-1] + _WIDTHS_INV_ANGSTROM[1]
        self._phase = phase.name
        self._q = q
        self._whitened = whitened
        self._sigma = sigma
        self._lines = phase.lines_inv_angstrom(float(q[0] - margin), float(q[-1] + margin))
        self._graphite, self._graphite_width = graphite
        centred = (q - q.mean()) / np.ptp(q)
        # Two of each sign, as the least squares know no negative coefficients.
        self._background = np.array([sign * centred**power for power in range(_BACKGROUND_TERMS) for sign in (1, -1)])

    def best(self) -> PhaseScore:
        """Return the best fit of the phase; `bic` is not yet scaled."""
        shape = self._shape(self._search())
        chi_square, used = self._solve(shape)
        parameters = used + _BACKGROUND_TERMS + len(shape) + 1
        graphite = Value(shape.graphite, self._graphite_error(shape))
        return PhaseScore(self._phase, chi_square, chi_square, parameters, shape.strain, shape.width, graphite)

    def _search(self) -> FloatArray:
        widths = np.log(np.geomspace(*_WIDTHS_INV_ANGSTROM, 6)[1:-1])
        grid = product(np.arctanh(np.linspace(-0.8, 0.8, 9)), widths)
        starts = [np.array([strain, width, 0.0, 0.0]) for strain, width in grid]
        start = min(starts, key=self._cost)
        simplex = np.vstack([start, start + np.diag([0.1, 0.1, 0.2, 0.2])])
        found = minimize(
            self._cost,
            start,
            method="Nelder-Mead",
            options={"maxfev": 500, "xatol": 1e-4, "fatol": 0.01, "initial_simplex": simplex},
        )
        return np.asarray(found.x)

    def _cost(self, parameters: FloatArray) -> float:
        shape = self._shape(parameters)
        low, high = _WIDTHS_INV_ANGSTROM
        if not (low <= shape.width <= high and low / 2 <= shape.graphite_width <= high):
            return 1e12
        return self._solve(shape)[0]

    def _shape(self, parameters: FloatArray) -> _Shape:
        strain, width, graphite, graphite_width = (float(value) for value in parameters)
        return _Shape(
            _LARGEST_STRAIN * math.tanh(strain),
            math.exp(width),
            self._graphite + _GRAPHITE_RANGE * math.tanh(graphite),
            self._graphite_width * math.exp(graphite_width),
        )

    def _solve(self, shape: _Shape) -> tuple[float, int]:
        """Chi-square, and the number of lines with a height above 0."""
        heights, distance = nnls(self._design(shape), self._whitened)
        return float(distance**2), int((heights[len(self._background) + 1 :] > 0).sum())

    def _design(self, shape: _Shape) -> FloatArray:
        centres = self._lines[:, None] / (1.0 + shape.strain)
        lines = np.exp(-(((self._q - centres) / shape.width) ** 2) / 2.0)
        graphite = np.exp(-(((self._q - shape.graphite) / shape.graphite_width) ** 2) / 2.0)
        return np.asarray((np.vstack([self._background, graphite, lines]) / self._sigma).T)

    def _graphite_error(self, shape: _Shape) -> float:
        """Error of the graphite's place with the lines in use free, the other shapes fixed; infinite without a line."""
        design = self._design(shape)
        heights, _ = nnls(design, self._whitened)
        place = len(self._background)
        if heights[place] == 0.0:
            return math.inf
        slope = heights[place] * design[:, place] * (self._q - shape.graphite) / shape.graphite_width**2
        others = np.column_stack([design[:, :place:2], design[:, place:][:, heights[place:] > 0]])
        left = slope - others @ np.linalg.lstsq(others, slope, rcond=None)[0]
        return float(1.0 / np.sqrt(left @ left))
