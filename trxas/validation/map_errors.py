"""The errors of a map's global fit beside those of single scans at equal beam time, on drawn maps of known spectra.

`python -m trxas.validation.map_errors` draws maps of 40 energies x 12 delays. It reduces each as a whole, and energy
by energy, each with a fit of its own, whose lifetimes are then averaged. It spends the same beam time in two halves,
too: on a delay scan at the best energy, whose lifetimes then decompose spectra that are measured at four delays only;
and as a whole on such a delay scan alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from errors import ReductionError
from reduction.timing import Timing
from reduction.types import FloatArray
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.map_fit import MapFit, fit_map
from reduction.xas.pump_train import PumpTrain
from reduction.xas.transient_map import TransientMap
from trxas.terminal.tables import table, table_text

ENERGY_EV = np.linspace(13_452.0, 13_491.0, 40)
DELAY_PS = np.array([-400.0, -200.0, -60.0, 0.0, 60.0, 130.0, 250.0, 500.0, 1_000.0, 2_500.0, 8_000.0, 30_000.0])
SPECTRA_DELAYS_PS = np.array([-300.0, 130.0, 700.0, 20_000.0])
"""Delays of the spectra beside a delay scan: before the pump, and one where each component is large."""

SECOND_SEED = 10_000
"""Added to the seed of a map for the spectra, which are measured after the scan."""

LIFETIMES_PS = (150.0, 1_200.0)
OFFSET_LIFETIME_PS = 400e3
PHOTONS = 3e6
"""Photons of the pumped gate per point, behind the edge: 6 s at 0.4 photons per pulse."""

EFFICIENCY = 1.01
JET = 0.01
TIMING = Timing(pump_overlap=(1.0, 0.98, 0.93, 0.85, 0.75), irf_sigma_ps=45.0, irf_error_ps=3.0)
MODEL = KineticModel.TWO_OFFSET

EDGE_EV = 13_468.0


def _peak(center_ev: float, fwhm_ev: float) -> FloatArray:
    return np.asarray(np.exp(-4.0 * np.log(2.0) * ((ENERGY_EV - center_ev) / fwhm_ev) ** 2))


LEVEL = 0.1 + 0.5 + np.arctan(2.0 * (ENERGY_EV - EDGE_EV) / 3.0) / np.pi
"""Unpumped signal, edge step = 1, (energies,)."""

SPECTRA = np.array(
    [
        -0.040 * _peak(13_472.0, 4.0) + 0.020 * _peak(13_466.5, 4.0) + 0.012 * _peak(13_477.0, 5.0),
        -0.020 * _peak(13_473.0, 5.0) + 0.010 * _peak(13_467.0, 5.0),
        -0.012 * _peak(13_471.0, 6.0) + 0.006 * _peak(13_480.0, 8.0),
    ]
)
"""Amplitudes of both decays and the offset relative to the unpumped signal, (components, energies)."""


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Results of one way to reduce a map: lifetimes (ps) with their errors, (lifetimes,) each.

    `spectra_sigma` (components, energies) has NaN for energies without a fit; `determined` is the number of energies
    with one, `pulls` are (value - truth) / sigma of the spectra at these.
    """

    lifetimes_ps: FloatArray
    sigmas_ps: FloatArray
    spectra_sigma: FloatArray
    determined: int
    pulls: FloatArray


def drawn_map(seed: int, *, photons: float = PHOTONS, delay_ps: FloatArray = DELAY_PS) -> TransientMap:
    """Return a map of Poisson counts, shape (energies, delays).

    It contains what earlier pumps leave, and a jet that fluctuates.
    """
    random = np.random.default_rng(seed)
    train = PumpTrain(period_ps=TIMING.pump_period_ps, overlap=TIMING.pump_overlap, sigma_ps=TIMING.irf_sigma_ps)
    rates = [1.0 / lifetime for lifetime in (*LIFETIMES_PS, OFFSET_LIFETIME_PS)]
    gates = (TIMING.delay_of(probe, 0.0) + delay_ps for probe in (TIMING.pumped_probe, TIMING.unpumped_probe))
    on, off = (SPECTRA.T @ np.array([one.value for one in train.decays(times_ps, rates)]) for times_ps in gates)
    level = photons * LEVEL[:, None] * random.normal(1.0, JET, on.shape)
    pumped = random.poisson(level * EFFICIENCY * (1.0 + on)).astype(float)
    unpumped = random.poisson(level * (1.0 + off)).astype(float)
    return TransientMap.of_counts(ENERGY_EV, delay_ps, pumped, unpumped)


def row_of(measured: TransientMap, index: int) -> TransientMap:
    """Return one energy of a map as a map of its own, a delay scan: shape (1, delays)."""
    only = slice(index, index + 1)
    tables = ("pumped", "unpumped", "pumped_variance", "unpumped_variance")
    return replace(
        measured,
        rows=measured.rows[only],
        positions=measured.positions[:, only],
        **{name: getattr(measured, name)[only] for name in tables},
    )


def as_a_whole(measured: TransientMap) -> Estimates:
    """Return the results of the global fit; raises ReductionError if there is none."""
    fit = fit_map(measured, TIMING, model=MODEL)
    return Estimates(
        lifetimes_ps=np.array([value.value for value in fit.lifetimes_ps]),
        sigmas_ps=np.array([value.sigma for value in fit.lifetimes_ps]),
        spectra_sigma=fit.spectra_sigma,
        determined=int(np.isfinite(fit.spectra_sigma[0]).sum()),
        pulls=((fit.spectra - SPECTRA) / fit.spectra_sigma).ravel(),
    )


def energy_by_energy(measured: TransientMap) -> Estimates:
    """Return the spectra of single fits, and the weighted mean of the lifetimes that they determine.

    Raises ReductionError if no energy determines its lifetimes.
    """
    found = dict(_single_fits(measured))
    if not found:
        raise ReductionError("No single energy determines its lifetimes. Give more photons.")
    taus = np.array([[value.value for value in fit.lifetimes_ps] for fit in found.values()])
    weight = np.array([[value.sigma for value in fit.lifetimes_ps] for fit in found.values()]) ** -2.0
    sigma = np.full(SPECTRA.shape, np.nan)
    pulls = []
    for index, fit in found.items():
        sigma[:, index] = fit.spectra_sigma[:, 0]
        pulls.append((fit.spectra[:, 0] - SPECTRA[:, index]) / fit.spectra_sigma[:, 0])
    return Estimates(
        lifetimes_ps=(weight * taus).sum(axis=0) / weight.sum(axis=0),
        sigmas_ps=weight.sum(axis=0) ** -0.5,
        spectra_sigma=sigma,
        determined=len(found),
        pulls=np.concatenate(pulls),
    )


def _single_fits(measured: TransientMap) -> Iterator[tuple[int, MapFit]]:
    """Yield the index and the fit of every energy that determines all of its lifetimes."""
    for index in range(len(measured.rows)):
        try:
            fit = fit_map(row_of(measured, index), TIMING, model=MODEL)
        except ReductionError:
            continue
        if not fit.undetermined:
            yield index, fit


def scan_of(seed: int, share: float) -> MapFit:
    """Return the fit of a delay scan at the best energy with a `share` of the beam time of a whole map.

    Raises ReductionError if the drawn counts allow no fit.
    """
    best = int(np.argmax(np.abs(SPECTRA.sum(axis=0)) * np.sqrt(LEVEL)))
    return fit_map(row_of(drawn_map(seed, photons=share * PHOTONS * ENERGY_EV.size), best), TIMING, model=MODEL)


def scan_and_spectra(seed: int) -> Estimates:
    """Return the results of a delay scan in half of the time, and of spectra at four delays in the other half.

    Raises ReductionError if the drawn counts allow no fit.
    """
    scan = scan_of(seed, 0.5)
    times = DELAY_PS.size / SPECTRA_DELAYS_PS.size
    spectra = drawn_map(seed + SECOND_SEED, photons=0.5 * PHOTONS * times, delay_ps=SPECTRA_DELAYS_PS)
    ratio = spectra.pumped / spectra.unpumped
    # The spectrum before the pump gives the ratio of the gates, one for all energies.
    efficiency = np.average(ratio[:, 0], weights=spectra.sigma[:, 0] ** -2.0)
    change = ratio[:, 1:] / efficiency - 1.0
    names = [name for name in scan.parameters if name not in ("irf_sigma_ps", "efficiency")]
    rate = 0.0 if scan.offset_rate_per_ns is None else scan.offset_rate_per_ns.value
    logarithms = np.log([value.value for value in scan.lifetimes_ps])
    best = np.array([scan.t0_ps.value, logarithms[0], *np.diff(logarithms), rate])[: len(names)]

    def inverse(parameters: FloatArray) -> FloatArray:
        """Return the matrix that makes amplitudes of the changes at three delays, shape (delays, components)."""
        return np.asarray(np.linalg.inv(_decays_at(SPECTRA_DELAYS_PS[1:], parameters)))

    own = np.einsum("jk,ej->ke", inverse(best) ** 2, spectra.sigma[:, 1:] ** 2)
    steps = np.sqrt(np.diag(scan.covariance))[: len(names)] * 1e-2
    slopes = [
        (change @ (inverse(best + step) - inverse(best - step))).T / (2 * np.abs(step).sum()) for step in np.diag(steps)
    ]
    places = [scan.parameters.index(name) for name in names]
    common = np.einsum("pke,pq,qke->ke", slopes, scan.covariance[np.ix_(places, places)], slopes)
    sigma = np.sqrt(own + common)
    return Estimates(
        lifetimes_ps=np.array([value.value for value in scan.lifetimes_ps]),
        sigmas_ps=np.array([value.sigma for value in scan.lifetimes_ps]),
        spectra_sigma=sigma,
        determined=ENERGY_EV.size,
        pulls=(((change @ inverse(best)).T - SPECTRA) / sigma).ravel(),
    )


def _decays_at(delay_ps: FloatArray, parameters: FloatArray) -> FloatArray:
    """Return the decays at the pumped minus the unpumped gate, (components, delays)."""
    t0_ps, *logarithms = parameters[:3]
    rates = [
        *(float(one) for one in np.exp(-np.cumsum(logarithms))),
        1e-3 * float(parameters[3]) if parameters.size > 3 else 0.0,
    ]
    train = PumpTrain(period_ps=TIMING.pump_period_ps, overlap=TIMING.pump_overlap, sigma_ps=TIMING.irf_sigma_ps)
    on, off = (
        np.array([one.value for one in train.decays(TIMING.delay_of(probe, 0.0) + delay_ps - t0_ps, rates)])
        for probe in (TIMING.pumped_probe, TIMING.unpumped_probe)
    )
    return np.asarray(on - off)


def compared(seeds: Sequence[int]) -> str:
    """Return the comparison over maps with these seeds as a table; raises ReductionError for a map without a fit."""
    maps = [drawn_map(seed) for seed in seeds]
    whole = [as_a_whole(one) for one in maps]
    ways = {
        "map, fitted as a whole": whole,
        "map, energy by energy": [energy_by_energy(one) for one in maps],
        "delay scan and 4 spectra": [scan_and_spectra(seed) for seed in seeds],
    }
    rows = [(name, *_lifetimes(found), _determined(found), _ratios(whole, found), _width(found))
            for name, found in ways.items()]  # fmt: skip
    alone = np.mean([[value.sigma for value in scan_of(seed, 1.0).lifetimes_ps] for seed in seeds], axis=0)
    errors = [f"{100 * error / tau:.1f} %" for error, tau in zip(alone, LIFETIMES_PS, strict=True)]
    rows.append(("delay scan alone", *errors, "1", "-", "-"))
    headings = ("reduction", "error of tau1", "error of tau2", "energies with a fit", "errors of spectra", "pulls")
    return table_text(table(headings, rows, right=headings[1:]))


def _determined(found: Sequence[Estimates]) -> str:
    return f"{np.mean([one.determined for one in found]):.3g} of {ENERGY_EV.size}"


def _ratios(whole: Sequence[Estimates], found: Sequence[Estimates]) -> str:
    """Return the median of the errors of each spectrum, relative to those of the whole map, fast decay first."""
    pairs = zip(whole, found, strict=True)
    ratios = np.concatenate([two.spectra_sigma / one.spectra_sigma for one, two in pairs], axis=1)
    return " ".join(f"{one:.2g}" for one in np.nanmedian(ratios, axis=1))


def _lifetimes(found: Sequence[Estimates]) -> list[str]:
    """Return the mean error of each lifetime, %, and the root mean square of its pulls."""
    sigmas = np.array([one.sigmas_ps for one in found])
    pulls = (np.array([one.lifetimes_ps for one in found]) - LIFETIMES_PS) / sigmas
    widths = np.sqrt(np.mean(pulls**2, axis=0))
    errors = 100.0 * sigmas.mean(axis=0) / LIFETIMES_PS
    return [f"{error:.1f} % (pulls {width:.1f})" for error, width in zip(errors, widths, strict=True)]


def _width(found: Sequence[Estimates]) -> str:
    """Return the root mean square of the pulls of all spectra."""
    return f"{np.sqrt(np.nanmean(np.concatenate([one.pulls for one in found]) ** 2)):.2f}"


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; return 0."""
    parser = argparse.ArgumentParser(description="Errors of a map's global fit beside those of single scans.")
    parser.add_argument("--maps", type=int, default=4, help="number of drawn maps")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first map")
    options = parser.parse_args(arguments)
    size = f"{len(ENERGY_EV)} energies x {len(DELAY_PS)} delays"
    print(f"{options.maps} maps of {size}, lifetimes {LIFETIMES_PS[0]:g} and {LIFETIMES_PS[1]:g} ps and an offset")
    print(compared(range(options.seed, options.seed + options.maps)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
