"""Assignment of the phase of CsPbBr3 from the positions of the lines in a powder pattern."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

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
    """Orthogonal unit cell (a, b, c), Angstrom, and the reflections that the space group allows."""

    name: str
    cell_angstrom: tuple[float, float, float]
    allowed: Callable[[tuple[int, int, int]], bool]

    def lines_inv_angstrom(self, low: float, high: float) -> FloatArray:
        """Return q of the allowed reflections between two limits, 1/Angstrom, (n,); lines within 0.002 are merged."""
        largest = int(high * max(self.cell_angstrom) / (2 * np.pi)) + 1
        indices = [
            hkl for hkl in product(range(largest + 1), repeat=3) if any(hkl) and self.allowed((hkl[0], hkl[1], hkl[2]))
        ]
        q = np.sort(2 * np.pi * np.sqrt(np.sum((np.array(indices) / np.array(self.cell_angstrom)) ** 2, axis=1)))
        q = q[(q >= low) & (q <= high)]
        return q[np.append(True, np.diff(q) > _SAME_LINE)] if q.size else q


# Reflection conditions of the International Tables for Crystallography, volume A: glide planes extinguish the rest.
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
    """Score of a phase: how well it explains a pattern.

    `bic`: chi-square + parameters x ln(points) (Bayesian information criterion), lower is better; if even the best
    phase has a chi-square above 1 per degree of freedom, all are scaled so that it has 1. `strain`: relative change of
    the cell that fits best; `width_inv_angstrom`: standard deviation of the lines; `graphite_inv_angstrom`: position of
    the graphite line with its counting error, fitted together with the lines of the phase.
    """

    phase: str
    bic: float
    chi_square: float
    parameters: int
    strain: float
    width_inv_angstrom: float
    graphite_inv_angstrom: Value


class PhaseAssignment(NamedTuple):
    """The best phase, the `margin` of its BIC to the next one (above 10 is decisive), and all scores, best first."""

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
    """Return the phase whose lines explain a pattern best, after a fit of each phase.

    Only positions are used. Each line has a free height of at least 0; all share one width (Gaussian), one isotropic
    strain of at most 1 % (thermal expansion) and a smooth background, a cubic. Graphite has its own line near the given
    values, with free position and width, because it overlaps with the lines next to (111) of the cubic cell. A phase of
    lower symmetry has more lines and always fits better, hence the penalty for each line in use. If the counts are so
    high that no phase fits within their errors, all errors are increased by a common factor, so that a flaw of the
    model does not count as evidence. The cells are those of the literature, each at one temperature: between phases of
    similar cells the decision rests on splittings and superstructure lines, and needs many counts if the lines are as
    wide as those of 10 nm crystals. Raises ReductionError with too few bins.
    """
    inside = (pattern.q_inv_angstrom >= q_range_inv_angstrom[0]) & (pattern.q_inv_angstrom <= q_range_inv_angstrom[1])
    if inside.sum() < _LEAST_BINS:
        raise ReductionError(
            f"{inside.sum()} bins lie in the fitted range; a phase needs {_LEAST_BINS}. Widen the range."
        )
    q, intensity, sigma = (part[inside] for part in pattern)
    graphite = (graphite_inv_angstrom, graphite_width_inv_angstrom)
    fits = [_Fit(phase, q, intensity / sigma, sigma, graphite) for phase in phases]
    scores = _ranked([fit.best() for fit in fits], q.size)
    margin = scores[1].bic - scores[0].bic if len(scores) > 1 else np.inf
    return PhaseAssignment(scores[0].phase, float(margin), tuple(scores))


def _ranked(found: Sequence[PhaseScore], points: int) -> list[PhaseScore]:
    """Return the scores with their BIC, the best one first."""
    # Errors are scaled by the misfit of the best phase, if there is one; without that, high counts would decide between
    # two phases that are both wrong in the same detail.
    freedom = points - min(score.parameters for score in found)
    misfit = max(1.0, min(score.chi_square for score in found) / freedom)
    scaled = (s._replace(bic=s.chi_square / misfit + s.parameters * math.log(points)) for s in found)
    return sorted(scaled, key=lambda score: score.bic)


class _Shape(NamedTuple):
    """Parameters of the model that are not linear: strain, and widths and position in 1/Angstrom."""

    strain: float
    width: float
    graphite: float
    graphite_width: float


class _Fit:
    """Least squares of one phase: heights and background are linear and bounded, the four of `_Shape` are searched."""

    # For a given shape, the heights of lines and background follow from non-negative least squares (`nnls`), which also
    # decides which lines are in use; so the search has only four dimensions, however many lines a phase has. Strain and
    # graphite position are searched as tanh of a free number, which keeps them within their limits, and the widths as
    # logarithms.

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
        # Each power with both signs, because non-negative least squares has no negative coefficients.
        self._background = np.array([sign * centred**power for power in range(_BACKGROUND_TERMS) for sign in (1, -1)])

    def best(self) -> PhaseScore:
        """Return the best fit of the phase; `bic` is not yet scaled."""
        shape = self._shape(self._search())
        chi_square, used = self._solve(shape)
        parameters = used + _BACKGROUND_TERMS + len(shape) + 1
        graphite = Value(shape.graphite, self._graphite_error(shape))
        return PhaseScore(self._phase, chi_square, chi_square, parameters, shape.strain, shape.width, graphite)

    def _search(self) -> FloatArray:
        # A grid over strain and width first: the cost has a valley wherever some lines meet some peaks. The simplex
        # search needs no derivatives, which the changing set of lines in use would break.
        widths = np.log(np.geomspace(*_WIDTHS_INV_ANGSTROM, 6)[1:-1])
        grid = product(np.arctanh(np.linspace(-0.8, 0.8, 9)), widths)
        starts = [np.array([strain, width, 0.0, 0.0]) for strain, width in grid]
        start = min(starts, key=self._cost)
        simplex = np.vstack([start, start + np.diag([0.1, 0.1, 0.2, 0.2])])
        found = scipy.optimize.minimize(
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
        """Return chi-square, and the number of lines with a height above 0."""
        heights, distance = scipy.optimize.nnls(self._design(shape), self._whitened)
        return float(distance**2), int((heights[len(self._background) + 1 :] > 0).sum())

    def _design(self, shape: _Shape) -> FloatArray:
        centres = self._lines[:, None] / (1.0 + shape.strain)
        lines = np.exp(-(((self._q - centres) / shape.width) ** 2) / 2.0)
        graphite = np.exp(-(((self._q - shape.graphite) / shape.graphite_width) ** 2) / 2.0)
        return np.asarray((np.vstack([self._background, graphite, lines]) / self._sigma).T)

    def _graphite_error(self, shape: _Shape) -> float:
        """Return the error of the graphite position, 1/Angstrom, with free heights; infinite without a line."""
        # The derivative with respect to the position, less what the other columns can imitate: what is left determines
        # the position.
        design = self._design(shape)
        heights, _ = scipy.optimize.nnls(design, self._whitened)
        place = len(self._background)
        if heights[place] == 0.0:
            return math.inf
        slope = heights[place] * design[:, place] * (self._q - shape.graphite) / shape.graphite_width**2
        others = np.column_stack([design[:, :place:2], design[:, place:][:, heights[place:] > 0]])
        left = slope - others @ np.linalg.lstsq(others, slope, rcond=None)[0]
        return float(1.0 / np.sqrt(left @ left))
