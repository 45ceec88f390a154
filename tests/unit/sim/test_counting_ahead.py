"""Exposures that are computed while they last: the counts are those of exposures that are computed afterwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.physics.beamline_state import BeamlineState
from sim.physics.counting_ahead import CountedAhead
from sim.physics.effects import EffectSizes
from sim.physics.experiment import Experiment, ExposureCounts
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample

SAMPLE = load_sample(DEFAULT_SAMPLE)
GOOD = BeamlineState(energy_ev=13_474.0, delay_ps=100.0, fluence_mj_cm2=6.6, laser_shutter_open=True)
DUMPED = replace(GOOD, current=0.0)


def _experiment() -> Experiment:
    experiment = Experiment(sample=SAMPLE, seed=7)
    experiment.effects = EffectSizes()
    return experiment


def _same(one: ExposureCounts, other: ExposureCounts) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_counts_computed_ahead_are_those_computed_at_the_end() -> None:
    """The exposure, and every one after it, is the same: random numbers, drifts and dose go on from there."""
    ahead = _experiment()
    plain = _experiment()
    for duration_s in (1.0, 6.0, 0.5):
        expected = CountedAhead(ahead, [(GOOD, duration_s)])
        assert expected.happened([(GOOD, duration_s)])
        assert _same(expected.counts, plain.expose(GOOD, duration_s))
        assert ahead.laser_power == plain.laser_power
    assert ahead.time_s == plain.time_s == 7.5
    assert _same(ahead.expose(GOOD, 3.0), plain.expose(GOOD, 3.0))


@pytest.mark.parametrize("went", [[(GOOD, 0.4), (DUMPED, 0.6)], [(GOOD, 0.7)], [(DUMPED, 1.0)]])
def test_exposure_that_went_differently_is_computed_at_its_end(went: list[tuple[BeamlineState, float]]) -> None:
    """A dump, a stop, another state: nothing remains of what was computed before."""
    ahead = _experiment()
    plain = _experiment()
    expected = CountedAhead(ahead, [(GOOD, 1.0)])
    assert not expected.happened(went)
    assert _same(ahead.expose_changing(went), plain.expose_changing(went))
    assert _same(ahead.expose(GOOD, 1.0), plain.expose(GOOD, 1.0))


def test_nothing_shows_before_the_end() -> None:
    """Beam time and the laser's drift are those of the latest exposure that has ended."""
    experiment = _experiment()
    experiment.expose(GOOD, 2.0)
    power = experiment.laser_power
    CountedAhead(experiment, [(GOOD, 100.0)])
    assert experiment.time_s == 2.0
    assert experiment.laser_power == power


def test_exposure_of_another_scaler_or_new_effects_are_not_overlooked() -> None:
    """What was counted or switched meanwhile makes the computation invalid, even an exposure of 0 s."""
    experiment = _experiment()
    expected = CountedAhead(experiment, [(GOOD, 1.0)])
    experiment.expose(GOOD, 0.0)
    assert not expected.happened([(GOOD, 1.0)])
    expected = CountedAhead(experiment, [(GOOD, 1.0)])
    experiment.effects = replace(experiment.effects, glitches=3.0)
    assert not expected.happened([(GOOD, 1.0)])
