"""Spectra of the species of a sequential reaction A -> B -> C, from the spectra of the decays of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.number_text import with_error
from reduction.run_kind import RunResults

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.map_fit import MapFit

_LETTERS = "ABCD"
_STEP = 1e-5


@dataclass(frozen=True, kw_only=True)
class SpeciesSpectra(RunResults):
    """Transient spectra of species that follow each other, `spectra` and `sigma` (species, energies).

    Relative to the unpumped signal, if all of the excited sample were in that species. The first one is made by the
    pump, and each decays to the next with the lifetime in its name; `energy_ev` (energies,).
    """

    energy_ev: FloatArray
    names: tuple[str, ...]
    spectra: FloatArray
    sigma: FloatArray

    def lines(self) -> list[str]:
        """Return the most significant value of the spectrum of each species (% of unpumped), and its energy (eV)."""
        lines = []
        for name, spectrum, sigma in zip(self.names, self.spectra, self.sigma, strict=True):
            index = int(np.nanargmax(np.abs(spectrum / sigma)))
            size = with_error(100 * float(spectrum[index]), 100 * float(sigma[index]))
            lines.append(f"{f'species {name}':<22} {size} % of unpumped at {self.energy_ev[index]:.2f} eV")
        return lines


def species_spectra(fit: MapFit) -> SpeciesSpectra:
    """Return the spectra of the species of a sequential reaction, shape (species, energies).

    Their errors are those of the map fit and contain the covariance of the decays' spectra with each other and with the
    lifetimes. The fit cannot tell a sequence from parallel decays: both describe the map equally well.
    """
    values = dict(zip(fit.parameters, _parameters(fit), strict=True))
    mixing = _species_of_decays(_rates(fit, values))
    slopes = np.einsum("sk,ekp->esp", mixing, fit.spectra_slopes)
    for place, name in enumerate(fit.parameters):
        if not name.startswith("log_") and name != "offset_rate_per_ns":
            continue
        # Lifetimes also change how decays are mixed; the formula has no simple derivative, so it is a small difference.
        step = _STEP * max(abs(values[name]), 1e-3)
        moved = _species_of_decays(_rates(fit, values | {name: values[name] + step}))
        slopes[:, :, place] += (((moved - mixing) / step) @ fit.spectra).T
    own = np.einsum("sk,ekl,sl->es", mixing, fit.spectra_own, mixing)
    variance = own + np.einsum("esp,pq,esq->es", slopes, fit.covariance, slopes)
    lifetimes = [f"{value.value:.3g} ps" for value in fit.lifetimes_ps]
    ends = [*lifetimes, "offset"] if fit.model.has_offset else lifetimes
    return SpeciesSpectra(
        kind="species of a map",
        energy_ev=fit.energy_ev,
        names=tuple(f"{letter}, {end}" for letter, end in zip(_LETTERS, ends, strict=False)),
        spectra=mixing @ fit.spectra,
        sigma=np.sqrt(variance.T),
    )


def _parameters(fit: MapFit) -> list[float]:
    """Return the values of those parameters that the rates need, in the order of the fit; 0 for all others."""
    taus = np.log([value.value for value in fit.lifetimes_ps])
    found = dict(zip(fit.model.log_lifetimes, [taus[0], *np.diff(taus)], strict=True))
    if fit.offset_rate_per_ns is not None:
        found["offset_rate_per_ns"] = fit.offset_rate_per_ns.value
    return [float(found.get(name, 0.0)) for name in fit.parameters]


def _rates(fit: MapFit, values: dict[str, float]) -> FloatArray:
    """Return the rates of the decays, 1/ps, from fast to slow, (components,)."""
    rates = np.exp(-np.cumsum([values[name] for name in fit.model.log_lifetimes]))
    if not fit.model.has_offset:
        return np.asarray(rates)
    return np.append(rates, 1e-3 * values.get("offset_rate_per_ns", 0.0))


def _species_of_decays(rates: FloatArray) -> FloatArray:
    """Return the matrix that makes the spectra of species from those of decays, (species, components).

    Concentration of species j: c_j(t) = product of the rates before j x sum over l <= j of exp(-k_l t) / product over
    m <= j, m != l of (k_m - k_l) (Bateman 1910). The spectrum of decay l is the sum of all species times their share of
    it, so the inverse of that matrix leads back.
    """
    number = len(rates)
    shares = np.zeros((number, number))
    for species in range(number):
        made = float(np.prod(rates[:species]))
        for decay in range(species + 1):
            others = [rates[other] - rates[decay] for other in range(species + 1) if other != decay]
            shares[species, decay] = made / float(np.prod(others))
    return np.asarray(np.linalg.inv(shares.T))
