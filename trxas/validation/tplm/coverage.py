"""Coverage: series of maps on random films, and whether what they give lies within its errors of the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reduction.kinds import combine_runs, reduce_run
from reduction.run_kind import CombineChoice, RunResults
from reduction.tplm.relaxation import RelaxationLaw, fit_relaxation
from reduction.tplm.results import MapResults, ResponseResults
from reduction.tplm.series_results import SeriesResults
from reduction.values import Value
from trxas.validation.coverage.technique import Campaign, Estimate
from trxas.validation.tplm.hidden_film import MAGNIFICATION_ERROR, HiddenFilm, HiddenLaw, draw_film
from trxas.validation.tplm.simulated_maps import (
    DWELL_S,
    OVERHEAD_S,
    UNCALIBRATED,
    Calibration,
    SimulatedMaps,
    line_places_um,
    simulated_maps,
)
from trxas.validation.tplm.spectrum_coverage import PARAMETERS as SPECTRUM_PARAMETERS
from trxas.validation.tplm.spectrum_coverage import spectrum_estimates
from trxas.validation.types import Documents

POWERS_NW = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 100.0)
"""Powers of a series, nW."""

RATE_MHZ = 10.0
"""Repetition rate of the maps: with a period of 100 ns, earlier pulses leave light that must not bias the width."""

LOW_NW = 1.0
HIGH_NW = 10.0
"""Powers of the two maps whose own numbers are compared."""

LAWS = {HiddenLaw.RELAXATION: RelaxationLaw.EXPONENTIAL, HiddenLaw.MEMORY: RelaxationLaw.OCCUPATION}

PARAMETERS = (
    "D at 1 nW", "line at 1 nW", "D at 10 nW", "line at 10 nW", "x0", "lifetime", "time zero", "slow", "fast", "tau",
    "D at 1 nW, shared", "D at 10 nW, shared", "tau, shared", *SPECTRUM_PARAMETERS,
)  # fmt: skip
"""Compared quantities: diffusivities in cm2/s, x0 in um, lifetime in ns, time zero in ps, tau in us.

Those that are shared come from one fit to all maps of the series, with a common width at time zero. The last ones are
those of spectra.
"""


def measure(samples: int, seed: int) -> Iterator[Mapping[str, Estimate]]:
    """Yield the estimates of random films, each from a response run and a series of maps at seven powers."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="trxas-maps-") as folder, simulated_maps(Path(folder)) as maps:
        for _ in range(samples):
            film = draw_film(rng)
            # The response is measured first, with the time zero that the film has hidden: its error belongs into those
            # of the maps, and a coverage with the true time zero would not show whether it does.
            calibration, estimates = _calibrate(maps, film, int(rng.integers(2**31)))
            runs = {power: _map(maps, film, calibration, power, int(rng.integers(2**31))) for power in POWERS_NW}
            found = {power: reduce_run(documents) for power, documents in runs.items()}
            shared = _shared(film, list(runs.values()))
            # Numbers of their own: maps are the same with and without spectra.
            spectra = spectrum_estimates(maps, film, rng.spawn(1)[0])
            yield {**estimates, **_of_maps(film, found), **_of_series(film, found), **shared, **spectra}


def _calibrate(maps: SimulatedMaps, film: HiddenFilm, seed: int) -> tuple[Calibration, dict[str, Estimate]]:
    setting = {"power_nw": 5.0, "repetition_rate_mhz": RATE_MHZ, "filters_in": False}
    place = [(film.centre_x_um, 0.0)]
    run = maps.run(film, "tplm_response", UNCALIBRATED, setting=setting, places_um=place, dwell_s=DWELL_S, seed=seed)
    results = reduce_run(run)
    if not isinstance(results, ResponseResults):
        return UNCALIBRATED, {}
    response = results.response
    calibration = Calibration(
        time_zero_ps=response.time_zero_ps.value,
        time_zero_error_ps=response.time_zero_ps.sigma,
        covariance=response.covariance.tolist(),
        response={
            "fwhm_ps": response.fwhm_ps.value, "tail_share": response.tail_share.value,
            "tail_ps": response.tail_ps.value,
        },
    )  # fmt: skip
    return calibration, {"time zero": _estimate(response.time_zero_ps, film.time_zero_ps)}


def _map(maps: SimulatedMaps, film: HiddenFilm, calibration: Calibration, power_nw: float, seed: int) -> Documents:
    setting = {"power_nw": power_nw, "repetition_rate_mhz": RATE_MHZ}
    places = line_places_um()
    return maps.run(film, "tplm_map", calibration, setting=setting, places_um=places, dwell_s=DWELL_S, seed=seed)


def _shared(film: HiddenFilm, runs: Sequence[Documents]) -> dict[str, Estimate]:
    # Forced: a random series in a thousand has widths that seem to differ, and leaving it out would be a selection.
    results = combine_runs(runs, choice=CombineChoice(force=True))
    if not isinstance(results, SeriesResults):
        return {}
    by_power = {round(one.power_nw, 3): one.diffusivity for one in results.maps}
    fit = fit_relaxation(results.maps, LAWS[film.law], results.fit.covariance)
    return {
        "D at 1 nW, shared": _estimate(_with_scale(by_power[LOW_NW]), film.diffusivity_cm2_s(LOW_NW, RATE_MHZ)),
        "D at 10 nW, shared": _estimate(_with_scale(by_power[HIGH_NW]), film.diffusivity_cm2_s(HIGH_NW, RATE_MHZ)),
        "tau, shared": _estimate(fit.tau_us, film.tau_us),
    }


def _of_maps(film: HiddenFilm, found: Mapping[float, RunResults]) -> dict[str, Estimate]:
    estimates: dict[str, Estimate] = {}
    for name, power in (("1 nW", LOW_NW), ("10 nW", HIGH_NW)):
        results = found[power]
        if not isinstance(results, MapResults):
            continue
        truth = film.diffusivity_cm2_s(power, RATE_MHZ)
        estimates[f"D at {name}"] = _estimate(results.diffusivity_cm2_s, truth)
        if results.line is not None:
            estimates[f"line at {name}"] = _estimate(_with_scale(results.line.diffusivity_cm2_s), truth)
    results = found[HIGH_NW]
    if isinstance(results, MapResults):
        centre = results.fit.value("centre")
        # The fit gives the centre in the middle of the map, on the scale of the nominal magnification; the film drifts
        # from its hidden centre since the first exposure.
        middle_min = len(line_places_um()) * (DWELL_S + OVERHEAD_S) / 2 / 60
        true = (film.centre_x_um + 1e-3 * film.drift_nm_min * middle_min) * film.magnification / 495.0
        estimates["x0"] = _estimate(Value(1e-3 * centre.value, 1e-3 * centre.sigma), true)
        if results.lifetime_ns is not None:
            estimates["lifetime"] = _estimate(results.lifetime_ns, film.lifetime_ns(HIGH_NW))
    return estimates


def _of_series(film: HiddenFilm, found: Mapping[float, RunResults]) -> dict[str, Estimate]:
    # The error of the magnification is common to all maps, so it does not enter the fit; it scales the result.
    points = [one.point for one in found.values() if isinstance(one, MapResults)]
    fit = fit_relaxation(points, LAWS[film.law])
    return {
        "slow": _estimate(_with_scale(fit.slow_cm2_s), film.slow_cm2_s),
        "fast": _estimate(_with_scale(fit.fast_cm2_s), film.fast_cm2_s),
        "tau": _estimate(fit.tau_us, film.tau_us),
    }


def _with_scale(found: Value) -> Value:
    relative = 2 * MAGNIFICATION_ERROR / 495.0
    return Value(found.value, float(np.hypot(found.sigma, relative * found.value)))


def _estimate(found: Value, truth: float) -> Estimate:
    return Estimate(value=found.value, sigma=found.sigma, truth=truth)


CAMPAIGN = Campaign(name="tplm", parameters=PARAMETERS, measure=measure)
"""Coverage of photoluminescence microscopy."""
