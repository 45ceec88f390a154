"""Which phase of CsPbBr3 a powder pattern shows, from the positions of its lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize, nnls

from errors import ReductionError
from reduction.diffraction import GRAPHITE_INV_ANGSTROM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reduction.diffraction import Pattern

_SAME_LINE = 2e-3
_LARGEST_STRAIN = 0.01
_WIDTHS_INV_ANGSTROM = (0.006, 0.06)


@dataclass(frozen=True)
class Phase:
    """Orthogonal unit cell (a, b, c) in Angstrom, and which reflections the space group allows."""

    name: str
    cell_angstrom: tuple[float, float, float]
    allowed: Callable[[tuple[int, int, int]], bool]

    def lines_inv_angstrom(self, low: float, high: float) -> NDArray[np.float64]:
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


ORTHORHOMBIC = Phase("orthorhombic", (8.2440, 11.7351, 8.1982), _pnma)
"""Pnma at room temperature: Stoumpos et al., Cryst. Growth Des. 13, 2722 (2013)."""

TETRAGONAL = Phase("tetragonal", (8.259, 8.259, 5.897), _p4mbm)
"""P4/mbm above 88 degrees in the bulk: Rodova et al., J. Therm. Anal. Calorim. 71, 667 (2003)."""

CUBIC = Phase("cubic", (5.874, 5.874, 5.874), _pm3m)
"""Pm-3m above 130 degrees in the bulk: Moller, Nature 182, 1436 (1958)."""

CSPBBR3 = (ORTHORHOMBIC, TETRAGONAL, CUBIC)
"""The three phases, in the order in which they appear on heating."""


class PhaseScore(NamedTuple):
    """How a phase explains a pattern.

    `bic`: chi-square + parameters x ln(points) (Bayesian information criterion); less is better. `strain`: relative
    change of the cell that fits best; `width_inv_angstrom`: standard deviation of the lines.
    """

    phase: str
    bic: float
    chi_square: float
    parameters: int
    strain: float
    width_inv_angstrom: float


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
    strain of at most 1 % (thermal expansion) and a linear background; graphite has a line of its own. A phase of lower
    symmetry has more lines and always fits better, hence the penalty for each line in use. Positions come from the
    cells of the literature, which belong to one temperature each: between phases of nearly the same cell the decision
    rests on splittings and superstructure lines, and with lines as wide as those of 10 nm crystals it needs counts.
    Raises ReductionError with too few bins.
    """
    inside = (pattern.q_inv_angstrom >= q_range_inv_angstrom[0]) & (pattern.q_inv_angstrom <= q_range_inv_angstrom[1])
    if inside.sum() < 50:
        raise ReductionError(f"{inside.sum()} bins lie in the fitted range; a phase needs 50. Widen the range.")
    q, intensity, sigma = (part[inside] for part in pattern)
    graphite = np.exp(-(((q - graphite_inv_angstrom) / graphite_width_inv_angstrom) ** 2) / 2.0)
    scores = sorted((_score(phase, q, intensity / sigma, sigma, graphite) for phase in phases), key=lambda s: s.bic)
    margin = scores[1].bic - scores[0].bic if len(scores) > 1 else np.inf
    return PhaseAssignment(scores[0].phase, float(margin), tuple(scores))


def _score(
    phase: Phase,
    q: NDArray[np.float64],
    whitened: NDArray[np.float64],
    sigma: NDArray[np.float64],
    graphite: NDArray[np.float64],
) -> PhaseScore:
    margin = _LARGEST_STRAIN * q[-1] + _WIDTHS_INV_ANGSTROM[1]
    lines = phase.lines_inv_angstrom(float(q[0] - margin), float(q[-1] + margin))
    fixed = np.array([np.ones_like(q), -np.ones_like(q), q, -q, graphite])

    def solve(strain: float, width: float) -> tuple[float, int]:
        centres = lines[:, None] / (1.0 + strain)
        peaks = np.exp(-(((q - centres) / width) ** 2) / 2.0)
        heights, distance = nnls((np.vstack([fixed, peaks]) / sigma).T, whitened)
        return float(distance**2), int((heights[len(fixed) :] > 0).sum())

    def cost(parameters: NDArray[np.float64]) -> float:
        strain, width = _LARGEST_STRAIN * np.tanh(parameters[0]), float(np.exp(parameters[1]))
        if not _WIDTHS_INV_ANGSTROM[0] <= width <= _WIDTHS_INV_ANGSTROM[1]:
            return 1e12
        return solve(float(strain), width)[0]

    widths = np.log(np.geomspace(*_WIDTHS_INV_ANGSTROM, 6)[1:-1])
    start = min(product(np.arctanh(np.linspace(-0.8, 0.8, 9)), widths), key=lambda pair: cost(np.array(pair)))
    found = minimize(cost, np.array(start), method="Nelder-Mead", options={"maxfev": 120, "xatol": 1e-3, "fatol": 0.1})
    strain, width = _LARGEST_STRAIN * float(np.tanh(found.x[0])), float(np.exp(found.x[1]))
    chi_square, used = solve(strain, width)
    parameters = used + 5
    return PhaseScore(
        phase.name, chi_square + parameters * float(np.log(q.size)), chi_square, parameters, strain, width
    )
