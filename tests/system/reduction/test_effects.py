"""If these fail, an effect of the beamline at ten times its usual size changes a published number, and nothing says so.

Each effect alone, without noise, on the paper's sample at the statistics of the paper: every number moves by less than
its error, or is corrected, or the reduction marks the run. One row per effect; `trxas coverage --effect all` measures
the same over Channel Access.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

import pytest

from errors import ReductionError
from plans.edges import BR_K, PB_L3
from plans.grids import join_regions
from reduction.accumulator import RunAccumulator, accumulate
from reduction.fit_quality import is_bad_fit
from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.boxcar_zero import boxcar_zero
from reduction.xas.comparison import BR_K as BR_WINDOWS
from reduction.xas.comparison import comparison_parameter
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.screening import screened
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient_shape import transient_covariance
from reduction.xas.unpumped_size import transient_size
from sim.physics.effects import EffectSizes
from tests.support.simulated_runs import QUIET, SimulatedRuns
from trxas.validation.coverage.measurement import DELAYS_PS, FLUENCES_MJ_CM2, ZERO_GRID_EV
from trxas.validation.coverage.spectra_measurement import GRID_EV

TIMES = 10.0
FLUENCE: dict[str, Any] = {"fluence_mj_cm2": 8.83}
JET = {"jet": {"depth_share": 0.495, "depth_share_error": 0.0099}, "foil_in_beam": ""}

KNOWN_ELSEWHERE = {"energy_drift", "noise", "shared_photons", "turbulence", "efficiencies", "gains", "zeros"}
"""Foils, dark and blocked exposures correct these, which tests of their own show; two move no mean."""


@dataclass
class Campaign:
    """Published numbers with their errors, and what the reductions remark."""

    numbers: dict[str, Value] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)

    def take(self, documents: list[Any]) -> RunAccumulator:
        """Reduce a run, remember what marks it, and return its screened sums."""
        results = reduce_run(documents)
        self.marks += [*results.remarks, *(one.text for one in results.cuts)]
        sums: RunAccumulator = screened(accumulate(documents)).sums
        return sums


def measured(effects: EffectSizes) -> Campaign:
    """The paper's bromine spectrum, traces of both edges, and fluence dependence, at its beam times."""
    runs = SimulatedRuns(effects=effects)
    runs.metadata = JET
    found = Campaign()
    spectrum = found.take(
        runs.run("energy_ev", join_regions(GRID_EV, "eV"), dwell_s=18.0, repeats=3, delay_ps=100.0, **FLUENCE)
    )
    shown, counted = boxcar_spectrum(spectrum), spc_spectrum(spectrum)
    covariance = transient_covariance(counted, spectrum.metadata.windows)
    c = comparison_parameter(counted.energy_ev, counted.transient, covariance, BR_WINDOWS)
    found.numbers |= {"size": transient_size(shown)[1], "counted size": transient_size(counted)[1]}
    found.numbers["C"] = Value(c.value, c.sigma)
    traces = [
        found.take(
            runs.run("delay_ps", DELAYS_PS[str(edge.name)], dwell_s=dwell_s, repeats=3, edge=edge,
                     energy_ev=edge.main_feature_ev, **FLUENCE)
        )
        for edge, dwell_s in ((BR_K, 12.0), (PB_L3, 72.0))
    ]  # fmt: skip
    try:
        fit = fit_kinetics([gate_rates(one) for one in traces], traces[0].metadata.timing, intervals=False)
    except ReductionError as error:
        found.marks.append(f"No fit: {error}")
    else:
        found.marks += ["a bad fit"] if is_bad_fit(fit.chi_square, fit.degrees_of_freedom) else []
        found.numbers |= {"tau1": fit.tau1_ps, "tau2": fit.tau2_ps, "offset": fit.offset, "t0": fit.t0_ps}
        found.numbers |= {"response": fit.irf_sigma_ps, "amplitude": fit.amplitudes[0]}
    energy: dict[str, Any] = {"delay_ps": 100.0, "energy_ev": BR_K.main_feature_ev}
    zero = boxcar_zero(runs.sums("energy_ev", join_regions(ZERO_GRID_EV, "eV"), dwell_s=6.0, delay_ps=100.0, **FLUENCE))
    dependence = found.take(runs.run("fluence_mj_cm2", FLUENCES_MJ_CM2, dwell_s=18.0, repeats=3, **energy))
    found.numbers["slope"] = fit_fluence(fluence_scan(dependence)).slope
    found.numbers["boxcar's slope"] = fit_fluence(fluence_scan(dependence, "boxcar", zero_v=zero)).slope
    return found


@cache
def without(*, noise: bool) -> Campaign:
    """The campaign without any effect."""
    return measured(replace(QUIET, noise=float(noise)))


def head(mark: str) -> str:
    """First words of a mark without the numbers that differ from run to run."""
    return "".join(letter for letter in mark if not letter.isdigit())[:40]


def shifts(effect: str) -> Iterator[tuple[str, float]]:
    """Shift of every number in units of its error."""
    moved = measured(replace(QUIET, **{effect: TIMES})).numbers
    errors = without(noise=True).numbers
    for name, value in without(noise=False).numbers.items():
        yield name, (moved[name].value - value.value) / errors[name].sigma if name in moved else math.nan


@pytest.mark.long
@pytest.mark.parametrize("effect", [one.name for one in fields(EffectSizes) if one.name not in KNOWN_ELSEWHERE])
def test_no_effect_at_ten_times_its_size_passes_silently(effect: str) -> None:
    """Lost: a published number, by something that nothing states."""
    wrong = {name: round(shift, 1) for name, shift in shifts(effect) if not abs(shift) < 1.0}
    if not wrong:
        return
    usual = {head(one) for one in without(noise=True).marks}
    noisy = measured(replace(QUIET, noise=1.0, **{effect: TIMES}))
    assert [one for one in noisy.marks if head(one) not in usual], f"{effect} moves {wrong} errors, without a mark"
