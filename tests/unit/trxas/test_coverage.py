"""If these fail, a coverage says that error bars are true when they are not, or the other way round."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import InputError, StorageError
from plans.edges import BR_K, PB_L3
from sim.physics.beamline_state import BeamlineState
from sim.physics.excitation import response
from sim.physics.experiment import Experiment
from sim.physics.sample import Sample
from sim.physics.sample_file import load_sample
from sim.physics.spectra import static_spectrum
from trxas.validation.coverage import worker
from trxas.validation.coverage.campaign import Coverage, CoverageSettings, draw_samples
from trxas.validation.coverage.measurement import (
    DELAY_FLUENCE_MJ_CM2,
    DELAYS_PS,
    FLUENCE_DELAY_PS,
    FLUENCES_MJ_CM2,
    PARAMETERS,
    STATIC_GRID_EV,
    expected_values,
)
from trxas.validation.coverage.pulls import pull_statistics
from trxas.validation.coverage.random_sample import RANGES, SampleTruth, draw_truth
from trxas.validation.coverage.report import as_json, pull_figure, summary, write_json
from trxas.validation.coverage.ring import true_timing
from trxas.validation.coverage.sample_file import sample_toml

REQUIRED = {"tau1", "tau2", "fraction1", "fraction2", "t0", "fluence_slope", "alignment_shift"}
TIMING = true_timing()


def new_coverage(samples: int = 2, measurements: int = 2) -> Coverage:
    settings = CoverageSettings(samples=samples, seed=3, measurements=measurements, workers=1)
    return Coverage(settings=settings, timing=TIMING, samples=draw_samples(settings))


def line(coverage: Coverage, sample: int, number: int, pull: float) -> dict[str, Any]:
    """A measurement that is `pull` of its errors off the truth, as a worker reports it."""
    expected = expected_values(coverage.samples[sample].truth, TIMING)
    values = {name: [value + pull * 0.1, 0.1] for name, value in expected.items()}
    return {"sample": sample, "measurement": number, "values": values, "failures": {}}


def test_pulls_of_true_error_bars_are_found_to_be_so_with_honest_errors() -> None:
    """400 coverages of 30 samples x 3: the stated errors must be the scatter of mean and width.

    The scatter of 400 has an error of 3.5 %, the jackknife a small bias of its own; 15 % is 4 sigma of the former.
    """
    rng = np.random.default_rng(1)
    found = [pull_statistics(rng.standard_normal((30, 3)).tolist()) for _ in range(400)]
    means = [each.mean for each in found if each.mean is not None]
    widths = [each.width for each in found if each.width is not None]
    assert len(means) == len(widths) == len(found)
    assert abs(np.mean(means)) < 4 * 0.1054 / 20
    assert abs(np.mean(widths) - 1.0) < 4 * 0.0745 / 20
    assert np.mean([each.mean_error for each in found]) == pytest.approx(np.std(means), rel=0.15)
    assert np.mean([each.width_error for each in found]) == pytest.approx(np.std(widths), rel=0.15)


def test_a_bias_that_belongs_to_the_sample_counts_once_however_often_it_is_measured() -> None:
    """Otherwise ten measurements of each of a few samples would look like certainty; error 12 % known, 4 sigma."""
    biases = np.random.default_rng(2).standard_normal(40)
    found = pull_statistics([[bias] * 10 for bias in biases])
    assert found.mean_error == pytest.approx(1 / math.sqrt(40), rel=4 * 0.12)


@pytest.mark.parametrize(("bias", "scale"), [(0.35, 1.0), (0.0, 1.3), (0.0, 0.75)])
def test_error_bars_that_are_wrong_are_called_outside(bias: float, scale: float) -> None:
    """200 x 3 pulls: errors of 0.04 and 0.03, all three off by more than 3 of them beyond the limits; seed fixed."""
    rng = np.random.default_rng(3)
    assert pull_statistics((bias + scale * rng.standard_normal((200, 3))).tolist()).acceptable is False
    assert pull_statistics(rng.standard_normal((200, 3)).tolist()).acceptable is True


def test_too_few_pulls_say_nothing() -> None:
    nothing = pull_statistics([[], []], failed=2)
    assert (nothing.mean, nothing.width, nothing.number, nothing.failed, nothing.acceptable) == (None, None, 0, 2, None)
    one = pull_statistics([[0.5]])
    assert (one.mean, one.mean_error, one.width, one.acceptable) == (0.5, None, None, None)
    two = pull_statistics([[0.5], [-0.5]])
    assert (two.width_error, two.acceptable) == (None, None)
    assert pull_statistics(np.zeros((3, 2)).tolist()).width == 0.0


def test_samples_lie_in_their_ranges_and_fill_them() -> None:
    """A value at a border of 2000 draws would be missed by a twentieth of the range once in 1e44."""
    rng = np.random.default_rng(4)
    drawn = [draw_truth(rng) for _ in range(2000)]
    for name, limits in RANGES.items():
        values = [
            truth.tau2_ps / truth.tau1_ps if name == "lifetime_ratio" else getattr(truth, name) for truth in drawn
        ]
        margin = 0.05 * (limits.high - limits.low)
        assert limits.low <= min(values) * (1 + 1e-12) + 1e-12
        assert min(values) < limits.low + margin
        assert limits.high - margin < max(values) < limits.high + 1e-9
    assert min(truth.offset for truth in drawn) >= 0.05


def test_a_sample_depends_on_the_seed_and_its_number_only() -> None:
    """More samples of a seed must contain the fewer, or a suspicious one could not be looked at again."""
    few, many = draw_samples(CoverageSettings(samples=2, seed=9)), draw_samples(CoverageSettings(samples=5, seed=9))
    assert few == many[:2]
    assert len({sample.seed for sample in many}) == 5
    assert draw_samples(CoverageSettings(samples=2, seed=10)) != few


def test_beam_times_begin_at_any_hour_of_the_day() -> None:
    """Lost: a drift of time zero that all samples share, a bias of 0.6 errors that is not a fault of the fit."""
    hours = [sample.hour for sample in draw_samples(CoverageSettings(samples=60, seed=3))]
    assert min(hours) < 4 < 20 < max(hours)
    assert abs(np.mean(hours) - 12.0) < 4 * 24 / math.sqrt(12 * 60)


def test_a_simulated_beamline_begins_at_the_hour_of_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    started: dict[str, Any] = {}
    monkeypatch.setattr(worker, "simulated_beamline", lambda **settings: started.update(settings) or nullcontext(""))
    worker.beamline_of({"index": 0, "path": "s.toml", "seed": 1, "hour": 6.5}, {})
    assert "--hour 6.5" in " ".join(started["options"])


@pytest.fixture(params=[5, 6, 7])
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[SampleTruth, Sample]:
    """A random truth, and what the simulation reads from its file."""
    truth = draw_truth(np.random.default_rng(request.param))
    path = tmp_path / "sample.toml"
    path.write_text(sample_toml(truth), encoding="utf-8")
    return truth, load_sample(path)


def signal(sample: Sample, edge: str, energy_ev: float, **state: Any) -> np.ndarray:
    """Change of every probe relative to the static signal, as the simulation has it."""
    experiment, here = Experiment(sample=sample, seed=1), BeamlineState(energy_ev=energy_ev, **state)
    return experiment.spectrum(here) / float(static_spectrum(sample.edges[edge], energy_ev)) - 1.0


def test_the_simulation_is_given_what_the_pulls_are_taken_against(drawn: tuple[SampleTruth, Sample]) -> None:
    """A truth that is not what was simulated would look like a biased reduction."""
    truth, sample = drawn
    for name in ("tau1_ps", "tau2_ps", "fraction1", "fraction2", "offset_lifetime_ns"):
        assert getattr(sample.kinetics, name) == getattr(truth, name)
    assert (sample.beam.time_zero_ps, sample.beam.backlash_ev) == (truth.t0_ps, truth.backlash_ev)
    assert sample.beam.irf_sigma_ps == truth.irf_sigma_ps
    expected = expected_values(truth, TIMING)
    assert set(expected) == set(PARAMETERS) >= REQUIRED
    for edge, energy_ev, name in (
        (BR_K.name, BR_K.main_feature_ev, "amplitude_br"),
        (PB_L3.name, PB_L3.main_feature_ev, "amplitude_pb"),
    ):
        found = signal(sample, edge, energy_ev, delay_ps=1000.0, fluence_mj_cm2=DELAY_FLUENCE_MJ_CM2)
        zero_at_t0 = replace(truth, t0_ps=0.0)
        for probe in range(TIMING.probes_per_pump):
            # Earlier pumps have hit the sample beside the centre of the laser, where it saturates less.
            assert found[probe] == pytest.approx(
                expected[name] * zero_at_t0.after_pump(1000.0, probe, TIMING), rel=1e-3
            )


def test_the_expected_excitation_saturates_as_the_simulation_does(drawn: tuple[SampleTruth, Sample]) -> None:
    """Lost: sizes at 7 mJ/cm2 that look 0.2 % too small."""
    truth, sample = drawn
    for fluence_mj_cm2 in (0.5, DELAY_FLUENCE_MJ_CM2, 14.0):
        expected = float(response(fluence_mj_cm2, sample.pump))
        assert truth.excitation(fluence_mj_cm2) == pytest.approx(expected, rel=1e-12)


def test_the_expected_slope_is_that_of_the_simulation_at_low_fluence(drawn: tuple[SampleTruth, Sample]) -> None:
    truth, sample = drawn
    low = 0.01
    change = signal(
        sample, BR_K.name, BR_K.main_feature_ev, delay_ps=FLUENCE_DELAY_PS - truth.t0_ps, fluence_mj_cm2=low
    )
    difference = (change[TIMING.pumped_probe] - change[TIMING.unpumped_probe]) / low
    level = 1.0 + change[TIMING.unpumped_probe] / low * np.mean(FLUENCES_MJ_CM2)
    assert truth.fluence_slope(FLUENCES_MJ_CM2, FLUENCE_DELAY_PS, TIMING) == pytest.approx(difference / level, rel=1e-6)


def test_steps_within_a_scan_never_reseat_the_backlash() -> None:
    """A step of 50 eV would take the shift out in the middle of the spectrum that has to show it."""
    assert max(start2 - stop1 for (_, stop1, _), (start2, _, _) in pairwise(STATIC_GRID_EV)) < 50
    assert max(step for _, _, step in STATIC_GRID_EV) < 50
    assert BR_K.main_feature_ev - STATIC_GRID_EV[0][0] > 200
    assert set(DELAYS_PS) == {BR_K.name, PB_L3.name}


def test_results_become_pulls_and_json() -> None:
    coverage = new_coverage()
    coverage.take(line(coverage, 0, 0, 1.5))
    coverage.take(line(coverage, 1, 0, -0.5))
    result = as_json(coverage)
    assert set(result["parameters"]) == set(PARAMETERS)
    for found in result["parameters"].values():
        assert found["pull_mean"] == pytest.approx(0.5)
        assert found["pull_width"] == pytest.approx(math.sqrt(2.0))
        assert (found["pulls"], found["failed"]) == (2, 0)
        assert found["pulls_of_samples"] == {"0": [pytest.approx(1.5)], "1": [pytest.approx(-0.5)]}
    assert (result["samples"], result["seed"], result["complete"], result["measurements_done"]) == (2, 3, False, 2)
    assert "2 measurements done when it was interrupted" in summary(coverage)


def test_a_failed_fit_is_counted_and_said() -> None:
    coverage = new_coverage(samples=1, measurements=1)
    report = line(coverage, 0, 0, 0.0)
    del report["values"]["tau1"]
    coverage.take(report | {"failures": {"tau1": "Two lifetimes cannot be told apart"}})
    result = as_json(coverage)
    assert result["parameters"]["tau1"] == {
        "pull_mean": None,
        "pull_mean_error": None,
        "pull_width": None,
        "pull_width_error": None,
        "pulls": 0,
        "failed": 1,
        "pulls_of_samples": {},
    }
    assert result["parameters"]["tau2"]["failed"] == 0
    assert result["failures"] == [
        {"sample": 0, "measurement": 0, "parameter": "tau1", "reason": "Two lifetimes cannot be told apart"}
    ]
    assert "failed: Two lifetimes cannot be told apart" in summary(coverage)
    assert result["complete"] is True


def test_the_figure_can_be_drawn_with_much_and_with_nothing() -> None:
    coverage = new_coverage()
    assert len(pull_figure(coverage).axes) >= len(PARAMETERS)
    coverage.take(line(coverage, 0, 0, 9.0))
    bars: list[Any] = list(pull_figure(coverage).axes[0].patches)
    assert bars[-1].get_height() > 0, "a pull beyond the axis must be seen at its border"


def test_json_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Cannot write"):
        write_json(new_coverage(), tmp_path / "nowhere" / "coverage.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 0}, "--samples 0: give a whole number from 1"),
        ({"seed": -1}, "--seed -1"),
        ({"measurements": 0}, "--measurements 0"),
        ({"workers": 1000}, "--workers 1000: give a whole number from 1 to 64"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CoverageSettings(**{"samples": 4} | change)
