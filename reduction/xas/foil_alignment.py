"""Energy calibration by the whole curve of a reference foil, instead of by one point of it.

Where a foil is steepest depends on the metal: lead has a shoulder at its tabulated edge of 13 035 eV and is steepest at
13 040.6 eV. A curve that was measured once, on an axis that is trusted, has no such convention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.calibration import FoilSpectrum

LARGEST_SHIFT_EV = 10.0
"""Largest shift that is searched: more than any monochromator drifts between two calibrations."""

BELOW_EDGE_EV = 20.0
ABOVE_EDGE_EV = 40.0
"""Window about the steepest point of the reference: the rise and the first structures above it."""

_COARSE_STEP_EV = 0.5
_PARAMETERS = 4
# Residual over the height of the edge above which both curves are not of one metal (chosen).
_WORST_MATCH = 0.1
_LEAST_POINTS = 12


@dataclass(frozen=True, kw_only=True)
class FoilAlignment:
    """Shift of a foil to higher energies relative to the reference, eV: add its negative to the energy axis.

    `gain`: absorption relative to the reference, by the thickness of the foils. `residual`: standard deviation about
    the shifted reference, and `correlation` how many points deviate together: 1 for noise, more where the curves differ
    in shape, for example by their resolution. The error of the shift contains both.
    """

    shift_ev: Value
    gain: float
    residual: float
    correlation: float
    points: int


def align_foil(
    spectrum: FoilSpectrum, reference: FoilSpectrum, *, largest_shift_ev: float = LARGEST_SHIFT_EV
) -> FoilAlignment:
    """Return the shift, eV, by which the absorption matches that of a reference foil of the same metal.

    Model: absorption(E) = offset + slope x E + gain x reference(E - shift), least squares over the window about the
    steepest point of the reference, which is interpolated by a cubic spline. Offset and slope are those of the ion
    chambers. The error comes from the residuals, and is enlarged if neighbouring residuals are correlated. Raises
    ReductionError with fewer than 12 points in the window, if the best shift is at its limit, or for a foil of a
    different metal.
    """
    problem = _Problem.of(spectrum, reference, largest_shift_ev)
    number = int(2 * np.ceil(largest_shift_ev / _COARSE_STEP_EV)) + 1
    grid = np.linspace(-largest_shift_ev, largest_shift_ev, number)
    best = int(np.argmin([problem.squares(float(shift)) for shift in grid]))
    if best in (0, number - 1):
        raise ReductionError(
            f"The best shift lies at the limit of {largest_shift_ev:g} eV. Check that both foils are of one metal, or "
            "raise largest_shift_ev."
        )
    bounds = (float(grid[best - 1]), float(grid[best + 1]))
    shift_ev = float(
        scipy.optimize.minimize_scalar(problem.squares, bounds=bounds, method="bounded", options={"xatol": 1e-4}).x
    )
    return problem.result(shift_ev)


@dataclass(frozen=True, kw_only=True)
class _Problem:
    energy_ev: FloatArray
    absorption: FloatArray
    curve: scipy.interpolate.CubicSpline

    @classmethod
    def of(cls, spectrum: FoilSpectrum, reference: FoilSpectrum, largest_shift_ev: float) -> _Problem:
        """Choose the points that stay within the reference at any shift up to `largest_shift_ev`, eV.

        Raises ReductionError if they are too few.
        """
        steepest_ev = float(reference.energy_ev[np.gradient(reference.absorption, reference.energy_ev).argmax()])
        low = max(steepest_ev - BELOW_EDGE_EV, reference.energy_ev[0] + largest_shift_ev)
        high = min(steepest_ev + ABOVE_EDGE_EV, reference.energy_ev[-1] - largest_shift_ev)
        inside = (spectrum.energy_ev >= low) & (spectrum.energy_ev <= high)
        if inside.sum() < _LEAST_POINTS:
            raise ReductionError(
                f"{inside.sum()} points lie within {low:.0f} to {high:.0f} eV; the alignment needs {_LEAST_POINTS}. "
                "Scan the edge more finely."
            )
        return cls(
            energy_ev=spectrum.energy_ev[inside],
            absorption=spectrum.absorption[inside],
            curve=scipy.interpolate.CubicSpline(reference.energy_ev, reference.absorption),
        )

    def squares(self, shift_ev: float) -> float:
        """Return the sum of squared residuals of the best offset, slope and gain, at a shift in eV."""
        return float(np.sum(self._solve(shift_ev)[1] ** 2))

    def result(self, shift_ev: float) -> FoilAlignment:
        """Return the alignment at its best shift, eV, with the error from the residuals."""
        (*_, gain), residual = self._solve(shift_ev)
        moved = -gain * self.curve(self.energy_ev - shift_ev, 1)
        jacobian = np.column_stack([self._design(shift_ev), moved])
        points = self.energy_ev.size
        variance = float(np.sum(residual**2)) / (points - _PARAMETERS)
        correlation = _correlation(residual)
        height = gain * float(np.ptp(self.curve(self.energy_ev - shift_ev)))
        if not variance**0.5 < _WORST_MATCH * height:
            raise ReductionError(
                f"The foil does not look like the reference: it deviates by {variance**0.5:.2g} from an edge of "
                f"{height:.2g}. Check that both foils are of one metal, and that the foil is in the beam."
            )
        covariance = variance * correlation * np.linalg.inv(jacobian.T @ jacobian)
        return FoilAlignment(
            shift_ev=Value(shift_ev, float(np.sqrt(covariance[-1, -1]))),
            gain=float(gain),
            residual=variance**0.5,
            correlation=correlation,
            points=points,
        )

    def _solve(self, shift_ev: float) -> tuple[FloatArray, FloatArray]:
        design = self._design(shift_ev)
        solution: FloatArray = np.asarray(np.linalg.lstsq(design, self.absorption, rcond=None)[0], dtype=np.float64)
        return solution, self.absorption - design @ solution

    def _design(self, shift_ev: float) -> FloatArray:
        x = self.energy_ev - self.energy_ev.mean()
        return np.column_stack([np.ones_like(x), x, self.curve(self.energy_ev - shift_ev)])


def _correlation(residual: FloatArray) -> float:
    """Return by how much correlated residuals enlarge a variance: 1 + 2 x their positive autocorrelations, at least 1.

    The sum ends at the first lag without a significant positive correlation: later ones are noise.
    """
    points = residual.size
    total = 1.0
    for lag in range(1, points // 2):
        correlation = float(residual[lag:] @ residual[:-lag] / (residual @ residual))
        if correlation < 2.0 / np.sqrt(points):
            break
        total += 2.0 * correlation
    return total
