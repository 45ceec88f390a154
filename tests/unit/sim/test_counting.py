"""If these fail, the simulation's statistics are wrong, and every error bar tested against them with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from reduction.pileup import true_counts
from sim.physics.beamline_state import BeamlineState
from sim.physics.detectors import BOXCAR_BLOCKS, Boxcar, draw_boxcar, fired_gates
from sim.physics.experiment import Experiment
from sim.physics.sample_file import load_sample
from sim.physics.source import bunch_charges, pulses_per_bunch
from tests.support.pulse_oracle import PERIODS, REPEATS, bright_photons, counted_periods

FALSE_ALARM = 1e-4
"""Probability that one of the distribution tests below fails although all is right (fixed seeds: it does not)."""


def draw_gates(photons: Any, pulses: Any, rng: np.random.Generator) -> Any:
    """Counts of gates, (apd, probe), summed over the bunches."""
    return np.asarray(fired_gates(photons, pulses, 1.0, rng).sum(axis=-1))


@pytest.fixture(scope="module")
def photons() -> np.ndarray:
    return bright_photons()


@pytest.fixture(scope="module")
def oracle(photons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return counted_periods(photons)


def test_gate_counts_have_the_distribution_of_single_pulses(photons: np.ndarray, oracle: tuple[Any, ...]) -> None:
    rng, pulses = np.random.default_rng(2), pulses_per_bunch(PERIODS, 5, 3)
    fast = np.array([draw_gates(photons, pulses, rng) for _ in range(20 * REPEATS)])
    for apd in range(2):
        for probe in range(5):
            slow = oracle[0][:, apd, probe]
            p_value = stats.ks_2samp(slow, fast[:, apd, probe], method="asymp").pvalue
            assert p_value > FALSE_ALARM / 10, f"gate {apd},{probe}: counts follow another law"


def test_gates_of_one_exposure_are_independent(photons: np.ndarray) -> None:
    rng, pulses = np.random.default_rng(3), pulses_per_bunch(PERIODS, 5, 0)
    counts = np.array([draw_gates(photons, pulses, rng).ravel() for _ in range(4000)])
    correlation = np.corrcoef(counts.T)[np.triu_indices(10, 1)]
    # 45 pairs, each normal with sigma 1/sqrt(4000): 4.5 sigma is passed by chance once in 3000.
    assert np.abs(correlation).max() < 4.5 / np.sqrt(4000)


def test_boxcar_noise_is_as_specified() -> None:
    """Excess noise: variance per pulse = photons x (1 + height variance) + electronic noise squared."""
    boxcar, photons, periods = Boxcar(), 0.12, 640_000
    pulses = pulses_per_bunch(periods, 5, 0)
    rng = np.random.default_rng(6)
    blocks = np.array([draw_boxcar(np.full((5, 24), photons), pulses, boxcar, rng) for _ in range(200)])
    expected = photons * (1 + boxcar.height_variance) + boxcar.noise_photons**2
    per_pulse = blocks.var(axis=1, ddof=1).mean() / boxcar.volts_per_photon**2 * periods / BOXCAR_BLOCKS
    # 63000 degrees of freedom: 0.56 % standard error, 4 sigma passed by chance once in 16000.
    assert per_pulse == pytest.approx(expected, rel=4 * np.sqrt(2 / (200 * 63 * 5)))


@pytest.mark.parametrize("photons", [0.01, 0.12, 0.3, 0.5])
def test_pile_up_corrected_rates_are_unbiased_in_spite_of_uneven_bunches(photons: float) -> None:
    """The correction knows one rate per gate, the ring has 24 bunches of different charge.

    1e10 pulses: the counting error is at most 1e-4 of the rate, so that chance does not reach the limit of 1e-3.
    """
    rng = np.random.default_rng(7)
    pulses = pulses_per_bunch(10**10, 5, 0)
    counts = draw_gates(np.broadcast_to(photons * bunch_charges(rng), (2, 5, 24)), pulses, rng)
    rate = true_counts(counts, pulses.sum(axis=-1)) / pulses.sum(axis=-1)
    np.testing.assert_allclose(rate, photons, rtol=1e-3)


def test_the_pump_walks_over_all_bunches() -> None:
    counted = np.zeros((5, 24), int)
    for period in range(1003):
        for probe in range(5):
            counted[probe, (7 + 5 * period + probe) % 24] += 1
    np.testing.assert_array_equal(pulses_per_bunch(1003, 5, 7), counted)
    assert counted.min() > 0


def test_a_divider_that_shares_factors_stays_on_some_bunches() -> None:
    assert np.count_nonzero(pulses_per_bunch(1000, 6, 0)[0]) == 4


def test_same_seed_same_counts_other_seed_other_counts() -> None:
    first, again, other = (Experiment(sample=load_sample(), seed=seed).expose(BeamlineState(), 1) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.counts, again.counts)
    np.testing.assert_array_equal(first.boxcar, again.boxcar)
    assert (first.counts != other.counts).any()


@pytest.mark.parametrize(
    "state",
    [BeamlineState(xray_shutter_open=False), BeamlineState(jet_running=False)],
    ids=["shutter closed", "no jet"],
)
def test_no_beam_or_no_sample_no_counts(state: BeamlineState) -> None:
    exposure = Experiment(sample=load_sample(), seed=1).expose(state, 1)
    assert exposure.counts.sum() == 0
    assert exposure.pulses.min() > 1_000_000


def test_an_exposure_too_short_for_a_pump_counts_nothing() -> None:
    exposure = Experiment(sample=load_sample(), seed=1).expose(BeamlineState(), 1e-7)
    assert exposure.counts.sum() == 0
    assert np.all(exposure.boxcar == Boxcar().baseline_v)
