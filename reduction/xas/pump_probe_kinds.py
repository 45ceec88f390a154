"""Kinds of pump-probe scans: spectra, traces and fluence scans, as every detector of the run saw them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.all_bunches import all_bunches, ungated_fluorescence
from reduction.detector_view import (
    further_gated,
    further_transmission,
    seen_by,
    transient_detectors,
    with_default_detector,
)
from reduction.run_kind import ChoicePart, CurveChoice, DecayUse, RunCurve, RunKind, RunResults
from reduction.types import MODES
from reduction.xas.all_gates import all_gates_spectrum, spectrum_against
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.calibration import foil_absorption
from reduction.xas.combination.runs import combine_spectra, combine_traces
from reduction.xas.energy_correction import energy_use
from reduction.xas.first_pass import FirstPass, first_pass
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.fly_sums import FlyAccumulator, fly_facts
from reduction.xas.gate_checks import baseline_checks
from reduction.xas.gate_rates import gate_rates
from reduction.xas.grouping import scan_transients, scatter_ratio
from reduction.xas.kinetics.choice import choose_kinetics
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel, kinetic_choice
from reduction.xas.laser_power import power_use
from reduction.xas.pass_trends import alarms_of, time_zero_trend, trends_of
from reduction.xas.results import (
    FluenceResults,
    SpectrumResults,
    TraceResults,
)
from reduction.xas.run_checks import pump_probe_checks
from reduction.xas.sample_absorption import other_concentration, sample_absorption
from reduction.xas.screening import screened
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from reduction.xas.unpumped_size import decay_distance

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.all_bunches import AllBunches
    from reduction.run_kind import MeasuredDecay
    from reduction.types import Document, FloatArray, Mode
    from reduction.xas.all_gates import AllGatesSpectrum
    from reduction.xas.fluence_fit import FluenceFit
    from reduction.xas.kinetics.fit import KineticsFit
    from reduction.xas.transient import CurvesWithErrors, Spectrum

    Recipe = Callable[..., Spectrum]

_UNPUMPED_IS_1 = "unpumped = 1"
_SPECTRUM = "pump-probe spectrum"
_TRACE = "pump-probe trace"

OTHER_MODELS = " Other models: reduce(-1, kinetics='1') for one lifetime, or kinetics='BIC' to compare them all."
"""End of the remark on a failed fit."""


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
            remarks += _alarms(run, mode)
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
    ungated, reasons = _all_bunches(run)
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
            *_setting_remarks(run),
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


def _all_bunches(run: RunAccumulator) -> tuple[tuple[AllBunches, ...], list[str]]:
    """Return the signals of the detectors that are not gated, and a sentence for each that has none."""
    found = []
    remarks = []
    for one in ungated_fluorescence(run):
        try:
            found.append(all_bunches(run, one.name))
        except ReductionError as error:
            remarks.append(f"Cannot be reduced ({one.name}): {error}")
    return tuple(found), remarks


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


def _with_decay(results: RunResults, decay: MeasuredDecay | None) -> RunResults:
    """Return spectra or a fluence dependence with the decay that corrects its sizes; other results as they are."""
    return replace(results, decay=decay) if isinstance(results, SpectrumResults | FluenceResults) else results


def _decay(run: RunAccumulator) -> KineticsFit:
    # The best curve counts, not the limits of each lifetime, which would take seconds.
    return fit_kinetics(gate_rates(run), run.metadata.timing, intervals=False)


def _setting_remarks(run: RunAccumulator) -> tuple[str, ...]:
    """Return sentences on the power of the laser, on gates that have drifted, and on the sample's concentration.

    None where all is in order.
    """
    use = power_use(run)
    jet = run.metadata.jet
    measured = None if jet is None or not jet.measured_by else jet.expected_step
    other = () if jet is None or measured is None else other_concentration(measured, jet.configured_step)
    return (*run.metadata.gate_drifts, *(() if use is None else use.remarks), *other)


def _alarms(run: RunAccumulator, mode: Mode) -> list[str]:
    """Return a sentence per baseline on which the transient is not 0, unless the recipe removes that anyway.

    Photon counting subtracts its own offsets of on and off, so without a calibration of the gates it needs no alarm.
    """
    gates = run.metadata.gates
    if mode == "spc" and (gates is None or mode not in gates.chains):
        return []
    return [f"{mode}: {check.text}" for check in baseline_checks(run, mode) if check.alarm]


def _spectrum_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    found = spectrum_against(run, choice.mode, choice.probe, choice.reference)
    return _pump_probe_curve(run, found.energy_ev, found, choice, "post-edge = 1")


def _first_spectrum_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    found = first_pass(run, choice.mode, choice.probe, choice.reference)
    return _pump_probe_curve(run, found.energy_ev, found, choice, "not normalised yet, highest = 1")


def _reduce_trace(run: RunAccumulator) -> RunResults:
    return _fit_trace(run, KineticModel.TWO_OFFSET)


def _fit_trace(run: RunAccumulator, kinetics: KineticModel | Criterion) -> RunResults:
    """Return the trace with a fit of one model, or of the one that a criterion chooses."""
    seen = with_default_detector(run)
    others = [one.name for one in transient_detectors(run.metadata.detectors)[1:]]
    ungated, reasons = _all_bunches(run)
    mode = seen.metadata.trace_mode
    trends = trends_of(seen, (mode,))
    result = TraceResults(
        kind=TRACE.name,
        trace=spc_trace(seen),
        scale_known=seen.metadata.scale_known,
        others=tuple(others),
        ungated=ungated,
        trends=tuple(trends),
        power=power_use(seen),
        remarks=(*_alarms(seen, mode), *reasons, *alarms_of(trends), *_setting_remarks(seen)),
    )
    timing = seen.metadata.timing
    try:
        rates = gate_rates(seen)
        result = replace(result, rates=(rates,), timing=timing, beam_time_s=float(seen.exposure_s.sum()))
        choice = None
        if isinstance(kinetics, Criterion):
            choice = choose_kinetics(rates, timing, criterion=kinetics)
            fit = choice.fit
        else:
            fit = fit_kinetics(rates, timing, model=kinetics)
    except ReductionError as error:
        remark = f"No fit of {kinetics.description}: {error}{OTHER_MODELS}"
        return replace(result, remarks=(*result.remarks, remark))
    moved = time_zero_trend(seen, mode, lambda delay_ps: fit.curve(delay_ps, probe=timing.pumped_probe))
    drifts = [] if moved is None else [moved]
    if moved is not None and moved.alarm:
        # The fit again, with what the passes show instead of what the configuration expects.
        drifting = replace(timing, time_zero_drift_ps=max(moved.scatter, timing.time_zero_drift_ps))
        fit = fit_kinetics(rates, drifting, model=fit.model)
    return replace(
        result, fit=fit, choice=choice, trends=(*trends, *drifts), remarks=(*result.remarks, *alarms_of(drifts))
    )


def trace_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    """Return the chosen curve of a delay scan, unpumped = 1; raises ReductionError for the boxcar of the exposure."""
    if choice.mode != "spc" and not choice.detector:
        raise ReductionError("Delay scans are reduced from counted photons. Choose photon counting.")
    found = spc_trace(run, choice.probe, choice.reference)
    return _pump_probe_curve(run, found.delay_ps, found, choice, _UNPUMPED_IS_1)


def _reduce_fluence(run: RunAccumulator) -> RunResults:
    # Counted photons come first: their unpumped signal is the sample's alone. The paper's fluence scans are measured by
    # the boxcar (SI 3), whose zero a scan at one energy does not determine.
    run = with_default_detector(run)
    modes: list[Mode] = [mode for mode in MODES if mode in run.metadata.modes]
    scans = [fluence_scan(run, mode) for mode in modes or MODES[:1]]
    lines: list[FluenceFit | None] = []
    remarks: list[str] = []
    for scan in scans:
        try:
            lines.append(fit_fluence(scan))
        except ReductionError as error:
            lines.append(None)
            remarks.append(f"No line ({scan.metadata.mode}): {error}")
    trends = trends_of(run, tuple(modes))
    return FluenceResults(
        kind=FLUENCE.name,
        dependence=scans[0],
        line=lines[0],
        others=tuple(zip(scans[1:], lines[1:], strict=True)),
        probed_share=run.metadata.probed_fluence_share,
        trends=tuple(trends),
        power=power_use(run),
        remarks=(*remarks, *alarms_of(trends), *_setting_remarks(run)),
    )


def _fluence_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    if choice.curve != "transient":
        raise ReductionError("Only the transient of a fluence scan can be shown here. Choose the transient.")
    found = fluence_scan(run, choice.mode, choice.probe, choice.reference)
    return RunCurve(
        uid=run.metadata.uid,
        axis=run.metadata.axis,
        quantity=f"transient ({_UNPUMPED_IS_1})",
        x=found.fluence_mj_cm2,
        y=found.transient,
        sigma=found.sigma,
    )


def _pump_probe_curve(
    run: RunAccumulator, x: FloatArray, found: CurvesWithErrors | FirstPass, choice: CurveChoice, scale: str
) -> RunCurve:
    curves = {
        "transient": ("transient", found.transient, found.sigma),
        "on": ("pumped", found.on, found.on_sigma),
        "off": ("unpumped", found.off, found.off_sigma),
    }
    word, y, sigma = curves[choice.curve]
    return RunCurve(uid=run.metadata.uid, axis=run.metadata.axis, quantity=f"{word} ({scale})", x=x, y=y, sigma=sigma)


def _pump_probe(axis: str) -> Callable[[Document], bool]:
    """Return whether a start document is that of a pump-probe scan over `axis`, whatever its plan is called."""
    return lambda start: "reduction" in start and start.get("grid", {}).get("axis") == axis


TRACE_CHOICES: frozenset[ChoicePart] = frozenset(("curve", "probe", "reference"))
"""Choices that `trace_curve` follows: delay scans are reduced from counted photons."""

DECAY_USE = DecayUse(distance=decay_distance, correct=_with_decay)
"""Sizes of transients are stated as measured and corrected by the decay of the same sample."""

SPECTRUM = RunKind(
    name=_SPECTRUM,
    is_kind=_pump_probe("energy_ev"),
    sums=lambda _: FlyAccumulator(),
    reduce=_reduce_spectra,
    curve=_spectrum_curve,
    first_curve=_first_spectrum_curve,
    screen=screened,
    seen_by=seen_by,
    choices=frozenset(("curve", "mode", "detector", "probe", "reference")),
    combine=lambda runs, choice: combine_spectra(_SPECTRUM, runs, choice),
    decay_use=DECAY_USE,
    checks=pump_probe_checks,
)
TRACE = RunKind(
    name=_TRACE,
    is_kind=_pump_probe("delay_ps"),
    sums=lambda _: RunAccumulator(),
    reduce=_reduce_trace,
    curve=trace_curve,
    refit=lambda run, kinetics: _fit_trace(run, kinetic_choice(kinetics)),
    screen=screened,
    seen_by=seen_by,
    choices=TRACE_CHOICES | {"detector"},
    combine=lambda runs, choice: combine_traces(_TRACE, runs, choice),
    decay=_decay,
    checks=pump_probe_checks,
)
FLUENCE = RunKind(
    name="fluence scan",
    is_kind=_pump_probe("fluence_mj_cm2"),
    sums=lambda _: RunAccumulator(),
    reduce=_reduce_fluence,
    curve=_fluence_curve,
    screen=screened,
    seen_by=seen_by,
    choices=frozenset(("mode", "detector", "probe", "reference")),
    decay_use=DECAY_USE,
    checks=pump_probe_checks,
)
