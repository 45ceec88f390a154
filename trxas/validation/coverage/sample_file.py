"""A random sample as a sample file of the simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plans.edges import BR_K, PB_L3
from trxas.validation.coverage.random_sample import REFERENCE_FLUENCE_MJ_CM2, SampleTruth

Peaks = Sequence[tuple[float, float, float]]
"""Gaussians: centre and full width at half maximum in eV, height."""


@dataclass(frozen=True, kw_only=True)
class EdgeShape:
    """Static spectrum (arctangent step of height 1 above `scatter`, with peaks) and shape of its transient.

    `jet_self_absorption`: loss of fluorescence in the jet per edge step.
    """

    edge_ev: float
    width_ev: float
    scatter: float
    jet_self_absorption: float
    static: Peaks
    transient: Peaks

    def level(self, energy_ev: float) -> float:
        """Return the static spectrum at an energy, eV, in units of the edge step."""
        step = 0.5 + math.atan(2.0 * (energy_ev - self.edge_ev) / self.width_ev) / math.pi
        return self.scatter + step + _gaussians(self.static, energy_ev)

    def scaled_transient(self, change: float, energy_ev: float) -> list[list[float]]:
        """Return the peaks of a transient that is `change` times the static spectrum at `energy_ev`, eV.

        Their shape is (peaks, 3): centre and width, eV, and height.
        """
        scale = change * self.level(energy_ev) / _gaussians(self.transient, energy_ev)
        return [[center, fwhm, scale * height] for center, fwhm, height in self.transient]


BR_SHAPE = EdgeShape(
    edge_ev=13_470.2,
    width_ev=2.6,
    scatter=0.08,
    jet_self_absorption=4.5e-3,
    static=((13_471.4, 3.6, 0.40), (13_485.0, 9.0, 0.13), (13_497.0, 9.0, -0.13), (13_508.0, 11.0, 0.09)),
    transient=((13_467.5, 2.4, 0.5), (13_472.0, 2.8, -1.0), (13_476.5, 3.6, 0.4)),
)
"""Features of the Br K spectra of the paper; only their value at the main feature matters here."""

PB_SHAPE = EdgeShape(
    edge_ev=13_039.0,
    width_ev=6.0,
    scatter=0.10,
    jet_self_absorption=2.9e-3,
    static=((13_046.0, 12.0, 0.10), (13_065.0, 18.0, -0.05), (13_085.0, 22.0, 0.04)),
    transient=((13_031.0, 4.0, 0.4), (13_038.0, 4.0, 0.6), (13_043.0, 5.0, -1.0), (13_060.0, 12.0, 0.5)),
)
"""Features of the Pb L3 spectra of the paper; the alignment uses the static rise, 6 eV wide."""


def sample_toml(truth: SampleTruth) -> str:
    """Return the text of a sample file, with the sample's own instrument response, ps, not the configured one."""
    edges = (
        _edge(BR_K.name, BR_SHAPE, truth.photons_per_pulse, truth.br_change, BR_K.main_feature_ev),
        _edge(PB_L3.name, PB_SHAPE, truth.photons_per_pulse, truth.pb_change, PB_L3.main_feature_ev),
    )
    kinetics = {
        name: getattr(truth, name) for name in ("tau1_ps", "tau2_ps", "fraction1", "fraction2", "offset_lifetime_ns")
    }
    pump = {
        "reference_fluence_mj_cm2": REFERENCE_FLUENCE_MJ_CM2,
        "saturation_fluence_mj_cm2": truth.saturation_fluence_mj_cm2,
    }
    beam = {
        "time_zero_ps": truth.t0_ps,
        "irf_sigma_ps": truth.irf_sigma_ps,
        "backlash_ev": truth.backlash_ev,
        "calibration_offset_ev": 0.0,
    }
    tables = (_table("kinetics", kinetics), _table("pump", pump), _table("beam", beam))
    return "\n".join(('name = "random sample"', *edges, *tables))


def _edge(name: str, shape: EdgeShape, photons_per_pulse: float, change: float, energy_ev: float) -> str:
    values = {
        "edge_ev": shape.edge_ev,
        "width_ev": shape.width_ev,
        "scatter": shape.scatter,
        "photons_per_pulse": photons_per_pulse,
        "jet_self_absorption": shape.jet_self_absorption,
        "static": [list(peak) for peak in shape.static],
        "transient": shape.scaled_transient(change, energy_ev),
    }
    return _table(f'edges."{name}"', values)


def _table(name: str, values: Mapping[str, object]) -> str:
    # Numbers and lists of numbers read the same in TOML as in Python.
    return "\n".join((f"\n[{name}]", *(f"{key} = {value!r}" for key, value in values.items())))


def _gaussians(peaks: Peaks, energy_ev: float) -> float:
    return sum(
        height * math.exp(-4.0 * math.log(2.0) * ((energy_ev - center) / fwhm) ** 2) for center, fwhm, height in peaks
    )
