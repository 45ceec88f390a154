"""If these fail, the heated powder of the simulation is not the paper's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import argrelextrema

from sim.errors import SimulationInputError
from sim.physics.sample import DEFAULT_SAMPLE, Phases, Thermal
from sim.physics.sample_file import load_sample
from sim.physics.silicon_drift import ELEMENTS, DriftDetector, draw_drift_counts
from sim.physics.spectra import static_spectrum
from sim.physics.thermal import (
    AMBIENT_C,
    LAG_S,
    Thermostat,
    phase_fractions,
    powder_spectrum,
    thermal_change,
    varshni_shift_ev,
)

SAMPLE = load_sample()
BR_EV, PB_EV = np.arange(13460, 13480, 0.1), np.arange(13020, 13060, 0.1)
BR_C, PB_C = [35, 40, 45, 55, 60, 65, 120, 140], [35, 40, 45, 55, 60, 65, 80, 100, 120, 140]


def difference(energy_ev: np.ndarray, temperature_c: float) -> np.ndarray:
    return powder_spectrum(SAMPLE, energy_ev, temperature_c) - powder_spectrum(SAMPLE, energy_ev, 25.0)


def comparison(energy_ev: np.ndarray, temperature_c: float, main: tuple[Any, ...], pre: tuple[Any, ...]) -> float:
    """C of the paper: sum over the main edge over sum over the pre-edge."""
    change = difference(energy_ev, temperature_c)
    inside = [(energy_ev > low - 0.01) & (energy_ev < high + 0.01) for low, high in (main, pre)]
    return float(change[inside[0]].sum() / change[inside[1]].sum())


@pytest.mark.parametrize("temperature_c", [60, 65, 120, 140])
def test_bromine_differences_have_the_papers_minima(temperature_c: float) -> None:
    minima = BR_EV[argrelextrema(difference(BR_EV, temperature_c), np.less)]
    assert minima == pytest.approx([13468, 13472], abs=0.5)


def test_the_pre_edge_minimum_leads_below_65_c() -> None:
    for temperature_c, leading in ((40, 13468), (55, 13468), (140, 13472)):
        assert BR_EV[difference(BR_EV, temperature_c).argmin()] == pytest.approx(leading, abs=0.5)


def test_bromine_comparison_parameter_falls_through_zero_below_60_c() -> None:
    values = [comparison(BR_EV, temperature_c, (13471, 13472), (13468, 13469)) for temperature_c in BR_C]
    assert np.all(np.diff(values) > 0)
    assert values[BR_C.index(35)] < -0.2
    assert values[BR_C.index(60)] > 0.5
    stable = values[BR_C.index(60) :]
    assert max(stable) / min(stable) < 1.5


def test_lead_comparison_parameter_is_positive_and_constant() -> None:
    values = [comparison(PB_EV, temperature_c, (13044, 13047), (13037, 13040)) for temperature_c in PB_C]
    assert min(values) > 0.5
    assert max(values) / min(values) < 1.02


def test_varshni_shift_is_the_papers() -> None:
    """Up to 6.5 meV from 25 to 140 C, to higher energies."""
    assert varshni_shift_ev(SAMPLE.thermal, 140.0) == pytest.approx(6.5e-3, abs=0.05e-3)
    assert varshni_shift_ev(SAMPLE.thermal, 25.0) == 0


def test_at_the_reference_temperature_the_powder_has_the_static_spectrum() -> None:
    expected = static_spectrum(SAMPLE.edges["Br K"], BR_EV)
    np.testing.assert_array_equal(powder_spectrum(SAMPLE, BR_EV, 25.0), expected)
    assert not thermal_change(SAMPLE.thermal, "Br K", BR_EV, 22.0).any()


@pytest.mark.parametrize(
    ("temperature_c", "expected"),
    [
        (25, (1, 0, 0)),
        (50, (1, 0, 0)),
        (54.5, (0.5, 0.5, 0)),
        (59, (0, 1, 0)),
        (100, (0, 1, 0)),
        (112.5, (0, 0.5, 0.5)),
        (117, (0, 0, 1)),
        (140, (0, 0, 1)),
    ],
)
def test_phases_change_where_the_paper_has_it(temperature_c: float, expected: tuple[Any, ...]) -> None:
    parts = phase_fractions(SAMPLE.phases, temperature_c)
    assert list(parts) == ["orthorhombic", "tetragonal", "cubic"]
    assert tuple(parts.values()) == pytest.approx(expected)


def integrated(target_c: float, ramp_c_min: float, end_s: float, start_c: float = AMBIENT_C) -> float:
    """The cell step by step: set value on its ramp, powder behind it."""
    step_s, program_c, powder_c = 0.01, start_c, start_c
    for _ in range(round(end_s / step_s)):
        way = target_c - program_c
        program_c += np.sign(way) * min(abs(way), ramp_c_min / 60 * step_s)
        powder_c += (program_c - powder_c) / LAG_S * step_s
    return powder_c


@pytest.mark.parametrize("end_s", [5.0, 60.0, 130.0, 200.0, 400.0])
def test_the_cell_lags_behind_its_ramp(end_s: float) -> None:
    cell = Thermostat(target_c=25.0, ramp_c_min=20.0)
    cell.program(0.0, target_c=65.0, ramp_c_min=20.0, heating=True)
    assert cell.temperature_c(end_s) == pytest.approx(integrated(65.0, 20.0, end_s), abs=0.02)


def test_asking_often_changes_nothing() -> None:
    """The same beam time gives the same temperature, however fast a client reads."""
    often, once = (Thermostat(target_c=25.0, ramp_c_min=20.0) for _ in range(2))
    for cell in (often, once):
        cell.program(0.0, target_c=140.0, ramp_c_min=10.0, heating=True)
    for time_s in np.linspace(0, 500, 301):
        often.temperature_c(float(time_s))
    assert often.temperature_c(500.0) == once.temperature_c(500.0)


def test_a_settled_cell_stays_exactly_there_and_cools_without_heater() -> None:
    cell = Thermostat(target_c=25.0, ramp_c_min=60.0)
    cell.program(0.0, target_c=60.0, ramp_c_min=60.0, heating=True)
    assert cell.temperature_c(1000.0) == 60.0
    cell.program(1000.0, target_c=60.0, ramp_c_min=60.0, heating=False)
    assert cell.temperature_c(1000.0 + LAG_S) == pytest.approx(AMBIENT_C + (60 - AMBIENT_C) / np.e)
    assert cell.temperature_c(5000.0) == AMBIENT_C


DRAWN = ("counts", "input_rate", "output_rate")


def drawn(spectrum: float, repeats: int, **changes: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    detector = DriftDetector(**changes)
    runs = [draw_drift_counts(detector, spectrum, 1.0, 0.5, rng) for _ in range(repeats)]
    counts, inputs, outputs = (np.array([getattr(run, name) for run in runs]) for name in DRAWN)
    return counts, inputs, outputs


def test_corrected_counts_are_unbiased_at_any_dead_time() -> None:
    """If not, the edge would be flattened where the detector is busiest."""
    for dead_s in (0.0, 1e-6, 5e-6):
        counts, input_rate, output_rate = drawn(1.3, 2000, dead_s=dead_s)
        true = 60e3 * 1.3 * 0.5 * np.array(DriftDetector().efficiency)
        corrected = counts * input_rate / output_rate
        sigma = corrected.std(axis=0) / np.sqrt(len(corrected))
        # 15 elements in all, 4.5 sigma each: passed by chance once in 10 000.
        assert np.all(np.abs(corrected.mean(axis=0) - true) < 4.5 * sigma)


def test_window_counts_are_poisson() -> None:
    """Variance over mean of n draws has sigma sqrt(2/n); 5 elements at 4.5 sigma: once in 30 000."""
    counts, _, _ = drawn(1.0, 4000)
    ratio = counts.var(axis=0) / counts.mean(axis=0)
    assert np.abs(ratio - 1).max() < 4.5 * np.sqrt(2 / 4000)


def test_dead_time_is_that_of_photons_one_by_one() -> None:
    """Paralysable: a photon is lost if another came less than the dead time before it."""
    rng, rate, dead_s = np.random.default_rng(4), 2e5, 2e-6
    gaps = rng.exponential(1 / rate, 400_000)
    oracle = np.mean(gaps > dead_s)
    _, input_rate, output_rate = drawn(rate / 60e3, 400, dead_s=dead_s, other_rate=0.0)
    live = (output_rate / input_rate).mean(axis=0)
    # Efficiencies differ, and the rates with them; 400 000 gaps leave 0.08 %.
    expected = np.exp(-rate * dead_s * np.array(DriftDetector().efficiency))
    assert oracle == pytest.approx(np.exp(-rate * dead_s), rel=0.004)
    np.testing.assert_allclose(live, expected, rtol=0.004)


def test_without_beam_the_detector_counts_nothing() -> None:
    counts = draw_drift_counts(DriftDetector(), 1.0, 0.0, 1.0, np.random.default_rng(0))
    assert counts.counts.shape == (ELEMENTS,)
    assert not counts.counts.any()
    assert not counts.input_rate.any()


def without_heat(text: str) -> str:
    return text[: text.index("# The dry powder")]


def test_older_sample_files_still_load_and_do_not_heat(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text(without_heat(DEFAULT_SAMPLE.read_text()))
    sample = load_sample(path)
    assert sample.thermal == Thermal()
    assert sample.phases == Phases()
    np.testing.assert_array_equal(powder_spectrum(sample, BR_EV, 140.0), powder_spectrum(sample, BR_EV, 25.0))


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("[phases]\ncubic_onset_c = 55.0\n", "must ascend"),
        ("[phases]\nmelting_c = 567.0\n", "unknown keys"),
        ("[thermal]\nvarshni_beta_k = 0.0\n", "varshni_beta_k"),
        ('[thermal.edges."Cs K"]\ntemperatures_c = [20.0]\nchanges = []\n', "no edge"),
        ('[thermal.edges."Br K"]\ntemperatures_c = [30.0, 20.0]\nchanges = []\n', "must ascend"),
        ('[thermal.edges."Br K"]\ntemperatures_c = [20.0]\nchanges = [[1.0, 2.0]]\n', "one height per temperature"),
        ('[thermal.edges."Br K"]\ntemperatures_c = [20.0]\n', "needs temperatures_c and changes"),
    ],
)
def test_a_wrong_thermal_table_reports_what_is_wrong(tmp_path: Path, added: str, message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(without_heat(DEFAULT_SAMPLE.read_text()) + added)
    with pytest.raises(SimulationInputError, match=message):
        load_sample(path)
