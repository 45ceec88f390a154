"""Gains, zeros, dark counts and laser light of the simulated gates.

If these fail, a reduction that ignores what real gates add would look right on the simulated beamline.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.faults.beam_faults import GateDrift, LaserLight
from sim.physics.beamline_state import BeamlineState
from sim.physics.effects import IDEAL, EffectSizes
from sim.physics.experiment import Experiment
from sim.physics.gate_effects import (
    DARK_COUNTS,
    GAIN_SPREAD,
    LASER_LIGHT,
    ZERO_SPREAD_V,
    light_in_gates,
)
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample

DARK = BeamlineState(xray_shutter_open=False)
PERIOD_PS = 767_000.0


def experiment(effects: EffectSizes, seed: int = 5) -> Experiment:
    return Experiment(sample=load_sample(DEFAULT_SAMPLE), seed=seed, effects=effects)


def test_without_x_rays_the_gates_show_their_zeros_and_the_laser_only() -> None:
    """Lost: dark exposures that measure the zeros."""
    effects = replace(IDEAL, zeros=50.0, dark_counts=10.0, laser_light=20.0)
    counted = experiment(effects)
    blocked = counted.expose(replace(DARK, laser_shutter_open=False), 100.0)
    pumped = counted.expose(DARK, 100.0)

    noise_v = 0.025 / np.sqrt(blocked.pulses)
    zeros_v = counted.boxcar.baseline_v + 50.0 * counted.gates.zero_v
    assert np.all(np.abs(blocked.boxcar.mean(axis=0) - zeros_v) < 5 * noise_v)
    assert np.std(counted.gates.zero_v) == pytest.approx(ZERO_SPREAD_V, rel=0.8)
    assert blocked.counts.mean() == pytest.approx(10 * DARK_COUNTS * blocked.pulses[0], rel=0.5)
    light = (pumped.counts - blocked.counts).sum(axis=0) / pumped.pulses
    assert light[0] == pytest.approx(20 * LASER_LIGHT, rel=0.1)
    assert np.all(np.abs(light[1:]) < 1e-5)


def test_gains_change_the_boxcar_and_efficiencies_the_counts() -> None:
    state = BeamlineState(laser_shutter_open=False)
    seen = {gains: experiment(replace(IDEAL, gains=gains)).expose(state, 10.0) for gains in (0.0, 100.0)}
    signals = {gains: counts.boxcar.mean(axis=0) + 0.002 for gains, counts in seen.items()}
    gates = experiment(IDEAL).gates
    np.testing.assert_allclose(signals[100.0] / signals[0.0], 1 + 100 * (gates.gain - 1), rtol=1e-6)
    np.testing.assert_array_equal(seen[100.0].counts, seen[0.0].counts)
    assert np.std(gates.gain) == pytest.approx(GAIN_SPREAD, rel=0.8)


def test_the_light_follows_the_delay_and_leaves_the_gate() -> None:
    delays_ps = np.array([-300_000.0, -11_000.0, -100.0, 0.0, 5_000.0, 150_000.0, PERIOD_PS - 5_000.0])
    light = light_in_gates(delays_ps, PERIOD_PS)
    assert light[3] == 1.0
    assert light[2] == pytest.approx(1.0, abs=0.02)
    assert light[4] > 1.2
    assert np.all(light[[0, 1, 5]] < 2e-3)
    assert 0.1 < light[6] < 1.0  # the gate before the next pump is open when that comes


def test_faults_raise_gain_zero_and_light() -> None:
    state = LaserLight(photons=1e-3).steady(GateDrift(gain=0.01, zero_v=0.001).steady(BeamlineState()))
    ideal = experiment(IDEAL)
    drifted = experiment(IDEAL)
    before, after = ideal.expose(BeamlineState(), 60.0), drifted.expose(state, 60.0)
    signal = [counts.boxcar.mean(axis=0) - (-0.002) for counts in (before, after)]
    light = 1e-3 * -0.05
    assert signal[1][0] == pytest.approx(1.01 * (signal[0][0] + light) + 0.001, abs=2e-5)
    np.testing.assert_allclose(signal[1][1:], signal[0][1:], atol=2e-5)
    assert after.counts[:, 0].sum() / before.counts[:, 0].sum() == pytest.approx(1.02, abs=0.003)
