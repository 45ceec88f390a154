"""One sample measured and reduced, with the plans and reductions of any session, and without knowledge of the truth.

The settings are chosen for the coverage: few points of long exposure, since points cost wall time and beam does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import bluesky.plan_stubs as bps
from bluesky import RunEngine

from devices.beamline import Beamline
from errors import TrxasError
from plans import delay_scan, energy_scan, fluence_scan, static_energy_scan, time_zero_scan
from plans.edges import BR_K, PB_L3
from plans.grids import Region
from reduction.accumulator import RunAccumulator, accumulate
from reduction.timing import Timing
from reduction.values import Value
from reduction.xas.alignment import align
from reduction.xas.boxcar_zero import boxcar_zero
from reduction.xas.delay_axis import time_zero_of
from reduction.xas.fluence import fluence_scan as reduce_fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.self_absorption import thin_if_described
from reduction.xas.spc_time import spc_trace
from reduction.xas.static_xas import SpectrumPoints, accumulate_static, static_spectrum
from trxas.validation.coverage.calibration_measurement import use_reference_foil
from trxas.validation.coverage.random_sample import SampleTruth
from trxas.validation.coverage.spectra_measurement import SPECTRA_PARAMETERS, expected_spectra, measure_spectra

DELAYS_PS = {
    "Br K": (-500, -250, -60, -30, 0, 30, 60, 100, 150, 220, 320, 450, 650, 900, 1300, 1900, 2800, 5e3, 20e3, 130e3),
    "Pb L3": (-400, -200, -40, 0, 40, 90, 160, 250, 380, 560, 820, 1200, 1800, 3000, 10e3, 100e3),
}  # fmt: skip
"""First delays, ps: a baseline, the rise, both decays, the offset; the edges share the kinetics, not the delays."""

DELAY_DWELL_S = 400.0
"""Beam time per point: lifetimes have errors of 3 to 5 %, where the fit is linear and an error means 68 %."""

TIME_ZERO_DWELL_S = 20.0
"""Beam time per point of the time-zero scan: the response has an error of 3 ps, five times below its prior."""

DELAY_FLUENCE_MJ_CM2 = 7.0
"""Below all saturation: the fit takes the remainder of earlier pumps as proportional to their fluence."""

FLUENCES_MJ_CM2 = (0.5, 1.0, 3.0, 5.0, 6.5, 8.0)
"""Points of the line, within the range that `fit_fluence` takes as linear."""

FLUENCE_DELAY_PS = 100.0
FLUENCE_DWELL_S = 6.0
"""As in the paper (SI 3): the slope has an error of 3 to 5 %."""

ZERO_GRID_EV: tuple[Region, ...] = ((13_450, 13_460, 5), (13_490, 13_550, 20))
"""Three energies before the Br edge and four after it, where the signal is ten times larger."""

STATIC_GRID_EV: tuple[Region, ...] = ((13_000, 13_020, 10), (13_022, 13_058, 1.5), (13_080, 13_140, 30))
"""The rise of the Pb edge in steps of a quarter of its width, over which a spline interpolates; few elsewhere."""

ALIGNMENT_WINDOW_EV = (13_022.0, 13_058.0)
STATIC_DWELL_S = 0.5
"""Beam time per point: shifts have errors of 0.02 eV."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Values with errors by parameter; `failures` has the reason for each parameter without a value.

    `marks` are sentences of the reductions on what looks wrong.
    """

    values: dict[str, Value] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)


def measure_sample(
    beamline: Beamline, run_engine: RunEngine, trusted_axis: AbstractContextManager[None] | None = None
) -> Measurement:
    """Measure and reduce the sample in the beam, lifetimes in ps, shifts in eV, after a reference foil.

    The foil is measured within `trusted_axis`, in which the energy axis is right.
    A group that raises a TrxasError does not affect the others: its parameters have the reason instead of a value.
    A foil that fails is the reason for all of them.
    """
    try:
        with trusted_axis or nullcontext():
            use_reference_foil(beamline, run_engine)
    except TrxasError as error:
        return failed_measurement(PARAMETERS, str(error))
    return measure_groups(GROUPS, beamline, run_engine)


def measure_groups(groups: Sequence[MeasuredGroup], beamline: Beamline, run_engine: RunEngine) -> Measurement:
    """Measure and reduce several groups of parameters, in the units of their names; see `measure_sample`.

    Raises nothing for a group that fails: the reason is in `failures` of the result.
    """
    result = Measurement()
    # A value with an error of zero or infinity is not a measurement, and would have a pull of zero or of anything; it
    # counts as failed, with what was found as the reason. The same for a group that raises: the share of failures is a
    # result of the coverage, as a reduction that refuses every difficult sample would have perfect pulls.
    for group in groups:
        try:
            found = group.measure(beamline, run_engine)
        except TrxasError as error:
            result.failures.update(dict.fromkeys(group.parameters, str(error)))
        else:
            result.values.update({name: value for name, value in found.items() if _is_determined(value)})
            result.failures.update({name: f"{value}" for name, value in found.items() if not _is_determined(value)})
    return result


def failed_measurement(parameters: Sequence[str], reason: str) -> Measurement:
    """Return a measurement without any value of the `parameters`, for `reason`."""
    return Measurement(failures=dict.fromkeys(parameters, reason))


def _is_determined(value: Value) -> bool:
    return math.isfinite(value.value) and math.isfinite(value.sigma) and value.sigma > 0


def expected_values(truth: SampleTruth, timing: Timing) -> dict[str, float]:
    """Return the true value of each measured parameter, in the units of `PARAMETERS`: ps, 1/ns, cm2/mJ, eV."""
    # Sample files state the transient at the reference fluence; the traces are measured at a lower one.
    amplitude = truth.excitation(DELAY_FLUENCE_MJ_CM2)
    return {
        "tau1": truth.tau1_ps,
        "tau2": truth.tau2_ps,
        "fraction1": truth.fraction1,
        "fraction2": truth.fraction2,
        "offset": truth.offset,
        "offset_rate": 1.0 / truth.offset_lifetime_ns,
        "t0": truth.t0_ps,
        "response": truth.irf_sigma_ps,
        "scanned_t0": truth.t0_ps,
        "scanned_response": truth.irf_sigma_ps,
        "amplitude_br": truth.br_change * amplitude,
        "amplitude_pb": truth.pb_change * amplitude,
        **dict.fromkeys(
            ("fluence_slope", "boxcar_slope"), truth.fluence_slope(FLUENCES_MJ_CM2, FLUENCE_DELAY_PS, timing)
        ),
        # The true energy is higher than the one read back, so features appear lower by the same amount.
        "alignment_shift": -truth.backlash_ev,
        **expected_spectra(truth, timing),
    }


def _time_zero(beamline: Beamline, run_engine: RunEngine) -> dict[str, Value]:
    """Measure time zero and the instrument response with the configured one as prior, as on the first day."""
    plan = time_zero_scan(beamline, BR_K.name, dwell_s=TIME_ZERO_DWELL_S, fluence_mj_cm2=DELAY_FLUENCE_MJ_CM2)
    # The configured response has an error of its own, and the true one is drawn from a wider range: the pull shows
    # whether the prior is weighed rightly.
    found = time_zero_of(documents_of(run_engine, plan))
    return {"scanned_t0": found.t0_ps, "scanned_response": found.irf_sigma_ps}


def _kinetics(beamline: Beamline, run_engine: RunEngine) -> dict[str, Value]:
    """Measure time traces of both edges and fit them together (paper, Figure 2c)."""
    runs = [_delay_run(beamline, run_engine, edge) for edge in DELAYS_PS]
    # One fit for both edges, as in the paper: they share lifetimes, fractions and time zero, and have an amplitude
    # each.
    fit = fit_kinetics([gate_rates(run) for run in runs], runs[0].metadata.timing)
    br, pb = (
        thin_if_described(amplitude, spc_trace(run).metadata)
        for amplitude, run in zip(fit.amplitudes, runs, strict=True)
    )
    return {
        "tau1": fit.tau1_ps,
        "tau2": fit.tau2_ps,
        "fraction1": fit.fraction1,
        "fraction2": fit.fraction2,
        "offset": fit.offset,
        "offset_rate": fit.offset_rate_per_ns,
        "t0": fit.t0_ps,
        "response": fit.irf_sigma_ps,
        "amplitude_br": br,
        "amplitude_pb": pb,
    }


def _delay_run(beamline: Beamline, run_engine: RunEngine, edge: str) -> RunAccumulator:
    plan = delay_scan(
        beamline,
        edge,
        delays_ps=DELAYS_PS[edge],
        dwell_s=DELAY_DWELL_S,
        repeats=1,
        fluence_mj_cm2=DELAY_FLUENCE_MJ_CM2,
    )
    return accumulate(documents_of(run_engine, plan))


def _fluence(beamline: Beamline, run_engine: RunEngine) -> dict[str, Value]:
    """Measure the fluence dependence by both modes; an energy scan gives the zero of the analog signal."""
    zero_plan = energy_scan(
        beamline, BR_K.name, regions_ev=ZERO_GRID_EV, delay_ps=FLUENCE_DELAY_PS, dwell_s=FLUENCE_DWELL_S
    )
    # The slope is relative to the unpumped signal. A zero that is left in the analog signal would enter it in full, and
    # a fluence scan alone cannot separate the two.
    zero = boxcar_zero(accumulate(documents_of(run_engine, zero_plan)))
    plan = fluence_scan(
        beamline,
        BR_K.name,
        fluences_mj_cm2=FLUENCES_MJ_CM2,
        delay_ps=FLUENCE_DELAY_PS,
        dwell_s=FLUENCE_DWELL_S,
    )
    run = accumulate(documents_of(run_engine, plan))
    counted = reduce_fluence_scan(run)
    analog = reduce_fluence_scan(run, "boxcar", zero_v=zero)
    return {
        "fluence_slope": thin_if_described(fit_fluence(counted).slope, counted.metadata),
        "boxcar_slope": thin_if_described(fit_fluence(analog).slope, analog.metadata),
    }


def _alignment(beamline: Beamline, run_engine: RunEngine) -> dict[str, Value]:
    """Measure the same powder twice: after a long move down with its backlash, and approached from below."""
    # The monochromator is sent up first, so that the first scan begins with a long move down: approached directly, its
    # backlash shifts the spectrum; approached from below, there is none. The difference of both is known from the
    # sample, and must be what the alignment finds.
    run_engine(bps.abs_set(beamline.energy, BR_K.main_feature_ev, wait=True))
    shifted, reference = (_static(beamline, run_engine, approach) for approach in ("direct", "below"))
    return {"alignment_shift": align(shifted, reference, ALIGNMENT_WINDOW_EV).shift_ev}


def _static(beamline: Beamline, run_engine: RunEngine, approach: str) -> SpectrumPoints:
    plan = static_energy_scan(
        beamline, PB_L3.name, regions_ev=STATIC_GRID_EV, dwell_s=STATIC_DWELL_S, approach=approach
    )
    return static_spectrum(accumulate_static(documents_of(run_engine, plan))).measured


def documents_of(run_engine: RunEngine, plan: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Run a plan that makes one run, and return its documents."""
    documents: list[tuple[str, Mapping[str, Any]]] = []
    run_engine(plan, lambda name, doc: documents.append((name, doc)))
    return documents


@dataclass(frozen=True, kw_only=True)
class MeasuredGroup:
    """Parameters that are measured together."""

    parameters: tuple[str, ...]
    measure: Callable[[Beamline, RunEngine], dict[str, Value]]


KINETIC_PARAMETERS = (
    *("tau1", "tau2", "fraction1", "fraction2", "offset", "offset_rate"),
    *("t0", "response", "amplitude_br", "amplitude_pb"),
)

GROUPS = (
    MeasuredGroup(parameters=("scanned_t0", "scanned_response"), measure=_time_zero),
    MeasuredGroup(parameters=KINETIC_PARAMETERS, measure=_kinetics),
    MeasuredGroup(parameters=("fluence_slope", "boxcar_slope"), measure=_fluence),
    MeasuredGroup(parameters=("alignment_shift",), measure=_alignment),
    MeasuredGroup(parameters=SPECTRA_PARAMETERS, measure=measure_spectra),
)
"""All groups, in the order of measurement."""

PARAMETERS = tuple(name for group in GROUPS for name in group.parameters)
"""Every recovered parameter: lifetimes, t0, response in ps, `offset_rate` in 1/ns, slope in cm2/mJ, energies in eV."""
