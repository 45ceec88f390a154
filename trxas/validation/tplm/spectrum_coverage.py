"""Coverage of emission spectra: light, peak, width and trends of random films against the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reduction.kinds import combine_runs
from reduction.run_kind import CombineChoice
from reduction.tplm.spectrum_results import SettingTrend, SpectrumResults
from reduction.values import Value
from trxas.validation.coverage.technique import Estimate
from trxas.validation.tplm.hidden_film import HiddenFilm
from trxas.validation.tplm.simulated_maps import SimulatedMaps

POWERS_NW = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Powers of a run of spectra, nW; the last one's light, peak and width are compared."""

TEMPERATURES_K = (5.0, 30.0, 60.0, 100.0, 150.0, 200.0, 250.0, 296.0)
"""Temperatures of single spectra, K: those of the paper's campaign."""

TEMPERATURE_POWER_NW = 5.0
RATE_MHZ = 2.5
DWELL_S = 10.0

PARAMETERS = ("light", "peak", "width", "exponent", "shift per decade", "shift per K")
"""Compared quantities: counts/s, eV, eV, exponent of the light against power, meV per decade of power, meV/K."""


def spectrum_estimates(maps: SimulatedMaps, film: HiddenFilm, rng: np.random.Generator) -> dict[str, Estimate]:
    """Return the estimates of a film from spectra at several powers, and at several temperatures."""
    hidden = film.spectrum
    powers = _measured(maps, film, [[(power, 296.0) for power in POWERS_NW]], rng)
    warmed = _measured(maps, film, [[(TEMPERATURE_POWER_NW, kelvin)] for kelvin in TEMPERATURES_K], rng)
    brightest = powers.points[-1].fit
    peak = Value(brightest.peak_ev.value, powers.with_scale(brightest.peak_ev))
    estimates = {
        "light": _estimate(brightest.light_per_s, hidden.electrons_per_s_per_nw * POWERS_NW[-1]),
        "peak": _estimate(peak, hidden.peak_at(POWERS_NW[-1])),
        "width": _estimate(powers.width_of(brightest), hidden.fwhm_ev),
    }
    if powers.power is not None:
        estimates["exponent"] = _estimate(powers.power.exponent, 1.0)
        estimates["shift per decade"] = _slope(powers.power.peak_mev, hidden.shift_mev_decade)
    if warmed.temperature is not None:
        estimates["shift per K"] = _slope(warmed.temperature.peak_mev_k, hidden.shift_mev_k)
    return estimates


def _measured(
    maps: SimulatedMaps, film: HiddenFilm, runs: Sequence[Sequence[tuple[float, float]]], rng: np.random.Generator
) -> SpectrumResults:
    """Return the results of runs of spectra at pairs of power (nW) and temperature (K)."""
    documents = [
        maps.spectra(film, [(power, RATE_MHZ, kelvin) for power, kelvin in run], DWELL_S, int(rng.integers(2**31)))
        for run in runs
    ]
    found = combine_runs(documents, choice=CombineChoice())
    assert isinstance(found, SpectrumResults)  # what spectra are combined to
    return found


def _slope(trend: SettingTrend, truth: float) -> Estimate:
    return _estimate(trend.slope, truth)


def _estimate(found: Value, truth: float) -> Estimate:
    return Estimate(value=found.value, sigma=found.sigma, truth=truth)
