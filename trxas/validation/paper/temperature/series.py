"""Differences of the static spectra to that at 25 C, and C of them against temperature (SI 8, Fig. 3)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reduction.values import Value
from reduction.xas.alignment import Alignment, ThermalDifference, align, known_alignment, thermal_difference
from reduction.xas.comparison import BR_K, PB_L3, ComparisonParameter, ComparisonWindows, comparison_parameter
from reduction.xas.static_xas import StaticSpectrum
from trxas.validation.paper import published
from trxas.validation.paper.stored_runs import StoredRuns

BR, PB = "Br K", "Pb L3"

TEMPERATURES_C: Mapping[str, tuple[float, ...]] = {BR: published.BR_TEMPERATURES_C, PB: published.PB_TEMPERATURES_C}

COMPARISON_WINDOWS: Mapping[str, ComparisonWindows] = {BR: BR_K, PB: PB_L3}

REFERENCE_C = 25.0

AGAIN = "again"
"""At the end of the name of a run that repeats the one of that name."""

RETURNED_EV = 0.02
"""Largest shift between the first and the last spectrum at which the monochromator counts as unmoved (chosen).

Backlash is ten times larger; and this much, or what was found of it, is taken for the error of a shift of 0.
"""


def run_name(what: str, temperature_c: float) -> str:
    """Name of the run of an edge, or of the "images", at one temperature."""
    return f"{what} {temperature_c:g} C"


@dataclass(frozen=True)
class ThermalSeries:
    """One edge against temperature.

    `returned`: shift of the last spectrum at the reference temperature against the first. `fixed`: whether that is
    nothing, so that the others are not shifted either. `differences` to the reference by temperature; `matched` what
    `align` would have taken for their shifts. `uids` of the runs behind each difference.
    """

    edge: str
    reference: StaticSpectrum
    returned: Value
    fixed: bool
    differences: Mapping[float, ThermalDifference]
    matched: Mapping[float, Alignment]
    uids: Mapping[float, tuple[str, ...]]

    def comparison(self, temperature_c: float) -> ComparisonParameter:
        """C at one temperature."""
        points = self.differences[temperature_c].difference
        return comparison_parameter(
            points.energy_ev, points.intensity, points.covariance, COMPARISON_WINDOWS[self.edge]
        )


def thermal_series(runs: StoredRuns, edge: str) -> ThermalSeries:
    """Differences of all spectra of an edge to that at 25 C, aligned and Varshni-corrected (SI 8).

    The shifts are fitted only if the spectrum at 25 C has not come back to where it was; else they are 0, within what
    it has come back to. Raises ReductionError as the reductions do.
    """
    temperatures = [temperature_c for temperature_c in TEMPERATURES_C[edge] if temperature_c != REFERENCE_C]
    reference_name = run_name(edge, REFERENCE_C)
    first, last = runs.static(reference_name), runs.static(f"{reference_name} {AGAIN}")
    returned = shift_between(last, first)
    fixed = abs(returned.value) <= RETURNED_EV
    spectra = {temperature_c: runs.static(run_name(edge, temperature_c)) for temperature_c in temperatures}
    matched = {
        temperature_c: align(spectrum.measured, first.measured, first.windows.edge_integral_ev)
        for temperature_c, spectrum in spectra.items()
    }
    differences = {}
    for temperature_c, spectrum in spectra.items():
        nothing = known_alignment(Value(0.0, math.hypot(*returned)), spectrum.measured, first.measured)
        differences[temperature_c] = thermal_difference(spectrum, first, nothing if fixed else matched[temperature_c])
    uids = {temperature_c: runs.uids(run_name(edge, temperature_c), reference_name) for temperature_c in temperatures}
    return ThermalSeries(edge, first, returned, fixed, differences, matched, uids)


def shift_between(spectrum: StaticSpectrum, reference: StaticSpectrum) -> Value:
    """Energy shift of a spectrum against another one at the same temperature, eV."""
    return align(spectrum.measured, reference.measured, reference.windows.edge_integral_ev).shift_ev


def zero_crossing(parameters: Mapping[float, ComparisonParameter]) -> Value | None:
    """Temperature at which C rises through 0, C, by a line between the two neighbours; None if it does not.

    The error is that of the two C, taken as independent.
    """
    temperatures = sorted(parameters)
    for low, high in itertools.pairwise(temperatures):
        below, above = parameters[low], parameters[high]
        if below.value < 0 <= above.value:
            step, rise = high - low, above.value - below.value
            share = -below.value / rise
            sigma = step / rise * float(np.hypot((1 - share) * below.sigma, share * above.sigma))
            return Value(low + share * step, sigma)
    return None
