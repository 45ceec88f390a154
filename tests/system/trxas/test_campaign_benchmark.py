"""If these fail, the beam time of the campaign is not as documented, or a spectrum of two runs is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from errors import ReductionError
from reduction.types import FloatArray
from reduction.xas.all_gates import all_gates_spectrum
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.later_pulses import later_pulse_spectrum
from reduction.xas.reference_share import transient_ratio
from trxas.benchmarks.campaign import campaign_times
from trxas.benchmarks.campaign_plans import EARLY, LATE, energies_ev, with_every_error_bar, with_every_number
from trxas.benchmarks.drawn_campaign import drawn_edge
from trxas.benchmarks.drawn_runs import DELAYS_PS, PUMPS_PER_S, TIMING
from trxas.validation.coverage.noise_free import Excited
from trxas.validation.paper.true_spectra import excitation

FALSE_ALARM = 1e-5

EARLY_PS = 100.0
LATE_PS = 10_100.0


@pytest.fixture(scope="module")
def decay() -> KineticsFit:
    """The decay of the simulated sample, by counts without noise of 400 s per delay."""
    edge = drawn_edge("br")
    photons = edge.photons(np.full(DELAYS_PS.size, edge.preset.main_feature_ev), DELAYS_PS) * PUMPS_PER_S * 400.0
    pulses = np.full_like(photons, PUMPS_PER_S * 400.0)
    pumped = np.ones(DELAYS_PS.size, dtype=bool)
    rates = GateRates(
        delay_ps=DELAYS_PS,
        photons=photons,
        variance=photons,
        pulses=pulses,
        pumped=pumped,
        elapsed_s=np.zeros(DELAYS_PS.size),
    )
    return fit_kinetics(rates, TIMING, intervals=False)


def true_transient(first_ps: float, probe: int) -> FloatArray:
    """What the recipe makes of the true Br spectra of a pulse, relative to the edge step, (points,)."""
    edge = drawn_edge("br")
    energy_ev = energies_ev(edge.preset)
    content = edge.template.content
    pumped, unpumped = (float(excitation(content, TIMING, gate, (first_ps,))[0]) for gate in (probe, 4))
    level = edge.template.level(energy_ev)
    spectra = Excited(energy_ev=energy_ev, level=level, change=edge.change, pumped=pumped, unpumped=unpumped)
    off, transient = spectra.by_recipe(own_scale=True)
    low, high = edge.preset.post_edge_ev
    return np.asarray(transient / off[(energy_ev >= low) & (energy_ev <= high)].mean())


def test_a_pulse_of_two_runs_is_the_true_one_with_true_and_smaller_errors(decay: KineticsFit) -> None:
    """Lost: the spectrum at 163.5 ns, or the beam time that the other run adds. Chi-square of 6 x 79 points."""
    edge, plans, truth = drawn_edge("br"), with_every_number(), true_transient(LATE_PS, 1)
    early_plan = replace(plans["br", LATE], seconds=2.0 * plans["br", LATE].seconds[::-1])
    total, gains = 0.0, []
    for seed in range(6):
        late = edge.spectrum_run(plans["br", LATE], LATE_PS, [seed, 1], ("spc",), 2)
        early = edge.spectrum_run(early_plan, EARLY_PS, [seed, 2], ("spc",), 2)
        found = later_pulse_spectrum([late, early], decay)
        assert found.covariance is not None
        total += float(np.sum(((found.transient - truth) / found.sigma) ** 2))
        gains.append(np.median(found.sigma / all_gates_spectrum(late, "spc", 1).sigma))
    # The offsets that points share are in the stated errors of no single point, so the limits are wider by a tenth.
    assert 0.9 * chi2.ppf(FALSE_ALARM, 6 * truth.size) < total < 1.1 * chi2.ppf(1 - FALSE_ALARM, 6 * truth.size)
    assert np.mean(gains) < 0.8


def test_the_ratio_of_two_delays_follows_the_decay(decay: KineticsFit) -> None:
    edge, plan = drawn_edge("br"), with_every_error_bar()["br", LATE]
    late, early = (
        all_gates_spectrum(edge.spectrum_run(plan, first_ps, [1], ("spc",), 1), "spc", 1).metadata
        for first_ps in (LATE_PS, EARLY_PS)
    )
    ratio = transient_ratio(decay, late, early)
    assert ratio.value == pytest.approx(np.exp(-10.0 / 400.0), abs=2e-3)
    assert 0.0 < ratio.sigma < 0.03


def test_runs_that_do_not_see_the_same_pulse_are_refused(decay: KineticsFit) -> None:
    plans = with_every_error_bar()
    edge, plan = drawn_edge("br"), plans["br", LATE]
    late = edge.spectrum_run(plan, LATE_PS, [1], ("spc",), 1)
    with pytest.raises(ReductionError, match="Give runs within 10%"):
        later_pulse_spectrum([late, edge.spectrum_run(plan, 60_000.0, [2], ("spc",), 1)], decay)
    lead = drawn_edge("pb").spectrum_run(plans["pb", EARLY], EARLY_PS, [3], ("spc",), 1)
    with pytest.raises(ReductionError, match="differ in edge or sample"):
        later_pulse_spectrum([late, lead], decay)


def test_the_campaign_of_the_paper_takes_the_time_that_the_documentation_states() -> None:
    """Lost: trust in the table, if the scans are not those that it says."""
    found = campaign_times()
    text = Path("docs/explanation/beam-time.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|\n", text)
    keys = [key for key in found if not key.startswith("campaign_bars")]
    for row, key in zip(rows, keys, strict=True):
        numbers, bars = found[key], found[key.replace("campaign", "campaign_bars", 1)]
        expected = [numbers.baseline, bars.value, bars.ratio, numbers.value, numbers.ratio]
        assert [float(one) for one in row] == pytest.approx(expected, abs=0.051, rel=0.01)
    assert found["campaign"].ratio < 0.5
