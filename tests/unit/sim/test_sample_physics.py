"""If these fail, the simulated sample is not the paper's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import argrelextrema

from sim.errors import SimulationInputError
from sim.physics.beam_path import foil_transmission
from sim.physics.beamline_state import BeamlineState
from sim.physics.constants import BUNCH_PERIOD_PS
from sim.physics.excitation import (
    PumpTrain,
    Spot,
    broadened_decay,
    mean_excitation,
    recovery,
    response,
    train_excitation,
)
from sim.physics.experiment import Experiment
from sim.physics.fluctuations import Fluctuation
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample
from sim.physics.source import StoredCurrent
from sim.physics.spectra import static_spectrum, transient_spectrum

SAMPLE = load_sample()
FIRST_PEAK = next(line.strip() for line in DEFAULT_SAMPLE.read_text().splitlines() if line.startswith("    ["))
BR_EV, PB_EV = np.arange(13450, 13570, 0.1), np.arange(13000, 13140, 0.1)


def near(found: np.ndarray, expected: list[float]) -> bool:
    return all(np.abs(found - energy).min() <= 1.0 for energy in expected)


def test_bromine_features_lie_where_the_paper_has_them() -> None:
    static = static_spectrum(SAMPLE.edges["Br K"], BR_EV)
    assert near(BR_EV[argrelextrema(static, np.greater)], [13472, 13485, 13508])
    assert near(BR_EV[argrelextrema(static, np.less)], [13497])
    transient = transient_spectrum(SAMPLE.edges["Br K"], BR_EV)
    assert near(BR_EV[argrelextrema(transient, np.greater)], [13467.5, 13476.5, 13497])
    assert near(BR_EV[argrelextrema(transient, np.less)], [13472, 13485, 13508])


def test_lead_transient_has_the_papers_signs() -> None:
    transient = transient_spectrum(SAMPLE.edges["Pb L3"], PB_EV)
    assert near(PB_EV[argrelextrema(transient, np.greater)], [13031, 13038, 13060])
    assert near(PB_EV[argrelextrema(transient, np.less)], [13043])


@pytest.mark.parametrize(("energy_ev", "size"), [(13472.0, 0.02), (13043.0, 0.004)])
def test_transients_are_as_large_as_the_papers(energy_ev: float, size: float) -> None:
    """About 2 % (Br) and 0.4 % (Pb) at 100 ps; the paper gives one digit."""
    experiment = Experiment(sample=SAMPLE, seed=1)
    signal = experiment.spectrum(BeamlineState(energy_ev=energy_ev, delay_ps=100.0))
    assert -(signal[0] / signal[4] - 1) == pytest.approx(size, rel=0.15)


def test_decay_is_the_convolution_of_exponential_and_response() -> None:
    times = np.array([-150.0, -20.0, 0.0, 30.0, 100.0, 700.0])
    grid = np.arange(0, 5000, 0.25)
    for time_ps, value in zip(times, broadened_decay(times, 120.0, 45.0), strict=True):
        kernel = np.exp(-0.5 * ((time_ps - grid) / 45.0) ** 2) / (45.0 * np.sqrt(2 * np.pi))
        assert value == pytest.approx(np.trapezoid(kernel * np.exp(-grid / 120.0), grid), rel=2e-3, abs=1e-9)


def test_decay_is_finite_and_falls_to_zero_on_both_sides() -> None:
    values = broadened_decay(np.array([-1e6, -1e4, 1e4, 1e6]), 120.0, 45.0)
    np.testing.assert_allclose(values, 0, atol=1e-30)


def test_excitation_repeats_with_the_pump() -> None:
    """The steady state: a spot seen one pump period later has been pumped once more."""
    train = PumpTrain(fluence_mj_cm2=8.83, period_ps=767_000.0, spot=Spot(jet_speed_m_s=1e-9))
    times = np.array([-3000.0, 200.0, 50_000.0])
    early, late = (
        train_excitation(times_ps, train, kinetics=SAMPLE.kinetics, pump=SAMPLE.pump, sigma_ps=45.0)
        for times_ps in (times, times + 767_000.0)
    )
    np.testing.assert_allclose(early, late, rtol=1e-6)


def test_probes_beyond_the_next_pump_see_it() -> None:
    """A divider of 1 pumps every bunch: all probes are alike."""
    excitation = Experiment(sample=SAMPLE, seed=1).excitation(BeamlineState(rate_divider=1))
    np.testing.assert_allclose(excitation, excitation[0], rtol=1e-3)


def test_a_faster_jet_carries_the_excited_spot_away() -> None:
    slow, fast = (
        Experiment(sample=SAMPLE, seed=1, spot=Spot(jet_speed_m_s=speed)).excitation(BeamlineState())
        for speed in (1, 200)
    )
    assert fast[4] < slow[4] / 3


def test_last_probe_is_not_recovered() -> None:
    """What is left of the pump at the unpumped gate, which the reduction has to find for itself."""
    excitation = Experiment(sample=SAMPLE, seed=1).excitation(BeamlineState(delay_ps=100.0))
    assert 0.03 < excitation[4] < 0.06
    assert np.all(np.diff(excitation) < 0)


def test_fluence_response_is_linear_to_ten_then_saturates() -> None:
    fluence = np.array([1.0, 5.0, 10.0, 12.4])
    slope = response(fluence, SAMPLE.pump) / fluence * SAMPLE.pump.reference_fluence_mj_cm2
    assert slope[2] > 0.97
    assert slope[3] < 0.93


def test_unlocked_laser_leaves_the_mean_excitation() -> None:
    times = np.linspace(-2000, 765_000, 400_000)
    mean = recovery(times, SAMPLE.kinetics, 45.0).mean() + recovery(times + 767_000, SAMPLE.kinetics, 45.0).mean()
    train = PumpTrain(fluence_mj_cm2=8.83, period_ps=5 * BUNCH_PERIOD_PS, spot=Spot())
    expected = mean_excitation(train, kinetics=SAMPLE.kinetics, pump=SAMPLE.pump)
    assert expected == pytest.approx(mean, rel=0.05)
    unlocked = Experiment(sample=SAMPLE, seed=1).excitation(BeamlineState(laser_locked=False))
    np.testing.assert_allclose(unlocked, expected)


def test_blocked_laser_excites_nothing() -> None:
    assert not Experiment(sample=SAMPLE, seed=1).excitation(BeamlineState(laser_shutter_open=False)).any()


def test_lead_is_steepest_above_its_tabulated_energy_as_real_lead_is() -> None:
    """A foil that is steepest at 13 035 eV hides that real ones are not."""
    energies = np.arange(13000, 13080, 0.2)
    for shift_ev in (0.0, 0.8):
        absorption = -np.log([foil_transmission("Pb", energy, shift_ev) for energy in energies])
        assert energies[np.gradient(absorption).argmax()] == pytest.approx(13040.6 + shift_ev, abs=0.3)


def test_averages_of_a_fluctuation_have_the_variance_of_theory() -> None:
    """Mean over T of a process with correlation time tau: variance s^2 2/k (1 - (1 - e^-k)/k), k = T/tau."""
    k, repeats = 1.5, 4000
    draws = [Fluctuation(0.01, 2.0, np.random.default_rng(seed)).average(3.0) for seed in range(repeats)]
    expected = 0.01**2 * (2 / k) * (1 - (1 - np.exp(-k)) / k)
    # Relative standard error of a variance sqrt(2/n); 4 sigma is passed by chance once in 16000.
    assert np.var(draws) == pytest.approx(expected, rel=4 * np.sqrt(2 / repeats))
    assert abs(np.mean(draws)) < 4 * np.sqrt(expected / repeats)


def test_consecutive_exposures_follow_one_process() -> None:
    """Two halves averaged are the whole: an exposure must not forget where the jet was."""
    pairs = []
    for seed in range(3000):
        process = Fluctuation(1.0, 2.0, np.random.default_rng(seed))
        pairs.append((process.average(1.5), process.average(1.5)))
    k = 3.0 / 2.0
    expected = (2 / k) * (1 - (1 - np.exp(-k)) / k)
    assert np.var(np.mean(pairs, axis=1)) == pytest.approx(expected, rel=4 * np.sqrt(2 / 3000))


def test_ring_is_topped_up() -> None:
    ring = StoredCurrent()
    assert ring.current_ma(119.0) < ring.current_ma(121.0)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("tau1_ps = 120.0", "tau1_ps = -1.0", "tau1_ps"),
        ("tau1_ps = 120.0", "", "missing keys"),
        ("fraction1 = 0.60", "fraction1 = 0.9", "fractions"),
        ("[pump]", "[pumps]", "unknown tables"),
        ("edge_ev = 13470.2", "edge_ev = nan", "finite"),
        (FIRST_PEAK, "[13471.4, 3.6],", "every row"),
        (FIRST_PEAK, "[13471.4, 0.0, 0.40],", "every row"),
        (FIRST_PEAK, "[13471.4, nan, 0.40],", "every row"),
        ("tau1_ps = 120.0", 'tau1_ps = "fast"', "finite"),
        ("tau1_ps = 120.0", "tau1_ps = true", "finite"),
        ("scatter = 0.08", "scatter = -0.08", "scatter"),
        ("saturation_fluence_mj_cm2 = 12.5", "saturation_fluence_mj_cm2 = 0.0", "saturation"),
        ("[kinetics]", "[kinetics", "Cannot read"),
    ],
)
def test_a_wrong_sample_file_reports_what_is_wrong(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = DEFAULT_SAMPLE.read_text()
    assert before in text
    path = tmp_path / "sample.toml"
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(SimulationInputError, match=message):
        load_sample(path)


def test_a_missing_sample_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SimulationInputError, match=r"none\.toml"):
        load_sample(tmp_path / "none.toml")
