"""If these fail, a fault in the middle of an exposure spoils more or less of its counts than it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.faults.beam_faults import ApdSaturation, BeamDump, Bubbles, FluxDrift, GatesLost, I0Dropout, TopUp
from sim.faults.fault import Fault
from sim.faults.strikes import Strike, disturbed, stretches
from sim.physics.beamline_state import BeamlineState
from sim.physics.detectors import BOXCAR_BLOCKS, Boxcar
from sim.physics.experiment import Experiment
from sim.physics.ion_chambers import I0_RATE
from sim.physics.sample_file import load_sample
from sim.physics.source import DEFAULT_SCHEME

SAMPLE = load_sample()
GOOD = BeamlineState()
DUMPED = replace(GOOD, current=0.0)
SIGMAS = 5.0
"""Standard errors allowed; passed by chance once in 1.7 million."""


def exposed(*given: tuple[BeamlineState, float], seed: int = 11) -> tuple[float, float, np.ndarray]:
    """Counts of all gates and of I0 relative to an undisturbed exposure, and the boxcar's sub-averages in photons."""
    duration_s = sum(seconds for _, seconds in given)
    changed = Experiment(sample=SAMPLE, seed=seed).expose_changing(list(given))
    plain = Experiment(sample=SAMPLE, seed=seed).expose(GOOD, duration_s)
    photons = (changed.boxcar - Boxcar().baseline_v) / Boxcar().volts_per_photon
    return changed.counts.sum() / plain.counts.sum(), changed.i0 / plain.i0, photons


def test_without_faults_a_seed_gives_the_counts_it_always_gave() -> None:
    """Numbers of the shipped sample in a ring of 153.4 ns; a change of the sample or of the detectors changes them."""
    ring = DEFAULT_SCHEME.at_rf(54e6 / 153_400.0)
    experiment = Experiment(sample=SAMPLE, seed=7, scheme=ring)
    first = experiment.expose(GOOD, 6.0)
    second = experiment.expose(replace(GOOD, energy_ev=13_480.0, delay_ps=-200.0, laser_shutter_open=False), 0.37)
    third = experiment.expose(replace(GOOD, laser_locked=False), 2.5)
    assert first.counts[0].tolist() == [469_086, 477_725, 478_304, 477_904, 479_225]
    assert second.counts[1].tolist() == [26_095, 25_823, 26_060, 26_003, 26_011]
    assert third.counts[1].tolist() == [197_946, 198_496, 197_784, 198_132, 197_660]
    assert [exposure.i0 for exposure in (first, second, third)] == [6_002_912, 369_660, 2_497_972]
    assert [exposure.foil for exposure in (first, second, third)] == [2_484_427, 152_498, 1_031_146]
    assert float(first.boxcar.sum()).hex() == "-0x1.52e08b8392116p+1"


def test_an_undisturbed_exposure_is_one_stretch_of_exactly_its_duration() -> None:
    assert stretches([(1234.567, GOOD)], [], 0.1) == [(GOOD, 0.1)]


@pytest.mark.parametrize("struck_s", [0.5, 3.0, 5.9])
def test_a_dump_takes_its_part_of_the_counts(struck_s: float) -> None:
    counts, i0, _ = exposed((GOOD, 6.0 - struck_s), (DUMPED, struck_s))
    left = 1 - struck_s / 6.0
    # 4.7 million counts and 6 million of I0; both exposures count.
    assert counts == pytest.approx(left, abs=SIGMAS * np.sqrt(2 / 4.7e6))
    assert i0 == pytest.approx(left, abs=SIGMAS * np.sqrt(2 / 6e6))


def test_the_boxcar_sees_a_dump_in_the_blocks_it_struck() -> None:
    """The averages over the first half of the dwell have their own PVs."""
    _, _, photons = exposed((GOOD, 3.0), (DUMPED, 3.0))
    half = BOXCAR_BLOCKS // 2
    before, after = photons[:half].mean(), photons[half:].mean()
    # 32 blocks x 5 probes of 120 000 pulses with the noise of the electronics each.
    assert abs(after) < SIGMAS * Boxcar().noise_photons / np.sqrt(half * 5 * 122_000)
    assert before > 0.05


def test_gates_opened_are_those_of_the_whole_exposure() -> None:
    whole = Experiment(sample=SAMPLE, seed=1).expose(GOOD, 6.0).pulses
    parts = (
        Experiment(sample=SAMPLE, seed=1)
        .expose_changing([(GOOD, 1.2345), (DUMPED, 2.3456), (GOOD, 6.0 - 3.5801)])
        .pulses
    )
    np.testing.assert_array_equal(parts, whole)


def test_the_laser_excites_while_its_shutter_is_open() -> None:
    """Half an exposure with the laser gives half the transient."""
    dark = replace(GOOD, laser_shutter_open=False)

    def pumped(*given: tuple[BeamlineState, float]) -> float:
        counts = Experiment(sample=SAMPLE, seed=5).expose_changing(list(given)).counts.sum(axis=0)
        return float(counts[0] / counts[4] - 1)

    whole, half = pumped((GOOD, 600.0)), pumped((GOOD, 300.0), (dark, 300.0))
    # 90 million counts in each gate pair: 1.5e-4; gates differ by up to 2e-3 among themselves, equally in both.
    reference = pumped((dark, 600.0))
    assert half - reference == pytest.approx((whole - reference) / 2, abs=SIGMAS * 1.5e-4)


def test_saturated_gates_count_every_time() -> None:
    state = ApdSaturation().steady(GOOD)
    exposure = Experiment(sample=SAMPLE, seed=2).expose(state, 6.0)
    np.testing.assert_array_equal(exposure.counts, np.broadcast_to(exposure.pulses, exposure.counts.shape))


def test_lost_gates_are_missing_in_pulses_and_counts_alike() -> None:
    whole = Experiment(sample=SAMPLE, seed=3).expose(GOOD, 6.0)
    fewer = Experiment(sample=SAMPLE, seed=3).expose(GatesLost(fraction=0.25).steady(GOOD), 6.0)
    np.testing.assert_allclose(fewer.pulses / whole.pulses, 0.75, atol=1e-6)
    assert fewer.counts.sum() / whole.counts.sum() == pytest.approx(0.75, abs=SIGMAS * np.sqrt(2 / 3.5e6))


def test_a_dropped_ion_chamber_does_not_dim_the_beam() -> None:
    """Detectors that share the flux with the ion chamber must see the beam that is there."""
    whole = Experiment(sample=SAMPLE, seed=4).expose(GOOD, 6.0)
    exposure = Experiment(sample=SAMPLE, seed=4).expose(I0Dropout(level=0.25).steady(GOOD), 6.0)
    np.testing.assert_array_equal(exposure.counts, whole.counts)
    assert exposure.i0 == pytest.approx(0.25 * 6 * I0_RATE, rel=0.02)
    assert exposure.delivered == pytest.approx(6 * I0_RATE, rel=0.02)
    assert whole.delivered == whole.i0


def test_a_restarted_server_draws_new_counts_at_the_same_ring() -> None:
    first, again = Experiment(sample=SAMPLE, seed=6), Experiment(sample=SAMPLE, seed=6, restarts=1)
    np.testing.assert_array_equal(first.charges, again.charges)
    np.testing.assert_array_equal(first.gates.efficiency, again.gates.efficiency)
    assert (first.expose(GOOD, 1.0).counts != again.expose(GOOD, 1.0).counts).any()


def mean_flux(fault: Fault, start_s: float, duration_s: float) -> float:
    """Flux of an exposure that starts `start_s` after the fault struck, by its stretches."""
    given = stretches([(100.0 + start_s, GOOD)], [Strike(fault=fault, start_s=100.0)], duration_s)
    assert sum(seconds for _, seconds in given) == pytest.approx(duration_s)
    return sum(state.beam * state.jet_density * seconds for state, seconds in given) / duration_s


def fine_mean_flux(fault: Fault, start_s: float, duration_s: float) -> float:
    """The same, by looking 20 000 times: each of at most 60 steps is off by at most a twenty-thousandth."""
    times = start_s + duration_s * (np.arange(20_000) + 0.5) / 20_000
    states = (fault.disturbed(GOOD, float(time_s)) for time_s in times)
    return float(np.mean([state.beam * state.jet_density for state in states]))


@pytest.mark.parametrize(
    "fault", [TopUp(), FluxDrift(per_minute=-0.3), Bubbles(), Bubbles(per_s=5.0, dip_s=0.1)], ids=repr
)
@pytest.mark.parametrize(("start_s", "duration_s"), [(0.0, 6.0), (28.3, 4.0), (3.0, 0.05)])
def test_what_changes_within_an_exposure_is_averaged_over_it(fault: Fault, start_s: float, duration_s: float) -> None:
    assert mean_flux(fault, start_s, duration_s) == pytest.approx(fine_mean_flux(fault, start_s, duration_s), abs=5e-4)


def test_a_fault_strikes_only_between_its_beginning_and_its_end() -> None:
    strike = Strike(fault=BeamDump(), start_s=10.0, end_s=12.0)
    beams = [disturbed(GOOD, [strike], time_s).beam for time_s in (9.9, 10.0, 11.9, 12.0)]
    assert beams == [1.0, 0.0, 0.0, 1.0]
    parts = [(state.beam, seconds) for state, seconds in stretches([(8.0, GOOD)], [strike], 6.0)]
    assert parts == [(1.0, 2.0), (0.0, 2.0), (1.0, 2.0)]


def test_a_change_of_the_settings_counts_from_when_it_happened() -> None:
    closed = replace(GOOD, xray_shutter_open=False)
    parts = stretches([(5.0, GOOD), (7.5, closed), (20.0, GOOD)], [], 10.0)
    assert parts == [(GOOD, 2.5), (closed, 7.5)]
