"""If these fail, the simulation's statistics are wrong, and every error bar tested against them with it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.physics.beamline_state import BeamlineState
from sim.physics.detectors import Boxcar, draw_boxcar
from sim.physics.experiment import Experiment
from sim.physics.sample_file import load_sample
from sim.physics.source import pulses_per_bunch
from tests.support.pulse_oracle import PERIODS, bright_photons, counted_periods

FALSE_ALARM = 1e-4
"""Probability that one of the distribution tests below fails although all is right (fixed seeds: it does not)."""


@pytest.fixture(scope="module")
def photons() -> np.ndarray:
    return bright_photons()


@pytest.fixture(scope="module")
def oracle(photons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return counted_periods(photons)


def test_boxcar_mean_has_the_distribution_of_single_pulses(photons: np.ndarray, oracle: tuple[Any, ...]) -> None:
    rng, pulses = np.random.default_rng(4), pulses_per_bunch(PERIODS, 5, 3)
    fast = np.array([draw_boxcar(photons.sum(axis=0), pulses, Boxcar(), rng).mean(axis=0) for _ in range(4000)])
    for probe in range(5):
        p_value = stats.ks_2samp(oracle[1][:, probe], fast[:, probe], method="asymp").pvalue
        assert p_value > FALSE_ALARM / 5, f"probe {probe}: analog signal follows another law"


def test_counting_a_day_costs_no_more_than_counting_a_blink() -> None:
    """The ratio of CPU times between 1e3 and 1e11 pulses; a pulse-by-pulse draw would make it 1e8."""
    experiment = Experiment(sample=load_sample(), seed=1)

    def cost_s(duration_s: float) -> float:
        begin = time.process_time()
        for _ in range(30):
            experiment.expose(BeamlineState(), duration_s)
        return time.process_time() - begin

    cost_s(1e-3)
    assert cost_s(86_400.0) < 5 * cost_s(1e-3)
