"""Spectrum of the emission, and the counts of the camera behind the spectrograph."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from sim.errors import SimulationInputError
from sim.physics.tplm.diffusion import BOLTZMANN_MEV_K, ROOM_K
from sim.physics.tplm.sample import Film, Spectrograph, Spectrum
from sim.physics.tplm.setting import Setting
from sim.types import FloatArray, Image

EV_NM = 1239.841984
"""Photon energy times wavelength, eV nm."""

FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian in standard deviations."""

COLUMNS = 1340
ROWS = 100
"""Pixels of the camera (vendor's data sheet of the Pixis 100)."""

FULL_COUNTS = 65_535
"""Largest number of the camera's 16-bit converter."""

FINE = 4
"""Steps per pixel in which the spectrum is folded with the response of the spectrograph."""

LASER_NM = 405.0
"""Wavelength of the laser, which reaches the spectrograph with the filters out."""

LASER_FWHM_NM = 1.0
"""Width of the laser's line, nm (chosen: a diode laser)."""


@dataclass(frozen=True, kw_only=True)
class Readout:
    """What the camera does with the light: rows that are read separately, after binning."""

    exposure_s: float
    rows: int


def peak_ev(spectrum: Spectrum, setting: Setting) -> float:
    """Return the photon energy of the maximum of the emission per energy, eV.

    The gap of lead halide perovskites widens with the temperature. A shift with the power, none in the paper's films,
    is given per decade from 1 nW.
    """
    warmed = 1e-3 * spectrum.shift_mev_k * (setting.temperature_k - ROOM_K)
    lit = 1e-3 * spectrum.shift_mev_decade * math.log10(max(setting.power_nw, 1e-3))
    return spectrum.peak_ev + warmed + lit


def fwhm_ev(spectrum: Spectrum, temperature_k: float) -> float:
    """Return the full width at half maximum, eV: a constant part, and one by the phonons that the temperature excites.

    Gamma(T) = Gamma_0 + Gamma_LO / (exp(E_LO / kT) - 1), the usual law of semiconductors.
    """
    phonons = 1 / math.expm1(spectrum.phonon_mev / (BOLTZMANN_MEV_K * temperature_k))
    return 1e-3 * (spectrum.cold_fwhm_mev + spectrum.phonon_fwhm_mev * phonons)


def wavelengths_nm(spectrograph: Spectrograph, centre_nm: float, steps: int = 1) -> FloatArray:
    """Return the wavelength in the middle of every column, or of each of its equal `steps`, nm."""
    place = (np.arange(COLUMNS * steps) + 0.5) / steps - COLUMNS / 2
    return np.asarray(centre_nm + spectrograph.offset_nm + spectrograph.dispersion_nm * place)


def electrons_per_s(film: Film, setting: Setting, *, centre_nm: float) -> FloatArray:
    """Return the rate at which light makes electrons in each column, 1/s, (columns,).

    `centre_nm` is what the spectrograph shows. Without filters the line of the laser is added.
    """
    ambient = np.full(COLUMNS, film.spectrograph.ambient_hz + setting.ambient_hz / COLUMNS)
    if not setting.shutter_open or setting.power_nw == 0:
        return ambient
    fading = math.exp(-film.emission.bleach_per_nw_s * setting.dose_nw_s)
    light = film.spectrograph.electrons_per_s_per_nw * setting.power_nw * fading
    shape = _emission(film, peak_ev(film.spectrum, setting), fwhm_ev(film.spectrum, setting.temperature_k), centre_nm)
    seen = ambient + light * shape
    if setting.filters_in:
        return seen
    return seen + film.spectrograph.laser_electrons_per_s_per_nw * setting.power_nw * _laser_line(film, centre_nm)


@functools.lru_cache(maxsize=32)
def _emission(film: Film, peak: float, width: float, centre_nm: float) -> FloatArray:
    """Return the share of all emitted light in each column."""
    wavelength = wavelengths_nm(film.spectrograph, centre_nm, FINE)
    # Outside the visible a wavelength near 0 would have an endless energy; there is no emission there.
    energy = EV_NM / np.maximum(wavelength, 100.0)
    sigma = width / FWHM
    per_ev = np.exp(-(((energy - peak) / sigma) ** 2) / 2) / (math.sqrt(2 * math.pi) * sigma)
    # A Gaussian per energy; the camera counts per wavelength, dE = E^2 / hc dlambda.
    per_column = per_ev * energy**2 / EV_NM * film.spectrograph.dispersion_nm / FINE
    return _binned(film, per_column)


@functools.lru_cache(maxsize=8)
def _laser_line(film: Film, centre_nm: float) -> FloatArray:
    wavelength = wavelengths_nm(film.spectrograph, centre_nm, FINE)
    sigma = LASER_FWHM_NM / FWHM
    per_nm = np.exp(-(((wavelength - LASER_NM) / sigma) ** 2) / 2) / (math.sqrt(2 * math.pi) * sigma)
    return _binned(film, per_nm * film.spectrograph.dispersion_nm / FINE)


def _binned(film: Film, fine: FloatArray) -> FloatArray:
    """Fold a spectrum in fine steps with the image of the entrance, and add up the steps of each column."""
    sigma = film.spectrograph.fwhm_nm / FWHM / film.spectrograph.dispersion_nm * FINE
    reach = math.ceil(5 * sigma)
    response = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    folded = np.convolve(fine, response / response.sum(), mode="same")
    return np.asarray(folded.reshape(COLUMNS, FINE).sum(axis=1))


def draw_image(rng: np.random.Generator, film: Film, electrons: FloatArray, readout: Readout) -> Image:
    """Draw the image, shape (rows, columns) in counts, of an exposure with the mean `electrons` per column.

    The light is spread evenly over the rows. Every bin that is read adds the noise of the amplifier once; rows that are
    binned on the chip share it.
    """
    camera = film.spectrograph
    dark = camera.dark_e_s * ROWS * readout.exposure_s
    mean = np.broadcast_to((electrons + dark) / readout.rows, (readout.rows, COLUMNS))
    collected = rng.poisson(mean) + camera.read_noise_e * rng.standard_normal(mean.shape)
    counts = np.rint(camera.bias_counts + collected / camera.electrons_per_count)
    return np.clip(counts, 0, FULL_COUNTS).astype(np.int32)


def rows_of(size: int, binning: int) -> int:
    """Return the rows of an image of `size` pixels in groups of `binning`; raises SimulationInputError for none."""
    if not 1 <= binning <= ROWS or not 1 <= size <= ROWS or size // binning < 1:
        raise SimulationInputError(f"{size} rows in groups of {binning}: give 1 to {ROWS} rows, and groups no larger")
    return size // binning
