"""Differences of the static spectra to that at 25 C, and their parameter C against temperature (SI 8, Fig. 3)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reduction.values import Value
from reduction.xas.alignment import Alignment, align, known_alignment
from reduction.xas.comparison import (
    BR_K,
    PB_L3,
    ComparisonParameter,
    ComparisonWindows,
    comparison_gradient,
    comparison_parameter,
)
from reduction.xas.static_xas import StaticSpectrum
from reduction.xas.thermal_difference import ThermalDifference, thermal_difference
from trxas.validation.paper import published
from trxas.validation.paper.stored_runs import StoredRuns

BR = "Br K"
PB = "Pb L3"

TEMPERATURES_C: Mapping[str, tuple[float, ...]] = {BR: published.BR_TEMPERATURES_C, PB: published.PB_TEMPERATURES_C}

COMPARISON_WINDOWS: Mapping[str, ComparisonWindows] = {BR: BR_K, PB: PB_L3}

REFERENCE_C = 25.0

AGAIN = "again"
"""Suffix of the name of a run that repeats another."""

STABILITY_EV = 0.02
"""Drift of the axis by the end of a series, eV, that counts as none (chosen: a third of a urad)."""

LARGEST_DRIFT_EV = 0.1
"""Largest shift between the first and the last spectrum that is a drift (chosen; backlash: several times more)."""


def run_name(what: str, temperature_c: float) -> str:
    """Return the name of the run of an edge, or of the "images", at one temperature."""
    return f"{what} {temperature_c:g} C"


@dataclass(frozen=True, kw_only=True)
class ThermalSeries:
    """One edge against temperature.

    `returned`: shift of the last spectrum at the reference temperature against the first, eV. `shifts_fixed`: that
    shift is a drift, within LARGEST_DRIFT_EV of zero, so no spectrum is shifted; `drift_ev` is the error of every shift
    then. `differences` to the reference, `matched` (the shifts that `align` finds) and `uids` (the runs behind each
    difference) by temperature in C.
    """

    edge: str
    reference: StaticSpectrum
    returned: Value
    shifts_fixed: bool
    drift_ev: float
    differences: Mapping[float, ThermalDifference]
    matched: Mapping[float, Alignment]
    uids: Mapping[float, tuple[str, ...]]

    def comparison(self, temperature_c: float) -> ComparisonParameter:
        """Return C at one temperature, in C."""
        points = self.differences[temperature_c].difference
        return comparison_parameter(
            points.energy_ev, points.intensity, points.covariance, COMPARISON_WINDOWS[self.edge]
        )

    def comparison_covariance(self, first_c: float, second_c: float) -> float:
        """Return the covariance of C at two temperatures, in C, from the reference spectrum that both subtract."""
        # All differences subtract the same reference spectrum, so its noise is in all of them. Neglecting this
        # covariance would make a zero crossing between two temperatures look too certain.
        by_reference = []
        for temperature_c in (first_c, second_c):
            found = self.differences[temperature_c]
            points = found.difference
            gradient = comparison_gradient(points.energy_ev, points.intensity, COMPARISON_WINDOWS[self.edge])
            by_reference.append(gradient @ found.by_reference)
        return float(by_reference[0] @ self.reference.measured.covariance @ by_reference[1])


def thermal_series(runs: StoredRuns, edge: str) -> ThermalSeries:
    """Return the differences of all spectra of an edge to that at 25 C, aligned and Varshni-corrected (SI 8).

    Shifts are fitted only if the last spectrum at 25 C is shifted against the first by more than a drift. Otherwise
    they are 0, and their error is that shift together with what the axis may drift and return. Raises ReductionError
    if a spectrum cannot be reduced.
    """
    temperatures = [temperature_c for temperature_c in TEMPERATURES_C[edge] if temperature_c != REFERENCE_C]
    reference_name = run_name(edge, REFERENCE_C)
    first = runs.static(reference_name)
    # The two spectra at 25 C enclose the series. Their shift is the only evidence whether the axis moved meanwhile.
    last = runs.static(f"{reference_name} {AGAIN}")
    returned = shift_between(last, first)
    shifts_fixed = abs(returned.value) <= LARGEST_DRIFT_EV
    # A best match would take a change of shape for a shift, several times larger than any drift. How far the axis was
    # off in between is not known: a drift may have turned round.
    drift_ev = math.hypot(*returned, STABILITY_EV)
    spectra = {temperature_c: runs.static(run_name(edge, temperature_c)) for temperature_c in temperatures}
    matched = {
        temperature_c: align(spectrum.measured, first.measured, first.windows.edge_integral_ev)
        for temperature_c, spectrum in spectra.items()
    }
    differences = {}
    for temperature_c, spectrum in spectra.items():
        no_shift = known_alignment(Value(0.0, drift_ev), spectrum.measured, first.measured)
        alignment = no_shift if shifts_fixed else matched[temperature_c]
        differences[temperature_c] = thermal_difference(spectrum, first, alignment)
    uids = {temperature_c: runs.uids(run_name(edge, temperature_c), reference_name) for temperature_c in temperatures}
    return ThermalSeries(
        edge=edge,
        reference=first,
        returned=returned,
        shifts_fixed=shifts_fixed,
        drift_ev=drift_ev,
        differences=differences,
        matched=matched,
        uids=uids,
    )


def shift_between(spectrum: StaticSpectrum, reference: StaticSpectrum) -> Value:
    """Return the energy shift of a spectrum against another one at the same temperature, eV."""
    return align(spectrum.measured, reference.measured, reference.windows.edge_integral_ev).shift_ev


def zero_crossing(
    parameters: Mapping[float, ComparisonParameter], covariance: Callable[[float, float], float]
) -> Value | None:
    """Return the temperature, in C, at which the parameter C rises through 0; None if it does not.

    It is interpolated linearly between the two neighbours. Its error follows from theirs and from their `covariance`,
    a function of two temperatures: all of them are differences to one reference spectrum.
    """
    temperatures = sorted(parameters)
    # The first rise from below: noise may cross zero again where C stays small, and the paper has only one crossing.
    for low, high in itertools.pairwise(temperatures):
        below = parameters[low]
        above = parameters[high]
        if below.value < 0 <= above.value:
            step = high - low
            rise = above.value - below.value
            share = -below.value / rise
            # Both neighbours move the crossing into the same direction, so an error that they share adds up.
            variance = ((1 - share) * below.sigma) ** 2 + (share * above.sigma) ** 2
            variance += 2 * share * (1 - share) * covariance(low, high)
            return Value(low + share * step, step / rise * math.sqrt(max(variance, 0.0)))
    return None
