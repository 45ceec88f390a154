"""Spectra of a jet whose thickness changes within each exposure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.transient import Spectrum
from tests.support.simulated_runs import QUIET, SimulatedRuns

GRID_EV = [13_450.0, 13_460.0, 13_465.0, 13_468.0, 13_470.0, 13_472.0, 13_475.0, 13_480.0, 13_490.0, 13_545.0, 13_560.0]
"""Energies over the Br K edge, eV."""


def jet_within_dwell(seed: int, size: float) -> Spectrum:
    """One pass of the paper's sample, in which the jet changes by `size` times 1 % within an exposure."""
    runs = SimulatedRuns(seed=seed, effects=replace(QUIET, noise=1.0, turbulence=size))
    settings: dict[str, Any] = {"dwell_s": 6.0, "delay_ps": 100.0, "fluence_mj_cm2": 8.83}
    return boxcar_spectrum(runs.sums("energy_ev", GRID_EV, **settings))
