"""The kind of pump-probe energy scans: their spectra, as every detector of the run saw them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.detector_view import (
    further_gated,
    further_transmission,
    seen_by,
)
from reduction.run_kind import CurveChoice, RunCurve, RunKind, RunResults
from reduction.xas.all_gates import all_gates_spectrum, best_spectrum, spectrum_against
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.calibration import foil_absorption
from reduction.xas.combination.runs import combine_spectra
from reduction.xas.energy_correction import energy_use
from reduction.xas.first_pass import first_pass
from reduction.xas.fly_sums import FlyAccumulator, fly_facts
from reduction.xas.grouping import scan_transients, scatter_ratio
from reduction.xas.laser_power import power_use
from reduction.xas.pass_trends import alarms_of, trends_of
from reduction.xas.results import (
    SpectrumResults,
)
from reduction.xas.run_checks import pump_probe_checks
from reduction.xas.sample_absorption import sample_absorption
from reduction.xas.screening import screened
from reduction.xas.spc_energy import spc_spectrum

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.types import Mode
    from reduction.xas.all_gates import AllGatesSpectrum
    from reduction.xas.transient import Spectrum

    Recipe = Callable[..., Spectrum]
from reduction.xas.pump_probe_scans import (
    DECAY_USE,
    baseline_alarms,
    is_pump_probe,
    pump_probe_curve,
    setting_remarks,
    ungated_signals,
)

_SPECTRUM = "pump-probe spectrum"


def _reduce_spectra(run: RunAccumulator) -> RunResults:
    recipes: dict[Mode, Recipe] = {"boxcar": boxcar_spectrum, "spc": spc_spectrum}
    spectra: list[Spectrum] = []
    all_gates: list[tuple[AllGatesSpectrum | None, str]] = []
    blocked: list[Spectrum | None] = []
    remarks: list[str] = []
    for mode in (mode for mode in recipes if mode in run.metadata.modes):
        try:
            spectra.append(recipes[mode](run))
        except ReductionError as error:
            # The other mode may still have a spectrum.
            remarks.append(f"Cannot be reduced ({mode}): {error}")
        else:
            all_gates.append(_by_all_gates(run, mode))
            blocked.append(_against_blocked(run, mode, recipes[mode]))
            remarks += baseline_alarms(run, mode)
    for one in further_gated(run.metadata.detectors):
        try:
            mode = "spc" if one.kind == "spc" else "boxcar"
            seen = seen_by(run, one.name)
            spectra.append(recipes[mode](seen))
            all_gates.append(_by_all_gates(seen, mode))
            blocked.append(_against_blocked(seen, mode, recipes[mode]))
        except ReductionError as error:
            # A detector that was dead costs its own spectrum only.
            remarks.append(f"Cannot be reduced ({one.name}): {error}")
    absorptions = {}
    for one in further_transmission(run):
        try:
            absorptions[one.name] = foil_absorption(seen_by(run, one.name))
        except ReductionError as error:
            remarks.append(f"Cannot be reduced ({one.name}): {error}")
    ungated, reasons = ungated_signals(run)
    trends = trends_of(run, tuple(mode for mode in ("spc", "boxcar") if mode in run.metadata.modes))
    energy = energy_use(run)
    absorbed = sample_absorption(run, spectra[-1]) if spectra else None
    return SpectrumResults(
        kind=SPECTRUM.name,
        spectra=tuple(spectra),
        all_gates=tuple(one for one, _ in all_gates),
        all_gates_problems=tuple(problem for _, problem in all_gates),
        blocked=tuple(blocked),
        timing=run.metadata.timing,
        absorptions=absorptions,
        ungated=ungated,
        trends=tuple(trends),
        power=power_use(run),
        energy=energy,
        absorbed=absorbed,
        fly=fly_facts(run),
        remarks=(
            *remarks,
            *reasons,
            *alarms_of(trends),
            *setting_remarks(run),
            *(() if energy is None else energy.remarks),
            *(() if absorbed is None else absorbed.remarks),
        ),
    )


def _by_all_gates(run: RunAccumulator, mode: Mode) -> tuple[AllGatesSpectrum | None, str]:
    """Return the spectrum by all gates, or the reason why they are not used, "" for a scheme without further gates."""
    timing = run.metadata.timing
    if timing.probes_per_pump <= 1 + len(timing.reference_probes):
        return None, ""
    try:
        return all_gates_spectrum(run, mode), ""
    except ReductionError as error:
        return None, str(error)


def _against_blocked(run: RunAccumulator, mode: Mode, recipe: Recipe) -> Spectrum | None:
    """Return the spectrum against exposures with the laser blocked, with errors from the scatter between scans.

    None if the run has no such exposures, or not two scans with them.
    """
    if run.metadata.shutter_reference == "none":
        return None
    pumped = run.metadata.timing.pumped_probe
    try:
        found = recipe(run, pumped, "laser shutter")
        # The jet differs between open and blocked exposures, which no counting error contains: with 1 % it is a
        # hundred times that of the boxcar.
        ratio = scatter_ratio(*scan_transients(run, mode, pumped, "laser shutter")).ratio
    except ReductionError:
        return None
    wider = max(ratio, 1.0)
    covariance = None if found.covariance is None else found.covariance * wider**2
    return replace(found, sigma=found.sigma * wider, covariance=covariance)


def _spectrum_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    if choice.reference == "all gates":
        found = best_spectrum(run, choice.mode, choice.probe, was_by_two=choice.was_by_two)
    else:
        found = spectrum_against(run, choice.mode, choice.probe, choice.reference)
    curve = pump_probe_curve(run, found.energy_ev, found, choice, "post-edge = 1")
    return replace(curve, two_gates_reason=found.metadata.two_gates_reason)


def _first_spectrum_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    found = first_pass(run, choice.mode, choice.probe, choice.pair_reference)
    return pump_probe_curve(run, found.energy_ev, found, choice, "not normalised yet, highest = 1")


SPECTRUM = RunKind(
    name=_SPECTRUM,
    is_kind=is_pump_probe("energy_ev"),
    sums=lambda _: FlyAccumulator(),
    reduce=_reduce_spectra,
    curve=_spectrum_curve,
    first_curve=_first_spectrum_curve,
    screen=screened,
    seen_by=seen_by,
    choices=frozenset(("curve", "mode", "detector", "probe", "reference", "all gates")),
    combine=lambda runs, choice: combine_spectra(_SPECTRUM, runs, choice),
    decay_use=DECAY_USE,
    checks=pump_probe_checks,
)
