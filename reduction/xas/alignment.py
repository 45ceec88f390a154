"""Energy alignment of temperature-dependent spectra (paper, SI 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.values import Value
from reduction.xas.static_xas import SpectrumPoints

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray


_COARSE_STEP_EV = 0.2
_FINE_STEP_EV = 0.05
_LEAST_POINTS = 6


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Shift of a spectrum to higher energies relative to a reference; subtract it from the energies to align.

    `gain`: intensity relative to the reference. `chi_square` shows whether the shapes agree; if they do not, the shift
    is that of the best match, and its error, which comes from the counts, does not include the difference of shape.
    `by_spectrum` and `by_reference` (points,): derivatives of the shift with respect to each measured intensity, for
    the errors of results that depend on it.
    """

    shift_ev: Value
    gain: float
    chi_square: float
    degrees_of_freedom: int
    by_spectrum: FloatArray
    by_reference: FloatArray


def derivative_area_curve(
    spectrum: SpectrumPoints, reference: SpectrumPoints, shifts_ev: FloatArray, window_ev: tuple[float, float]
) -> FloatArray:
    """Return the paper's optimisation parameter for each shift removed from the spectrum (Figure S6), (shifts,).

    | |area of the spectrum's first derivative, normalised to its maximum| - |the same of the reference| |, within
    `window_ev` of the reference's axis. The area under a derivative is the difference of the end values, so this
    compares the intensities at the two ends of the window only: with both ends on flat parts it does not depend on the
    shift at all, and it has a minimum only if an end lies on the rise of the edge. There it uses one or two points,
    and noise in the maximum of the derivative; hence `align`, which uses all of them. Raises ReductionError if the
    window holds fewer than six points.
    """
    grid = _inside(reference.energy_ev, window_ev)
    energy = reference.energy_ev[grid]
    target = _derivative_area(energy, reference.intensity[grid])
    curve = scipy.interpolate.CubicSpline(spectrum.energy_ev, spectrum.intensity)
    areas = [_derivative_area(energy, curve(energy + shift)) for shift in shifts_ev]
    return np.abs(np.array(areas) - target)


def align(
    spectrum: SpectrumPoints,
    reference: SpectrumPoints,
    window_ev: tuple[float, float],
    *,
    largest_shift_ev: float = 1.5,
) -> Alignment:
    """Return the shift between two spectra, eV, from all points of the spectrum within `window_ev`.

    Model: spectrum(E) = offset + gain x reference(E - shift), with free offset and gain. This compares the first
    derivatives up to a normalisation, which the paper's recipe aims at (see `derivative_area_curve` for its actual
    effect), without the noise of numerical derivatives. It needs no scaling before the alignment, which would depend on
    the shift. The reference is interpolated by a cubic spline. Choose a window that the scan covers in steps not wider
    than the structures. Raises ReductionError if the window holds too few points or the shift is at its limit.
    """
    low = reference.energy_ev[0] + largest_shift_ev
    high = reference.energy_ev[-1] - largest_shift_ev
    points = _inside(spectrum.energy_ev, (max(window_ev[0], low), min(window_ev[1], high)))
    problem = _Shift(
        spectrum.energy_ev[points],
        spectrum.intensity[points],
        spectrum.covariance[np.ix_(points, points)],
        reference,
        scipy.interpolate.CubicSpline(reference.energy_ev, np.eye(reference.energy_ev.size)),
    )
    return problem.result(_best_shift_ev(problem, largest_shift_ev), points)


def _best_shift_ev(problem: _Shift, largest_shift_ev: float) -> float:
    """Return the shift of least cost, eV: two grids find the valley, a bounded search its bottom."""
    # The valley is as wide as the structures of an edge, 1 eV and more, which the coarse grid cannot miss. In it, the
    # interpolation ripples the cost on the scale of half a step of the scan; the fine grid finds the deepest ripple.
    number = 2 * int(np.ceil(largest_shift_ev / _COARSE_STEP_EV)) + 1
    coarse = np.linspace(-largest_shift_ev, largest_shift_ev, number)
    best = int(np.argmin([problem.solve(float(shift)).cost for shift in coarse]))
    if best in (0, number - 1):
        raise ReductionError(
            f"The best shift lies at the limit of {largest_shift_ev:g} eV. Check that both spectra show the same edge, "
            "or raise the limit."
        )
    first = float(coarse[best - 1])
    last = float(coarse[best + 1])
    grid = np.linspace(first, last, 2 * int(np.ceil((last - first) / 2 / _FINE_STEP_EV)) + 1)
    inside = [problem.solve(float(shift)).cost for shift in grid[1:-1]]
    best = 1 + int(np.argmin(inside))
    bounds = (float(grid[best - 1]), float(grid[best + 1]))
    found = scipy.optimize.minimize_scalar(
        lambda shift: problem.solve(float(shift)).cost, bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    return float(found.x)


def known_alignment(shift_ev: Value, spectrum: SpectrumPoints, reference: SpectrumPoints) -> Alignment:
    """Return an alignment by a shift, eV, known with its error from other data, such as 0 for a motor that returned.

    `align` mistakes a change of shape for a shift to the extent that the change resembles the derivative. A shift that
    is known better than that should not be fitted.
    """
    sizes = spectrum.energy_ev.size, reference.energy_ev.size
    return Alignment(
        shift_ev=shift_ev,
        gain=1.0,
        chi_square=0.0,
        degrees_of_freedom=0,
        by_spectrum=np.zeros(sizes[0]),
        by_reference=np.zeros(sizes[1]),
    )


class _Solution(NamedTuple):
    cost: float
    chi_square: float
    gain: float
    design: FloatArray
    inverse_design: FloatArray


class _Shift(NamedTuple):
    energy_ev: FloatArray
    intensity: FloatArray
    covariance: FloatArray
    reference: SpectrumPoints
    basis: scipy.interpolate.CubicSpline

    def solve(self, shift: float, order: int = 0) -> _Solution:
        """Return the best offset and gain at a shift, eV; with `order` 1 the shift itself is one of the columns."""
        # Minus twice the log likelihood of normal data: chi-square plus the logarithm of the determinant of the
        # covariance. The reference has noise too, and interpolation by a spline averages it between the points: plain
        # least squares would prefer shifts of half a step (by up to a quarter of an error). The covariance is that of
        # spectrum - gain x interpolated reference, so it depends on the shift, and the determinant removes the
        # preference. The gain in it is that of an unweighted fit, good enough for a weight.
        interpolate = self.basis(self.energy_ev - shift)
        level = interpolate @ self.reference.intensity
        gain = float(np.polyfit(level, self.intensity, 1)[0])
        factor = scipy.linalg.cho_factor(
            self.covariance + gain**2 * interpolate @ self.reference.covariance @ interpolate.T
        )
        columns = [np.ones_like(level), level]
        if order:
            columns.append(-gain * (self.basis(self.energy_ev - shift, 1) @ self.reference.intensity))
        design = np.column_stack(columns)
        weighted = scipy.linalg.cho_solve(factor, design)
        values = np.linalg.solve(design.T @ weighted, weighted.T @ self.intensity)
        residual = self.intensity - design[:, :2] @ values[:2]
        chi_square = float(residual @ scipy.linalg.cho_solve(factor, residual))
        determinant = 2.0 * float(np.log(np.diag(factor[0])).sum())
        return _Solution(chi_square + determinant, chi_square, gain, design, weighted)

    def result(self, shift: float, points: BoolArray) -> Alignment:
        """Return the alignment at a `shift` in eV, with its error and derivatives.

        `points` is the mask of the energies that take part, shape (energies,).
        """
        plain = self.solve(shift)
        full = self.solve(shift, order=1)
        # Linearised in (offset, gain, shift): row 2 of (A^T C^-1 A)^-1 A^T C^-1 is the derivative of the shift with
        # respect to the # measured spectrum. The reference enters the residual with -gain x interpolation.
        covariance = np.linalg.inv(full.design.T @ full.inverse_design)
        influence = covariance[2] @ full.inverse_design.T
        by_spectrum = np.zeros(points.size)
        by_spectrum[points] = influence
        by_reference = -full.gain * influence @ self.basis(self.energy_ev - shift)
        return Alignment(
            shift_ev=Value(shift, float(np.sqrt(covariance[2, 2]))),
            gain=full.gain,
            chi_square=plain.chi_square,
            degrees_of_freedom=int(points.sum()) - 3,
            by_spectrum=by_spectrum,
            by_reference=np.asarray(by_reference),
        )


def independent_variance(alignment: Alignment, source: SpectrumPoints, target: SpectrumPoints) -> float:
    """Return the part of the shift's variance that does not come from the counts of both spectra, eV^2."""
    by_source = alignment.by_spectrum
    by_target = alignment.by_reference
    counted = by_source @ source.covariance @ by_source + by_target @ target.covariance @ by_target
    return max(alignment.shift_ev.sigma**2 - float(counted), 0.0)


def covered_points(energy_ev: FloatArray, available_ev: FloatArray, shifts_ev: tuple[float, ...]) -> BoolArray:
    """Return a mask, shape (energies,), of the energies in eV that the spectrum covers at all `shifts_ev`.

    A spline must not extrapolate.
    """
    low = available_ev[0] - min(shifts_ev)
    high = available_ev[-1] - max(shifts_ev)
    return np.asarray((energy_ev >= low) & (energy_ev <= high))


def _derivative_area(energy_ev: FloatArray, intensity: FloatArray) -> float:
    derivative = np.gradient(intensity, energy_ev)
    return abs(float(np.trapezoid(derivative / np.abs(derivative).max(), energy_ev)))


def _inside(energy_ev: FloatArray, window_ev: tuple[float, float]) -> BoolArray:
    inside = (energy_ev >= window_ev[0]) & (energy_ev <= window_ev[1])
    if inside.sum() < _LEAST_POINTS:
        raise ReductionError(
            f"{inside.sum()} points lie within {window_ev[0]:g} to {window_ev[1]:g} eV; an alignment needs "
            f"{_LEAST_POINTS}. Widen the window or scan more finely."
        )
    return np.asarray(inside)
