"""Drift, damage, glitches, ion chambers, memory of the gates, and the campaign without noise.

If these fail, the simulated beamline hides a trouble that real ones have, or has it at another size than stated.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from sim.faults.drift_faults import ChamberOffset, EnergyDrift, PointingDrift, SampleDamage, TimeZeroDrift
from sim.physics.beamline_state import BeamlineState
from sim.physics.counting_effects import (
    AFTERPULSE,
    BLIND_SHARE,
    GATE_CROSSTALK,
    MAINS_V,
    PulseMemory,
    course_of_jet,
    mains_ripple_v,
    previous_gates,
)
from sim.physics.drifts import Drift
from sim.physics.effects import IDEAL, EffectSizes
from sim.physics.experiment import Experiment
from sim.physics.glitches import FWHM_EV, RESIDUAL, glitch_dip
from sim.physics.ion_chambers import HARMONIC_SHARE, I0_RATE, OFFSET_PER_S, RECOMBINATION
from sim.physics.pump_scheme import PumpScheme
from sim.physics.sample_effects import DAMAGE_PER_H, FRESH_AFTER_H, Dose, self_absorbed
from sim.physics.sample_file import load_sample
from sim.physics.source import DEFAULT_SCHEME

GOOD = BeamlineState()
QUIET = replace(IDEAL, noise=0.0, efficiencies=0.0)
"""Nothing but the means."""


def experiment(**sizes: float) -> Experiment:
    return Experiment(sample=load_sample(), seed=5, effects=replace(QUIET, **sizes))


def signal(state: BeamlineState = GOOD, duration_s: float = 60.0, **sizes: float) -> np.ndarray:
    """Mean photons per pulse of every gate without noise, by the boxcar, which has no pile-up."""
    counted = experiment(**sizes)
    volts = counted.expose(state, duration_s).boxcar.mean(axis=0)
    return np.asarray((volts - counted.boxcar.baseline_v) / counted.boxcar.volts_per_photon)


def test_time_zero_drifts_with_the_hour_at_which_beam_time_begins() -> None:
    shown = []
    for hour in (0.0, 6.0, 18.0):
        begun = replace(experiment(time_zero=1.0), begin_hour=hour)
        begun.expose(GOOD, 1.0)
        shown.append(begun.true_state(GOOD).delay_ps - GOOD.delay_ps)
    # 4 ps/C times 0.25 C, a quarter of a day apart.
    assert shown == pytest.approx([0.0, -1.0, 1.0], abs=1e-3)


def test_without_noise_exposures_repeat_and_show_the_errors_they_would_have() -> None:
    quiet, noisy = experiment().expose(GOOD, 6.0), Experiment(sample=load_sample(), seed=5).expose(GOOD, 6.0)
    again = experiment().expose(GOOD, 6.0)
    np.testing.assert_array_equal(quiet.counts, again.counts)
    assert np.all(np.abs(quiet.counts - noisy.counts) < 0.03 * quiet.counts)
    np.testing.assert_allclose(quiet.boxcar.std(axis=0, ddof=1), noisy.boxcar.std(axis=0, ddof=1), rtol=0.3)
    photons = -np.log1p(-quiet.counts / quiet.pulses).sum(axis=0)
    np.testing.assert_allclose(photons, signal(duration_s=6.0), rtol=2e-3)  # the charges of the bunches differ


def test_drifts_move_the_true_state_and_leave_its_setting() -> None:
    drift = Drift(time_zero_ps=3.0, angle_urad=1.0, power=1.1, horizontal_um=2.0)
    true = drift.applied(GOOD)
    assert true.delay_ps == GOOD.delay_ps - 3.0
    assert true.energy_ev - GOOD.energy_ev == pytest.approx(0.057, abs=0.003)  # E cot(12.9 deg) of 1 urad
    assert (true.fluence_mj_cm2, true.laser_horizontal_um) == (1.1 * GOOD.fluence_mj_cm2, 2.0)
    assert BeamlineState() == GOOD


def test_power_and_pointing_fluctuate_by_their_sizes() -> None:
    """The meter shows the power of each exposure; the spot moves without it."""
    counted = experiment(laser_power=1.0)
    powers = []
    for _ in range(200):
        counted.expose(GOOD, 600.0)
        powers.append(counted.laser_power)
    # The mean over one correlation time has 0.86 of the standard deviation.
    assert np.std(powers) == pytest.approx(0.86 * 5e-3, rel=0.25)
    moved = experiment(pointing=10.0)
    moved.expose(GOOD, 10.0)
    assert moved.true_state(GOOD).laser_horizontal_um != 0.0
    assert moved.laser_power == 1.0


def test_damage_grows_with_the_dose_until_the_sample_is_fresh() -> None:
    dose = Dose()
    dose.add(beam=1.0, duration_s=3600.0)
    assert dose.damaged(1.0) == pytest.approx(DAMAGE_PER_H, rel=1e-3)
    dose.add(beam=0.0, duration_s=3600.0)
    assert dose.damaged(10.0) == pytest.approx(10 * DAMAGE_PER_H, rel=1e-2)
    dose.add(beam=1.0, duration_s=FRESH_AFTER_H * 3600.0)
    assert dose.damaged(1.0) == pytest.approx(DAMAGE_PER_H, rel=1e-3)


def test_damaged_sample_is_not_excited_and_has_its_edge_elsewhere() -> None:
    intact, damaged = signal(), signal(replace(GOOD, damage=0.5))
    transient = intact[0] - intact[4]
    assert damaged[0] - damaged[4] == pytest.approx(0.5 * transient, rel=1e-6)
    assert abs(damaged[4] / intact[4] - 1) > 0.01


def test_i0_has_offset_recombination_and_harmonics() -> None:
    """`delivered` is the flux alone: other detectors derive it from there."""
    plain = experiment().expose(GOOD, 10.0)
    rate = plain.i0 / 10.0
    offset = experiment(i0_offset=1.0).expose(GOOD, 10.0)
    assert offset.i0 - plain.i0 == pytest.approx(10 * OFFSET_PER_S, abs=1)
    assert offset.foil - plain.foil == pytest.approx(10 * OFFSET_PER_S, abs=1)
    curved = experiment(i0_curvature=1.0).expose(GOOD, 10.0)
    assert 1 - curved.i0 / plain.i0 == pytest.approx(RECOMBINATION * rate / I0_RATE, rel=1e-3)
    harmonic = experiment(harmonics=1.0).expose(GOOD, 10.0)
    assert harmonic.i0 / plain.i0 - 1 == pytest.approx(HARMONIC_SHARE, rel=1e-3)
    assert offset.delivered == curved.delivered == harmonic.delivered == plain.delivered


def test_a_glitch_is_in_i0_and_in_the_signal_but_not_to_the_same_part() -> None:
    energies = np.arange(13_400.0, 13_600.0, 0.1)
    dips = np.array([glitch_dip(energy, 1.0) for energy in energies])
    deepest = int(dips.argmax())
    assert 1e-3 < dips[deepest] < 0.2
    assert np.median(dips) < 1e-3
    assert glitch_dip(energies[deepest] + 20 * FWHM_EV, 0.0) == 0.0
    here = replace(GOOD, energy_ev=float(energies[deepest]))
    flat, glitching = experiment().expose(here, 10.0), experiment(glitches=1.0).expose(here, 10.0)
    dip = 1 - glitching.i0 / flat.i0
    assert dip == pytest.approx(dips[deepest], rel=1e-3)
    lost = 1 - signal(here, glitches=1.0).mean() / signal(here).mean()
    assert lost == pytest.approx(dip * (1 + RESIDUAL * (1 - dip)), rel=1e-2)


def test_self_absorption_flattens_what_stands_out() -> None:
    assert self_absorbed(1.0, 0.1) == pytest.approx(1.0)
    assert self_absorbed(2.0, 0.1) < 2.0
    assert self_absorbed(0.5, 0.1) > 0.5


def test_each_gate_knows_the_one_before_it() -> None:
    assert previous_gates(DEFAULT_SCHEME) == (4, 0, 1, 2, 3)
    assert previous_gates(DEFAULT_SCHEME, memory_ps=1_000.0) == (None,) * 5
    far = PumpScheme(gates=(0, 108), divider=5)
    assert previous_gates(far) == (None, None)


def test_gates_remember_the_bunch_before() -> None:
    """Lost: transients that leak from one gate into the next."""
    memory = PulseMemory(previous=previous_gates(DEFAULT_SCHEME))
    photons = np.full((2, 5, 24), 0.05)
    photons[:, 0] = 0.10
    fires = -np.expm1(-0.10)
    blind = -np.expm1(-memory.seen(photons, replace(QUIET, dead_time=1.0)))
    np.testing.assert_allclose(blind[:, 1], -np.expm1(-0.05) * (1 - BLIND_SHARE * fires))
    after = memory.seen(photons, replace(QUIET, afterpulses=1.0))
    np.testing.assert_allclose(after[:, 1] - 0.05, AFTERPULSE * fires, rtol=1e-6)
    volts = memory.left_over(np.array([[2.0, 1.0, 1.0, 1.0, 1.0]]), replace(QUIET, crosstalk=1.0))
    np.testing.assert_allclose(
        volts[0], np.array([2.0, 1.0, 1.0, 1.0, 1.0]) + GATE_CROSSTALK * np.array([1, 2, 1, 1, 1])
    )
    assert memory.seen(photons, QUIET) is photons


def test_turbulence_is_common_to_the_gates_of_a_block() -> None:
    """The boxcar's variance then contains what gates share."""
    course = course_of_jet(64, 6.0, 0.01, 5.0, np.random.default_rng(1))
    assert course.mean() == pytest.approx(1.0)
    assert 0.001 < course.std() < 0.02
    effects = replace(IDEAL, turbulence=10.0)
    blocks = Experiment(sample=load_sample(), seed=3, effects=effects).expose(GOOD, 60.0).boxcar
    correlation = np.atleast_2d(np.corrcoef(blocks.T))
    assert correlation[0, 4] > 0.8


def test_the_mains_average_out_over_whole_periods() -> None:
    ripple = mains_ripple_v(64, 64 / 60.0, 0.3, 1.0)
    np.testing.assert_allclose(ripple, 0.0, atol=1e-12)
    slow = mains_ripple_v(64, 1 / 60.0, 0.3, 1.0)
    assert np.abs(slow).max() == pytest.approx(MAINS_V, rel=0.01)


def test_the_boxcar_integrates_the_photons_that_are_counted() -> None:
    """Without this, the mean of both modes would be better than either, which it is not."""

    def correlation(shared: float) -> float:
        counted = Experiment(sample=load_sample(), seed=9, effects=replace(IDEAL, shared_photons=shared))
        counted.boxcar = replace(counted.boxcar, noise_photons=0.0, height_variance=1e-9)
        counted.fluctuations = replace(counted.fluctuations, jet_sigma=0.0)
        exposures = [counted.expose(GOOD, 0.01) for _ in range(300)]
        counts = np.array([exposure.counts.sum(axis=0) / exposure.i0 for exposure in exposures])
        volts = np.array([exposure.boxcar.mean(axis=0) / exposure.i0 for exposure in exposures])
        return float(np.corrcoef((counts[:, 0] - counts[:, 4]), (volts[:, 0] - volts[:, 4]))[0, 1])

    assert correlation(1.0) < -0.9  # the analog signal is negative
    assert abs(correlation(0.0)) < 0.3


def test_every_effect_can_be_switched_off() -> None:
    assert all(getattr(IDEAL, item.name) in (0.0, 1.0) for item in fields(EffectSizes))
    assert {item.name for item in fields(EffectSizes) if getattr(IDEAL, item.name) == 1.0} == {"efficiencies", "noise"}


def test_slow_faults_move_what_is_true_step_by_step() -> None:
    hour_s = 3600.0
    assert TimeZeroDrift(ps_per_h=10.0).disturbed(GOOD, hour_s).delay_ps == GOOD.delay_ps - 10.0
    assert EnergyDrift(ev_per_h=0.3).disturbed(GOOD, hour_s).energy_ev == GOOD.energy_ev + 0.3
    assert PointingDrift(um_per_h=10.0).disturbed(GOOD, hour_s).laser_horizontal_um == 10.0
    assert SampleDamage(per_h=0.05).disturbed(GOOD, hour_s).damage == pytest.approx(1 - np.exp(-0.05))
    assert SampleDamage().next_change_s(25.0) == 30.0
    dark = replace(ChamberOffset(per_s=1e4).steady(GOOD), xray_shutter_open=False)
    assert experiment().expose(dark, 2.0).i0 == 20_000
