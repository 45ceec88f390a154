"""Spectra or traces of several runs, on their own grids, as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from errors import ReductionError
from reduction.detector_view import with_default_detector
from reduction.xas.all_gates import AllGatesSpectrum, all_gates_spectrum
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.combination.all_gates import as_one, errors_of_calibration
from reduction.xas.combination.checks import require_combinable
from reduction.xas.combination.resampling import MeasuredCurve, Resampled, resampled
from reduction.xas.combination.results import Combination, CombinedSpectra, CombinedTrace
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.choice import choose_kinetics
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel, kinetic_choice
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import before_pump, spc_trace
from reduction.xas.transient import INDEPENDENT, Spectrum, Trace, together
from reduction.xas.transient_shape import transient_covariance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.run_kind import CombineChoice
    from reduction.timing import Timing
    from reduction.types import FloatArray, Mode
    from reduction.xas.combination.resampling import Agreement

_Spectra = TypeVar("_Spectra", Spectrum, AllGatesSpectrum)
_Curves = TypeVar("_Curves", Spectrum, AllGatesSpectrum, Trace)


def combine_spectra(kind: str, runs: Sequence[RunAccumulator], choice: CombineChoice) -> CombinedSpectra:
    """Return the spectra of energy scans as one per detection mode that all runs have, by two gates and by all.

    Every run is reduced on its own grid first, offset and scale included, and its full covariance goes into that of the
    combination. All gates are used where every run can use them. Raises InputError for runs that differ, and
    ReductionError if no mode has a spectrum of every run.
    """
    forced = require_combinable([run.metadata for run in runs], force=choice.force)
    recipes: dict[Mode, Callable[[RunAccumulator], Spectrum]] = {"boxcar": boxcar_spectrum, "spc": spc_spectrum}
    spectra = []
    all_gates: list[tuple[AllGatesSpectrum | None, str]] = []
    agreements = {}
    remarks = []
    for mode in (mode for mode in recipes if all(mode in run.metadata.modes for run in runs)):
        try:
            parts = [recipes[mode](run) for run in runs]
        except ReductionError as error:
            remarks.append(f"Cannot be combined ({mode}): {error}")
            continue
        merged = _merged(parts, runs, choice)
        agreements[mode] = merged.agreement
        spectra.append(_combined_spectrum(parts, merged))
        all_gates.append(_by_all_gates(mode, runs, choice))
    if not spectra:
        raise ReductionError(f"No detection mode has a spectrum of all {len(runs)} runs. {' '.join(remarks)}")
    return CombinedSpectra(
        kind=kind,
        spectra=tuple(spectra),
        all_gates=tuple(one for one, _ in all_gates),
        all_gates_problems=tuple(problem for _, problem in all_gates),
        timing=runs[0].metadata.timing,
        combination=_combination(runs, choice, forced, spectra[0].energy_ev.size, agreements),
        remarks=tuple(remarks),
    )


def _by_all_gates(
    mode: Mode, runs: Sequence[RunAccumulator], choice: CombineChoice
) -> tuple[AllGatesSpectrum | None, str]:
    """Return the spectra of all runs by all gates as one, or the reason why one run cannot use them."""
    parts = []
    for run in runs:
        try:
            parts.append(all_gates_spectrum(run, mode))
        except ReductionError as error:
            return None, f"In run {run.metadata.uid[:8]}: {error}"
    return as_one(parts, _combined_spectrum(parts, _merged(parts, runs, choice))), ""


def _merged(parts: Sequence[Spectrum], runs: Sequence[RunAccumulator], choice: CombineChoice) -> Resampled:
    covariances = [transient_covariance(part, run.metadata.windows) for part, run in zip(parts, runs, strict=True)]
    return resampled(_curves([part.energy_ev for part in parts], parts, covariances, runs), _nodes(choice))


def _combined_spectrum(parts: Sequence[_Spectra], merged: Resampled) -> _Spectra:
    return replace(
        _combined(parts, merged),
        energy_ev=merged.x,
        sigma_scatter=None,
        correlation=INDEPENDENT,
        covariance=merged.covariance,
    )


def combine_traces(kind: str, runs: Sequence[RunAccumulator], choice: CombineChoice) -> CombinedTrace:
    """Return the traces of delay scans as one, and one fit to all gates of all runs.

    The fit takes the rates of every run at its own delays, with common lifetimes, fractions and time zero, and an
    amplitude and gate efficiencies per run: nothing is interpolated in it. Raises InputError for runs that differ, and
    ReductionError if one has no trace; a fit that fails becomes a remark.
    """
    forced = require_combinable([run.metadata for run in runs], force=choice.force)
    seen = [with_default_detector(run) for run in runs]
    parts = [spc_trace(run) for run in seen]
    curves = _curves([part.first_delay_ps for part in parts], parts, [trace_covariance(part) for part in parts], seen)
    merged = resampled(curves, _nodes(choice))
    timing = seen[0].metadata.timing
    shift_ps = float(parts[0].delay_ps[0] - parts[0].first_delay_ps[0])
    delay_ps = merged.x + shift_ps
    trace = replace(
        _combined(parts, merged),
        first_delay_ps=merged.x,
        delay_ps=delay_ps,
        zero_at_ps=merged.x[before_pump(delay_ps, timing)],
        covariance=merged.covariance,
    )
    agreements = {seen[0].metadata.trace_mode: merged.agreement}
    result = CombinedTrace(
        kind=kind,
        trace=trace,
        scale_known=seen[0].metadata.scale_known,
        combination=_combination(runs, choice, forced, trace.delay_ps.size, agreements),
    )
    return _with_fit(result, seen, timing, choice)


def trace_covariance(trace: Trace) -> FloatArray:
    """Return the covariance of a trace, shape (points, points), with the errors of its offsets and of the calibration.

    The mean of the delays before the pump is subtracted from all points, whose noise they therefore share. Without such
    delays the offset comes from the blocked laser, or is 0, and has no error here.
    """
    own = np.diag(trace.on_sigma**2 + trace.off_sigma**2)
    early = np.isin(trace.first_delay_ps, trace.zero_at_ps)
    if early.any():
        remover = np.eye(early.size) - early / early.sum()
        own = remover @ own @ remover.T
    return np.asarray(own + trace.common.T @ trace.common) if trace.common.size else own


def _curves(
    positions: Sequence[FloatArray],
    parts: Sequence[Spectrum] | Sequence[Trace],
    covariances: Sequence[FloatArray],
    runs: Sequence[RunAccumulator],
) -> list[MeasuredCurve]:
    """Return the transients of the runs with the covariance of their counting, apart from what calibrations share."""
    documents = [run.metadata.gates for run in runs]
    return [
        MeasuredCurve(
            x=position,
            y=part.transient,
            covariance=covariance - (common.T @ common if common.size else 0.0),
            common=common,
            # Equal calibrations of two runs are one measurement.
            calibration=next(number for number, other in enumerate(documents) if other == run.metadata.gates),
        )
        for position, part, covariance, run in zip(positions, parts, covariances, runs, strict=True)
        for common in (errors_of_calibration(part),)
    ]


def _combined(parts: Sequence[_Curves], merged: Resampled) -> _Curves:
    """Return the curves of all runs on the common grid, (nodes,), with the weights of their transients."""
    metadata = together([part.metadata for part in parts])
    return replace(
        parts[0],
        on=merged.applied([part.on for part in parts]),
        off=merged.applied([part.off for part in parts]),
        transient=merged.y,
        sigma=np.sqrt(np.diag(merged.covariance)),
        on_sigma=merged.independent_sigma([part.on_sigma for part in parts]),
        off_sigma=merged.independent_sigma([part.off_sigma for part in parts]),
        common=merged.common,
        metadata=metadata,
    )


def _combination(
    runs: Sequence[RunAccumulator],
    choice: CombineChoice,
    forced: tuple[str, ...],
    points: int,
    agreements: dict[Mode, Agreement],
) -> Combination:
    return Combination(
        uids=tuple(run.metadata.uid for run in runs),
        points=points,
        grid_given=choice.grid is not None,
        agreements=agreements,
        forced=forced,
    )


def _nodes(choice: CombineChoice) -> FloatArray | None:
    return None if choice.grid is None else np.array(choice.grid, dtype=float)


def _with_fit(
    result: CombinedTrace, runs: Sequence[RunAccumulator], timing: Timing, choice: CombineChoice
) -> CombinedTrace:
    kinetics = KineticModel.TWO_OFFSET if choice.kinetics is None else kinetic_choice(choice.kinetics)
    try:
        rates = tuple(gate_rates(run) for run in runs)
        beam_time_s = sum(float(run.exposure_s.sum()) for run in runs)
        result = replace(result, rates=rates, timing=timing, beam_time_s=beam_time_s)
        if isinstance(kinetics, Criterion):
            chosen = choose_kinetics(rates, timing, criterion=kinetics)
            return replace(result, fit=chosen.fit, choice=chosen)
        return replace(result, fit=fit_kinetics(rates, timing, model=kinetics))
    except ReductionError as error:
        return replace(result, remarks=(*result.remarks, f"No fit of {kinetics.description}: {error}"))
