"""Random emission spectra and spectrographs, whose truth the analysis must find."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BOLTZMANN_MEV_K = 0.08617333
ROOM_K = 296.0

WAVELENGTH_ERROR_NM = 0.2
"""Standard error of all wavelengths that the analysis is given."""


@dataclass(frozen=True, kw_only=True)
class HiddenSpectrum:
    """Hidden truth: peak (eV), its shifts (meV), parts of the width (meV), sensitivity, error of wavelengths (nm).

    `peak_ev` is that at 296 K and 1 nW; `offset_nm` is by how much the spectrograph's wavelengths are wrong.
    """

    peak_ev: float
    shift_mev_k: float
    shift_mev_decade: float
    cold_fwhm_mev: float
    phonon_fwhm_mev: float
    electrons_per_s_per_nw: float
    offset_nm: float

    def peak_at(self, power_nw: float) -> float:
        """Return the true energy of the peak at 296 K and a power, nW, in eV."""
        return self.peak_ev + 1e-3 * self.shift_mev_decade * math.log10(power_nw)

    @property
    def fwhm_ev(self) -> float:
        """True full width at half maximum at 296 K, eV."""
        phonons = 1 / math.expm1(PHONON_MEV / (BOLTZMANN_MEV_K * ROOM_K))
        return 1e-3 * (self.cold_fwhm_mev + self.phonon_fwhm_mev * phonons)

    def tables(self) -> dict[str, dict[str, float]]:
        """Return the tables of a sample file, by name."""
        shape = ("peak_ev", "shift_mev_k", "shift_mev_decade", "cold_fwhm_mev", "phonon_fwhm_mev")
        optics = ("electrons_per_s_per_nw", "offset_nm")
        return {
            "spectrum": {**{name: getattr(self, name) for name in shape}, "phonon_mev": PHONON_MEV},
            "spectrograph": {name: getattr(self, name) for name in optics},
        }


PHONON_MEV = 19.4
"""Energy of the phonon that broadens the emission, meV, in the film's file and in the truth."""


def draw_spectrum(rng: np.random.Generator) -> HiddenSpectrum:
    """Return a random spectrum: green emission that may shift with power and temperature."""
    return HiddenSpectrum(
        peak_ev=float(rng.uniform(2.35, 2.45)),
        shift_mev_k=float(rng.uniform(0.0, 0.25)),
        shift_mev_decade=float(rng.uniform(-2.0, 2.0)),
        cold_fwhm_mev=float(rng.uniform(15.0, 40.0)),
        phonon_fwhm_mev=float(rng.uniform(50.0, 90.0)),
        electrons_per_s_per_nw=float(rng.uniform(3000.0, 6000.0)),
        offset_nm=float(rng.normal(0.0, WAVELENGTH_ERROR_NM)),
    )
