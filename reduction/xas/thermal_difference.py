"""Differences of spectra between temperatures, with the shift of the band gap (paper, SI 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.values import Value
from reduction.xas.static_xas import SpectrumPoints, StaticSpectrum, normalisation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import FloatArray
from reduction.xas.alignment import Alignment, align, covered_points, independent_variance

VARSHNI_ALPHA_EV_PER_K = -7.3e-5
"""Varshni's alpha of CsPbBr3 nanocrystals, 80 to 550 K (SI 8)."""

VARSHNI_BETA_K = 314.0
"""Varshni's beta of CsPbBr3 nanocrystals (SI 8)."""

ZERO_CELSIUS_K = 273.15


class ThermalDifference(NamedTuple):
    """Normalised spectrum at one temperature minus that at the reference temperature, on the energies of the latter.

    `aligned`: mean of two spectra, one only aligned and one also Varshni-corrected; `difference`: `aligned` minus the
    reference; both with the errors of counting, of the alignment and of the normalisation. `varshni_half_ev`: half of
    the Varshni shift; `varshni_systematic` (points,): half of the difference between the two spectra that are averaged.
    `by_reference` (points, reference points): derivative of the difference with respect to the counts per I0 of the
    reference, whose errors all differences to it share.
    """

    aligned: SpectrumPoints
    difference: SpectrumPoints
    shift_ev: Value
    varshni_half_ev: float
    varshni_systematic: FloatArray
    temperature_c: float
    by_reference: FloatArray


def band_gap_change_ev(temperature_c: ArrayLike, reference_c: float = 25.0) -> FloatArray:
    """Return Eg(T) - Eg(reference), eV, with Varshni's Eg(T) = Eg(0) - alpha T^2 / (T + beta), T in kelvin.

    With the parameters of SI 8 it is +6.5 meV from 25 to 140 C. Raises ReductionError below absolute zero.
    """
    kelvin = np.asarray(temperature_c, dtype=float) + ZERO_CELSIUS_K
    reference_k = reference_c + ZERO_CELSIUS_K
    if kelvin.min() < 0 or reference_k < 0:
        raise ReductionError(f"Temperatures must be above {-ZERO_CELSIUS_K} degrees Celsius. Check the unit.")
    terms = [value**2 / (value + VARSHNI_BETA_K) for value in (kelvin, reference_k)]
    return np.asarray(-VARSHNI_ALPHA_EV_PER_K * (terms[0] - terms[1]))


def thermal_difference(
    spectrum: StaticSpectrum, reference: StaticSpectrum, alignment: Alignment | None = None
) -> ThermalDifference:
    """Align a spectrum to the reference temperature, apply half of the Varshni shift, normalise and subtract.

    Without an `alignment` the spectra are aligned in the edge-integral window of the reference. The part of the shift's
    error that does not come from the counts of the two spectra is independent of them. The final spectrum is the mean
    of the aligned one and of the same spectrum with its band gap shifted by the Varshni change (SI 8), because the
    alignment may or may not have removed that change. All errors are propagated through shift and normalisation. Raises
    ReductionError for spectra of different edges, and as `align` and `normalise` do.
    """
    _require_one_edge(spectrum, reference)
    source = spectrum.measured
    target = reference.measured
    alignment = alignment or align(source, target, reference.windows.edge_integral_ev)
    gap_ev = float(band_gap_change_ev(spectrum.temperature_c, reference.temperature_c))
    shift_ev = alignment.shift_ev.value
    grid = covered_points(target.energy_ev, source.energy_ev, (shift_ev, shift_ev - gap_ev))
    energy = target.energy_ev[grid]
    moved = _Moved.of(source, energy + shift_ev, gap_ev)
    covered = SpectrumPoints(energy, target.intensity[grid], target.covariance[np.ix_(grid, grid)])
    value, scale = normalisation(
        SpectrumPoints(energy, moved.mean @ source.intensity, covered.covariance), reference.windows
    )
    base, base_scale = normalisation(covered, reference.windows)
    of_base = np.zeros((energy.size, target.energy_ev.size))
    of_base[:, grid] = base_scale
    by_source, by_target, of_shift = _derivatives(alignment, moved, scale, source, target)
    return ThermalDifference(
        aligned=SpectrumPoints(energy, value, _propagate(by_source, source) + _propagate(by_target, target) + of_shift),
        difference=SpectrumPoints(
            energy, value - base, _propagate(by_source, source) + _propagate(by_target - of_base, target) + of_shift
        ),
        shift_ev=alignment.shift_ev,
        varshni_half_ev=gap_ev / 2.0,
        varshni_systematic=np.asarray(scale @ moved.half_difference),
        temperature_c=spectrum.temperature_c,
        by_reference=by_target - of_base,
    )


def _require_one_edge(spectrum: StaticSpectrum, reference: StaticSpectrum) -> None:
    if spectrum.edge != reference.edge:
        raise ReductionError(
            f"The spectra are of different edges, {spectrum.edge} and {reference.edge}. Give spectra of one edge."
        )


def _derivatives(
    alignment: Alignment, moved: _Moved, scale: FloatArray, source: SpectrumPoints, target: SpectrumPoints
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the derivatives of the aligned spectrum with respect to both spectra, and the remaining variance.

    (points, source points), (points, target points), (points, points); `scale` is the derivative of the normalisation.
    """
    # Every result is linear in the counts to first order, so its covariance is that of the derivatives with respect to
    # the measured # intensities of both spectra. The spectrum enters by its own value and by the shift; the reference
    # enters by the shift that was fitted to it, and once more where it is subtracted. What the shift owes to neither is
    # added.
    by_source = scale @ (moved.mean + np.outer(moved.slope, alignment.by_spectrum))
    by_target = scale @ np.outer(moved.slope, alignment.by_reference)
    of_shift = independent_variance(alignment, source, target) * np.outer(scale @ moved.slope, scale @ moved.slope)
    return by_source, by_target, of_shift


class _Moved(NamedTuple):
    """A spectrum interpolated with and without the Varshni shift, at energies of the reference.

    `mean` (points, source points) gives the mean of both as a linear function of the source's intensities; `slope`
    (points,) is its derivative with respect to the shift, per eV; `half_difference` (points,) half of the difference
    between the two.
    """

    mean: FloatArray
    slope: FloatArray
    half_difference: FloatArray

    @classmethod
    def of(cls, source: SpectrumPoints, energy_ev: FloatArray, gap_ev: float) -> _Moved:
        """Return the spectrum at `energy_ev` as the mean of a copy aligned as it is and one shifted by `gap_ev`.

        Matrices have the shape (energies of the result, energies of `source`).
        """
        basis = scipy.interpolate.CubicSpline(source.energy_ev, np.eye(source.energy_ev.size))
        aligned = basis(energy_ev)
        corrected = basis(energy_ev - gap_ev)
        return cls(
            mean=(aligned + corrected) / 2.0,
            slope=np.asarray((basis(energy_ev, 1) + basis(energy_ev - gap_ev, 1)) @ source.intensity / 2.0),
            half_difference=np.asarray((corrected - aligned) @ source.intensity / 2.0),
        )


def _propagate(operator: FloatArray, points: SpectrumPoints) -> FloatArray:
    return np.asarray(operator @ points.covariance @ operator.T)
