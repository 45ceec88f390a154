"""Static spectra that are shifted by a known energy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reduction.run_metadata import EnergyWindows
from reduction.xas.static_xas import SpectrumPoints, StaticSpectrum, normalise

ENERGY_EV = np.concatenate(
    [
        np.arange(*steps)
        for steps in ((13_450, 13_464, 3.0), (13_465, 13_480, 0.5), (13_480, 13_500, 1.0), (13_500, 13_571, 3.0))
    ]
)
WINDOWS = EnergyWindows(
    pre_edge_ev=(13_453.0, 13_462.0), edge_integral_ev=(13_466.0, 13_500.0), post_edge_ev=(13_540.0, 13_571.0)
)
COUNTS = 1e6


def gaussian(energy_ev: NDArray[np.float64], centre: float, fwhm: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-4 * np.log(2) * ((energy_ev - centre) / fwhm) ** 2))


def absorption(energy_ev: NDArray[np.float64], thermal: float = 0.0) -> NDArray[np.float64]:
    edge = 0.58 + np.arctan((energy_ev - 13_470.2) / 1.3) / np.pi + 0.4 * gaussian(energy_ev, 13_471.4, 3.6)
    change = 0.02 * gaussian(energy_ev, 13_468.3, 2.0) + 0.04 * gaussian(energy_ev, 13_472.0, 2.0)
    return np.asarray(
        edge + 0.13 * gaussian(energy_ev, 13_485.0, 9.0) - 0.13 * gaussian(energy_ev, 13_497.0, 9.0) - thermal * change
    )


def measured(
    rng: np.random.Generator, shift_ev: float = 0.0, scale: float = 1.0, thermal: float = 0.0
) -> SpectrumPoints:
    counts = rng.poisson(scale * COUNTS * absorption(ENERGY_EV - shift_ev, thermal))
    return SpectrumPoints(ENERGY_EV, counts / COUNTS, np.diag(counts / COUNTS**2))


def noiseless(shift_ev: float = 0.0, scale: float = 1.0, thermal: float = 0.0) -> SpectrumPoints:
    intensity = scale * absorption(ENERGY_EV - shift_ev, thermal)
    return SpectrumPoints(ENERGY_EV, intensity, np.diag(1e-12 * intensity))


def static(points: SpectrumPoints, temperature_c: float, edge: str = "Br K") -> StaticSpectrum:
    return StaticSpectrum(
        measured=points,
        normalised=normalise(points, WINDOWS),
        windows=WINDOWS,
        temperature_c=temperature_c,
        setpoint_c=temperature_c,
        sample="s",
        edge=edge,
        uid="",
        scans=1,
    )
