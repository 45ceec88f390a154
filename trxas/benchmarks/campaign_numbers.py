"""The numbers that the paper takes from its pump-probe scans, of one drawn campaign, and the bars of its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.run_metadata import EnergyWindows
from reduction.timing import Timing
from reduction.types import FloatArray, Mode
from reduction.xas.all_gates import best_spectrum
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.comparison import BR_K as BR_C
from reduction.xas.comparison import PB_L3 as PB_C
from reduction.xas.comparison import comparison_gradient
from reduction.xas.energy_windows import edge_integral
from reduction.xas.features import extremum
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.later_pulses import later_pulse_spectrum
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.static_xas import trapezoid_weights
from reduction.xas.transient import Spectrum
from reduction.xas.transient_shape import transient_covariance
from trxas.benchmarks.campaign_plans import BR_163NS_SCANS, EARLY, LATE, TRACE, PlannedScan, Plans
from trxas.benchmarks.drawn_campaign import DrawnEdge, drawn_edge
from trxas.benchmarks.drawn_runs import TIMING, TWO_GATES
from trxas.validation.paper import published
from trxas.validation.paper.spectra import (
    BR_HALF_WIDTH_EV,
    FIRST_DELAY_PS,
    HALF_WIDTHS_EV,
    MODULATION_HALF_WIDTH_EV,
    PB_HALF_WIDTHS_EV,
    SECOND_BUNCH_DELAY_PS,
)

Numbers = dict[str, float]
"""Values by name; NaN where the noise hides one."""

BOTH: tuple[Mode, ...] = ("spc", "boxcar")

_FEW_PASSES = 3
"""Passes in which long scans are drawn: photon counting adds them, so that their number does not matter."""


@dataclass(frozen=True, kw_only=True)
class EdgeSpectra:
    """Spectra of one edge at 100 ps, 10.1 ns and 163.5 ns."""

    early: Spectrum
    late: Spectrum
    later: Spectrum

    def by_delay(self) -> Mapping[str, Spectrum]:
        """Return the spectra by their delay."""
        return {"100ps": self.early, "10ns": self.late, "163ns": self.later}


Campaign = tuple[dict[str, EdgeSpectra], KineticsFit]
"""Spectra of both edges by name, and the global fit of their traces."""


def by_the_recipe(plans: Plans, seed: int) -> Campaign:
    """Return one campaign by the recipe of the paper: two gates, and the boxcar for Br at 100 ps and 10.1 ns."""
    # Every run of a campaign draws from a stream of its own, [seed, number], with other numbers than in `by_all_gates`:
    # no noise is common to two spectra, or to the campaigns before and now.
    br, pb = drawn_edge("br"), drawn_edge("pb")
    early, late = (plans["br", kind] for kind in (EARLY, LATE))
    counted = PlannedScan(seconds=late.seconds * BR_163NS_SCANS / late.passes, passes=late.passes, step_s=late.step_s)
    br_spectra = EdgeSpectra(
        early=boxcar_spectrum(br.spectrum_run(early, FIRST_DELAY_PS, [seed, 1], BOTH, early.passes)),
        late=boxcar_spectrum(br.spectrum_run(late, SECOND_BUNCH_DELAY_PS, [seed, 2], BOTH, _FEW_PASSES)),
        later=spc_spectrum(br.spectrum_run(counted, SECOND_BUNCH_DELAY_PS, [seed, 3], ("spc",), _FEW_PASSES), 1),
    )
    run = pb.spectrum_run(plans["pb", LATE], SECOND_BUNCH_DELAY_PS, [seed, 4], ("spc",), _FEW_PASSES)
    early_run = pb.spectrum_run(plans["pb", EARLY], FIRST_DELAY_PS, [seed, 5], ("spc",), _FEW_PASSES)
    pb_spectra = EdgeSpectra(early=spc_spectrum(early_run), late=spc_spectrum(run), later=spc_spectrum(run, 1))
    return {"br": br_spectra, "pb": pb_spectra}, _fit(plans, [seed, 6], TWO_GATES)


def by_all_gates(plans: Plans, seed: int) -> Campaign:
    """Return one campaign by counting with all gates; the pulse at 163.5 ns by both scans of an edge."""
    fit = _fit(plans, [seed, 16], TIMING)
    found = {}
    for place, name in enumerate(("br", "pb")):
        edge = drawn_edge(name)
        early_passes = plans[name, EARLY].passes if name == "br" else _FEW_PASSES
        early = edge.spectrum_run(plans[name, EARLY], FIRST_DELAY_PS, [seed, 11 + place], ("spc",), early_passes)
        late = edge.spectrum_run(plans[name, LATE], SECOND_BUNCH_DELAY_PS, [seed, 13 + place], ("spc",), _FEW_PASSES)
        found[name] = EdgeSpectra(
            early=best_spectrum(early), late=best_spectrum(late), later=_of_both(late, early, fit)
        )
    return found, fit


def _of_both(late: RunAccumulator, early: RunAccumulator, decay: KineticsFit) -> Spectrum:
    """Return the spectrum at 163.5 ns by both runs, if their shapes agree."""
    try:
        return later_pulse_spectrum([late, early], decay)
    except ReductionError:
        # Noise can make the shapes of two runs look different. A user has the spectrum of one run then, so the campaign
        # has it too, with its larger error.
        return best_spectrum(late, "spc", 1)


def numbers_of(campaign: Campaign) -> Numbers:
    """Return the numbers of a campaign by name."""
    spectra, fit = campaign
    found: Numbers = {}
    for name, one in spectra.items():
        found |= {f"{name}_{key}": value for key, value in _numbers(name, one).items()}
    kinetics = {key: getattr(fit, key).value for key in published.KINETICS}
    # Logarithms of the lifetimes: their scatter is a relative error, and long lifetimes do not weigh more than short
    # ones.
    kinetics |= {key: math.log(value) for key, value in kinetics.items() if key.endswith("_ps")}
    amplitudes = {f"{name}_amplitude": one.value for name, one in zip(spectra, fit.amplitudes, strict=True)}
    return found | kinetics | amplitudes


def error_bars_of(campaign: Campaign) -> dict[str, FloatArray]:
    """Return the errors of the points of each spectrum, (points,), by edge and delay.

    Offset and scale contribute to all of them. `Spectrum.sigma` contains these only for a spectrum of several runs.
    """
    return {
        f"{name}_{delay}": np.sqrt(np.diag(transient_covariance(spectrum, _windows(name))))
        for name, one in campaign[0].items()
        for delay, spectrum in one.by_delay().items()
    }


def _windows(name: str) -> EnergyWindows:
    preset = drawn_edge(name).preset
    return EnergyWindows(
        pre_edge_ev=preset.pre_edge_ev, edge_integral_ev=preset.edge_integral_ev, post_edge_ev=preset.post_edge_ev
    )


def _fit(plans: Plans, seed: list[int], timing: Timing) -> KineticsFit:
    rates = [drawn_edge(name).trace_rates(plans[name, TRACE], [*seed, place], timing) for place, name in
             enumerate(("br", "pb"))]  # fmt: skip
    return fit_kinetics(rates, timing, intervals=False)


def _numbers(name: str, spectra: EdgeSpectra) -> Numbers:
    edge = drawn_edge(name)
    early = spectra.early
    found = {"size": _size(early, edge)}
    widths = PB_HALF_WIDTHS_EV if name == "pb" else dict.fromkeys(published.BR_TRANSIENT_EV, BR_HALF_WIDTH_EV)
    near = published.PB_TRANSIENT_EV if name == "pb" else published.BR_TRANSIENT_EV
    for feature, near_ev in near.items():
        found[f"transient_{_key(feature)}"] = _place(
            early.energy_ev, early.transient, early.sigma, near_ev, widths[feature]
        )
    if name == "br":
        found |= _bromine(spectra)
    for delay, one in spectra.by_delay().items():
        found[f"c_{delay}"] = _comparison(one, edge, name)
    return found


def _bromine(spectra: EdgeSpectra) -> Numbers:
    """Return static features, modulations, areas and sizes at all delays, which the paper states of bromine only."""
    early = spectra.early
    found = {
        f"static_{_key(feature)}": _place(
            early.energy_ev, early.off, np.full(early.off.size, 0.01), near_ev, HALF_WIDTHS_EV[feature]
        )
        for feature, near_ev in published.BR_FEATURES_EV.items()
    }
    for feature, (energy_ev, _) in published.BR_MODULATIONS.items():
        inside = np.abs(early.energy_ev - energy_ev) <= MODULATION_HALF_WIDTH_EV
        found[f"modulation_{_key(feature)}"] = float(
            np.average(early.transient[inside], weights=early.sigma[inside] ** -2.0)
        )
    # By the true signs: noise adds to an area of absolute values, and its scatter would not be comparable.
    signs = np.sign(drawn_edge("br").change)
    for delay, one in spectra.by_delay().items():
        weights = trapezoid_weights(one.energy_ev) / edge_integral(one.energy_ev, one.off)
        found[f"area_{delay}"] = float((weights * signs) @ one.transient)
        found[f"scale_{delay}"] = _scale(one, drawn_edge("br"))
    return found


def _key(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")


def _size(spectrum: Spectrum, edge: DrawnEdge) -> float:
    place = int(np.abs(spectrum.energy_ev - edge.preset.main_feature_ev).argmin())
    return float(spectrum.transient[place] / spectrum.off[place])


def _place(energy_ev: FloatArray, values: FloatArray, sigma: FloatArray, near_ev: float, half_width_ev: float) -> float:
    try:
        return extremum(energy_ev, values, sigma, near_ev=near_ev, half_width_ev=half_width_ev).value
    except ReductionError:
        # NaN where a feature is hidden, and no exception: the scatter of the other numbers of this campaign still
        # counts.
        return math.nan


def _comparison(spectrum: Spectrum, edge: DrawnEdge, name: str) -> float:
    """Return the parameter C to first order about the truth: a ratio of noisy values has no finite error."""
    gradient = comparison_gradient(spectrum.energy_ev, edge.change, BR_C if name == "br" else PB_C)
    return float(gradient @ spectrum.transient)


def _scale(spectrum: Spectrum, edge: DrawnEdge) -> float:
    """Return the size of the true shape in a spectrum, beside the offset and the scale that recipes leave open."""
    # The recipe leaves an offset and a multiple of the static spectrum open. Fitted beside the shape, they do not enter
    # its size.
    design = np.column_stack([edge.change, spectrum.off, np.ones_like(spectrum.off)]) / spectrum.sigma[:, None]
    return float(np.linalg.lstsq(design, spectrum.transient / spectrum.sigma, rcond=None)[0][0])


Reduced = Callable[[Plans, int], Campaign]
"""Function from planned scans and a seed to results."""
