"""One spectrum of the emission: its light, the energy of its peak and its width, by a fit with counting errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.tplm.response import FWHM
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.spectrum_sums import Lit, Optics
    from reduction.types import FloatArray

EV_NM = 1239.841984
"""Photon energy times wavelength, eV nm."""

LEAST_SIGNIFICANT = 10.0
"""Light in errors from which a spectrum is fitted."""

REACH = 4.0
"""Half width of the fitted range in full widths of the emission."""

NODES = 9
"""Nodes of the quadrature that folds the emission with the response of the spectrograph."""

OUTLIERS = 8.0
"""Step between two columns, in medians of all steps, above which it is a cosmic ray: 5.4 deviations of noise."""

ROUNDS = 3
"""Fits in turn, each weighted by the spectrum that the last one has found."""


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Counts of a point above those behind the closed shutter, with counting errors, against wavelength; (columns,).

    `noise` is the error of a column without light, counts; `exposure_s` that of the lit exposures together.
    """

    wavelength_nm: FloatArray
    counts: FloatArray
    noise: float
    exposure_s: float
    electrons_per_count: float

    @property
    def sigma(self) -> FloatArray:
        """Counting errors, counts, from the counts themselves: to be shown, not to weight a fit with."""
        return self.sigma_of(self.counts)

    def sigma_of(self, light: FloatArray) -> FloatArray:
        """Return the errors of columns that have `light` counts on average, (columns,)."""
        return np.asarray(np.sqrt(np.maximum(light, 0.0) / self.electrons_per_count + self.noise**2))


@dataclass(frozen=True, kw_only=True)
class SpectrumFit:
    """Light (counts/s), energy of the peak and full width at half maximum (eV) of a Gaussian per photon energy.

    The error of the peak is that of counting: that of the wavelengths is common to all spectra of a spectrograph.
    """

    light_per_s: Value
    peak_ev: Value
    fwhm_ev: Value
    chi_square: float
    degrees_of_freedom: int


def spectrum_of(lit: Lit, blocked: Lit, optics: Optics) -> Spectrum:
    """Return the spectrum above what the camera shows behind the closed shutter."""
    # Both have the same dwell, so that bias and dark current cancel; numbers of exposures may differ while a run
    # is under way, or after one was rejected.
    share = lit.exposures / blocked.exposures
    # Neighbours see the same background, so their differences show the noise of a column: read-out, dark current and
    # the light of the room, whatever the camera.
    # A cosmic ray must not count; counts are whole numbers, so their median alone would be too coarse.
    steps = np.abs(np.diff(blocked.counts))
    scatter = math.sqrt(float((steps[steps <= OUTLIERS * max(np.median(steps), 1.0)] ** 2).mean()) / 2)
    per_exposure = max(scatter, 0.5) / math.sqrt(blocked.exposures)
    return Spectrum(
        wavelength_nm=optics.wavelengths_nm(lit.settings["wavelength_nm"]),
        counts=lit.counts - share * blocked.counts,
        noise=per_exposure * math.sqrt(lit.exposures + lit.exposures**2 / blocked.exposures),
        exposure_s=lit.exposure_s,
        electrons_per_count=optics.electrons_per_count,
    )


def fit_spectrum(spectrum: Spectrum, optics: Optics) -> SpectrumFit:
    """Return the Gaussian per energy that, folded with the spectrograph's response, describes the spectrum.

    Raises ReductionError if there is too little light.
    """
    found = _start(spectrum)
    used = np.abs(EV_NM / spectrum.wavelength_nm - found[1]) < REACH * FWHM * math.exp(found[2])
    counts = spectrum.counts[used]
    wavelength = spectrum.wavelength_nm[used]
    response_nm = math.hypot(optics.fwhm_nm / FWHM, optics.dispersion_nm / math.sqrt(12))
    sigma = spectrum.sigma_of(_model(found, wavelength, response_nm, optics.dispersion_nm))
    for _ in range(ROUNDS):
        weights = sigma

        def misfit(tried: FloatArray, weights: FloatArray = weights) -> FloatArray:
            """Return the distances of the counts from the model in units of `weights`, counts, shape (columns,)."""
            return np.asarray((_model(tried, wavelength, response_nm, optics.dispersion_nm) - counts) / weights)

        fit = scipy.optimize.least_squares(misfit, found, x_scale=[found[0] * 0.01, 0.001, 0.01, 1.0])
        found = np.asarray(fit.x, dtype=float)
        sigma = spectrum.sigma_of(_model(found, wavelength, response_nm, optics.dispersion_nm))
    # The parameters differ by nine powers of ten, so they are scaled before the inversion.
    scale = 1 / np.linalg.norm(np.array(fit.jac, dtype=float), axis=0)
    slopes: FloatArray = np.array(fit.jac, dtype=float) * scale
    errors = scale * np.sqrt(np.diag(np.linalg.pinv(slopes.T @ slopes)))
    fwhm = FWHM * math.exp(found[2])
    return SpectrumFit(
        light_per_s=Value(float(found[0]) / spectrum.exposure_s, float(errors[0]) / spectrum.exposure_s),
        peak_ev=Value(float(found[1]), float(errors[1])),
        fwhm_ev=Value(fwhm, fwhm * float(errors[2])),
        chi_square=2 * float(fit.cost),
        degrees_of_freedom=int(used.sum()) - 4,
    )


def _start(spectrum: Spectrum) -> FloatArray:
    """Return light (counts), peak (eV), logarithm of the standard deviation (eV), and floor, to begin a fit with."""
    width = 15
    smooth = np.convolve(spectrum.counts, np.ones(width) / width, mode="same")
    top = int(smooth.argmax())
    if smooth[top] < LEAST_SIGNIFICANT * spectrum.noise / math.sqrt(width):
        raise ReductionError("The spectrum has no light above its noise. Check mirror and shutter, or expose longer.")
    above = smooth > smooth[top] / 2
    # The columns around the top that are above half of it: a full width, also beside another line.
    left = top - int(np.argmin(above[top::-1])) if not above[: top + 1].all() else 0
    right = top + int(np.argmin(above[top:])) if not above[top:].all() else len(above) - 1
    energies = EV_NM / spectrum.wavelength_nm[[left, right]]
    fwhm = max(float(energies[0] - energies[1]), 5e-3)
    light = float(spectrum.counts[max(left - width, 0) : right + width].sum())
    return np.array([light, EV_NM / spectrum.wavelength_nm[top], math.log(fwhm / FWHM), 0.0])


def _model(found: FloatArray, wavelength: FloatArray, response_nm: float, dispersion_nm: float) -> FloatArray:
    """Return the counts of columns, (columns,)."""
    light, peak, log_sigma, floor = found
    sigma = math.exp(min(log_sigma, 2.0))
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    # Light of a wavelength nearby, by a normal distribution about the column's own.
    energy = EV_NM / (wavelength[:, np.newaxis] + response_nm * nodes)
    per_ev = np.exp(-(((energy - peak) / sigma) ** 2) / 2) / (math.sqrt(2 * math.pi) * sigma)
    # Per wavelength: dE = E^2 / hc dlambda.
    per_column = (per_ev * energy**2) @ (weights / weights.sum()) * dispersion_nm / EV_NM
    return np.asarray(light * per_column + floor)
