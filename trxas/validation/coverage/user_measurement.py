"""One hidden sample of a user's beamline measured and reduced, with the plans and reductions of any session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bluesky import RunEngine

from devices.beamline import Beamline
from plans import delay_scan, energy_scan
from plans.grids import Region
from reduction.accumulator import accumulate
from reduction.jet_shares import JetShares
from reduction.types import FloatArray
from reduction.values import Value
from reduction.xas.calibration import FoilSpectrum
from reduction.xas.exposure_pairs import exposure_pairs, gates_of
from reduction.xas.foil_alignment import ABOVE_EDGE_EV, BELOW_EDGE_EV, align_foil
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.self_absorption import thin_if_described
from reduction.xas.spc_time import spc_trace
from trxas.validation.coverage.measurement import MeasuredGroup, Measurement, documents_of, measure_groups

DELAY_DWELL_S = 400.0
"""Beam time per delay, as for the random samples: errors of some per cent, where an error means 68 %."""

ENERGY_DWELL_S = 60.0
"""Beam time per energy: twelve correlation times of the jet, whose fluctuations are the errors of a static spectrum."""

ENERGY_DELAY_PS = 100.0
LARGEST_SHIFT_EV = 3.0

BEFORE_PS = (-500.0, -250.0, -60.0, -30.0, 0.0, 30.0, 60.0)
LATE_PS = (20e3, 100e3)
"""Delays of the baseline and the rise; and of an offset, where the model has one."""


def delays_ps(lifetimes_ps: tuple[float, ...], *, offset: bool) -> list[float]:
    """Return the delays of a trace, ps, for lifetimes that are known to a factor of two."""
    # Equal steps of the logarithm measure every lifetime of the range equally well. Eight times the longest reaches
    # well beyond its decay even if the true lifetime is twice that of the file.
    after = np.geomspace(90.0, 8.0 * max(lifetimes_ps), 12).round(0).tolist()
    return [*BEFORE_PS, *after, *(LATE_PS if offset else ())]


def edge_regions(edge_ev: float) -> tuple[Region, ...]:
    """Return the energies of a spectrum, eV: the rise in steps of 1, structures in steps of 2."""
    return (
        (edge_ev - BELOW_EDGE_EV, edge_ev - 10.0, 2.0),
        (edge_ev - 8.0, edge_ev + 10.0, 1.0),
        (edge_ev + 12.0, edge_ev + ABOVE_EDGE_EV, 2.0),
    )


def user_parameters(lifetimes: int) -> tuple[str, ...]:
    """Return the names of what is recovered: lifetimes, time zero and response in ps, amplitude, shift in eV."""
    return (*(f"tau{number}" for number in range(1, lifetimes + 1)), "t0", "response", "amplitude", "shift")


def as_the_jet_shows(level: FloatArray, jet: JetShares | None) -> FloatArray:
    """Return the levels of a thin sample, edge step = 1, as a described jet shows them, on a scale of its own.

    The result has the shape of `level`. The sample absorbs part of its own fluorescence, most of it where it absorbs
    most (`without_self_absorption`).
    """
    loss = jet.loss(jet.expected_step).value if jet is not None and jet.expected_step is not None else 0.0
    return level / (1.0 + loss * level)


def measure_user_sample(beamline: Beamline, run_engine: RunEngine, campaign: Mapping[str, Any]) -> Measurement:
    """Measure trace and spectrum as `campaign` describes, with `edge`, `model`, `lifetimes_ps` and `reference`."""
    model = KineticModel(campaign["model"])
    edge = str(campaign["edge"])
    fluence = float(campaign["fluence_mj_cm2"])
    *kinetic, shift = user_parameters(model.lifetimes)

    def kinetics(line: Beamline, engine: RunEngine) -> dict[str, Value]:
        delays = delays_ps(tuple(campaign["lifetimes_ps"]), offset=model.has_offset)
        plan = delay_scan(line, edge, delays_ps=delays, dwell_s=DELAY_DWELL_S, repeats=1, fluence_mj_cm2=fluence)
        run = accumulate(documents_of(engine, plan))
        fit = fit_kinetics(gate_rates(run), run.metadata.timing, model=model)
        taus = {f"tau{number}": value for number, value in enumerate(fit.lifetimes_ps, 1)}
        amplitude = thin_if_described(fit.amplitude, spc_trace(run).metadata)
        return {**taus, "t0": fit.t0_ps, "response": fit.irf_sigma_ps, "amplitude": amplitude}

    def alignment(line: Beamline, engine: RunEngine) -> dict[str, Value]:
        plan = energy_scan(
            line, edge, delay_ps=ENERGY_DELAY_PS, dwell_s=ENERGY_DWELL_S, fluence_mj_cm2=fluence,
            regions_ev=edge_regions(float(campaign["edge_ev"])), allow_unreducible=True,
        )  # fmt: skip
        run = accumulate(documents_of(engine, plan))
        timing = run.metadata.timing
        pairs = exposure_pairs(run, "spc", *gates_of("unpumped probe", timing.pumped_probe, timing))
        # As logarithms, a fluorescence spectrum is aligned like a foil: the free offset is that of the intensity, the
        # slope that of I0, whose efficiency falls with the energy, and the fluctuations of the jet are equal at all
        # points. The error comes from the scatter about the reference, in which they are.
        unpumped = FoilSpectrum(pairs.axis, np.log(pairs.summed()[1].value))
        known = campaign["reference"]
        level = as_the_jet_shows(np.array(known["level"]), run.metadata.jet)
        reference = FoilSpectrum(np.array(known["energy_ev"]), np.log(level))
        return {"shift": align_foil(unpumped, reference, largest_shift_ev=LARGEST_SHIFT_EV).shift_ev}

    # Two groups, so that a trace that cannot be fitted does not cost the shift of the spectrum, nor the other way
    # round. The spectrum first: the energy axis is right when it has just been calibrated, and drifts by most of the
    # error of the shift in the two hours of the trace.
    groups = (
        MeasuredGroup(parameters=(shift,), measure=alignment),
        MeasuredGroup(parameters=tuple(kinetic), measure=kinetics),
    )
    return measure_groups(groups, beamline, run_engine)
