"""If these fail, a simulated fill pattern is not the one of its file, and what is tested with it proves nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.configuration import beamline_from_table, read_toml
from sim.errors import SimulationInputError
from sim.physics.beamline_state import BeamlineState
from sim.physics.effects import IDEAL
from sim.physics.experiment import Experiment
from sim.physics.pump_scheme import PumpScheme, load_scheme
from sim.physics.sample_file import load_sample
from sim.physics.source import DEFAULT_SCHEME, pulses_per_bunch
from tests.support.scheme_files import SCHEMES
from tests.unit.devices.test_pump_scheme import content
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

SHIPPED = sorted(SCHEMES.glob("*.toml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_control_and_simulation_read_the_same_scheme(file: Path) -> None:
    """Lost: computed delays that are those of no pulse. Both sides read the file by code of their own."""
    simulated = load_scheme(file)
    configured = beamline_from_table({**content(), **read_toml(file)}, file.name).scheme
    np.testing.assert_allclose(simulated.gate_delays_ps, configured.gate_delays_ps)
    assert simulated.period_ps(simulated.divider) == pytest.approx(configured.pump_period_ps)
    assert (simulated.pumped, simulated.unpumped) == (configured.pumped_probe, configured.unpumped_probe)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_gate_opens_once_per_pump_and_sees_its_bunches(file: Path) -> None:
    """Checked pump by pump, with the buckets counted from the beginning of the run."""
    scheme = load_scheme(file)
    divider = scheme.divider
    expected = np.zeros((len(scheme.gates), len(scheme.filled)), dtype=int)
    for pump in range(50):
        for gate, buckets in enumerate(scheme.gates):
            bucket = scheme.pumped_bucket + (pump * divider) * scheme.unit_buckets + buckets
            expected[gate, scheme.filled.index(bucket % scheme.buckets)] += 1
    np.testing.assert_array_equal(pulses_per_bunch(50, divider, 0, scheme), expected)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_only_pulses_after_the_pump_are_pumped(file: Path) -> None:
    """Lost: a reference that holds the signal itself. What earlier pumps left is below a fifth of it."""
    scheme = load_scheme(file)
    experiment = Experiment(sample=load_sample(), seed=1, scheme=scheme)
    excitation = experiment.excitation(BeamlineState(delay_ps=100.0, rate_divider=scheme.divider))
    assert excitation.argmax() == scheme.pumped
    before = [gate for gate, delay in enumerate(scheme.gate_delays_ps) if delay < 0]
    assert all(excitation[gate] < 0.2 * excitation[scheme.pumped] for gate in before)


def test_four_photodiodes_share_the_fluorescence() -> None:
    two = Experiment(sample=load_sample(), seed=1).expose(BeamlineState(), 1.0)
    four = Experiment(sample=load_sample(), seed=1, photodiodes=4).expose(BeamlineState(), 1.0)
    assert four.counts.shape == (4, 5)
    assert four.counts.sum() == pytest.approx(two.counts.sum(), rel=0.05)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_pump_meets_the_same_bunches_in_every_exposure(file: Path) -> None:
    """Lost: every spectrum of two bunches, whose pumped one changed at random from point to point."""
    scheme = load_scheme(file)
    sizes = replace(IDEAL, noise=0.0)
    experiment = Experiment(sample=load_sample(), seed=1, scheme=scheme, effects=sizes)
    state = BeamlineState(delay_ps=100.0, rate_divider=scheme.divider)
    exposures = [experiment.expose(state, 1.0).counts.sum(axis=0) for _ in range(6)]
    ratios = np.array([counts / counts[scheme.unpumped] for counts in exposures])
    # Whole counts round the ratios; charges of two bunches differ by per cents.
    np.testing.assert_allclose(ratios, ratios[:1] * np.ones((6, 1)), rtol=3e-3)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_another_rf_stretches_the_whole_ring(file: Path) -> None:
    """Lost: pulses that come later than the pumps that belong to them."""
    scheme = load_scheme(file)
    longer = scheme.at_rf(scheme.rf_mhz / 1.0002)
    np.testing.assert_allclose(longer.gate_delays_ps, 1.0002 * scheme.gate_delays_ps)
    assert longer.period_ps(3) == pytest.approx(1.0002 * scheme.period_ps(3))


def test_the_default_scheme_is_that_of_7id() -> None:
    """Lost: a ring whose bunches come exactly when the configuration says, which hides a wrong bunch period."""
    period_ps = 1e12 * 1104.0 / 299_792_458.0 / 24
    assert 153_439.0 < period_ps < 153_440.0
    np.testing.assert_allclose(DEFAULT_SCHEME.gate_delays_ps, period_ps * np.arange(5))
    assert DEFAULT_SCHEME.period_ps(5) == pytest.approx(5 * period_ps)
    assert DEFAULT_SCHEME.rf_mhz == pytest.approx(351.930, abs=1e-3)
    configured = load_configuration(DEFAULT_CONFIGURATION).beamline
    assert DEFAULT_SCHEME.gate_delays_ps[1] - configured.scheme.gate_delays_ps[1] == pytest.approx(39.5, abs=0.1)
    assert PumpScheme().charges == (1.0,) * 24


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("gates = [0, -2, -1]", "gates = [0]", "gates must hold 0, the pumped pulse, and another one"),
        ('gates_in = "revolutions"', 'gates_in = "buckets"', "a gate sees an empty bucket"),
        ('pump_divider_of = "revolutions"', 'pump_divider_of = "bunches"', "the laser meets empty buckets"),
        ("buckets = 480\n", "", "lacks buckets"),
        ("pumped_bucket = 435", "pump_bucket = 435", "pump_bucket are not known"),
        ("[435, 1, 1, 0.25]", "[435, 1, 1]", "has a value of the wrong type"),
        ("[435, 1, 1, 0.25]", "[10, 1, 1, 0.25]", "two bunches into a bucket"),
        ("[pump_scheme]", "[scheme]", "has no table"),
    ],
)
def test_a_wrong_scheme_is_refused(before: str, after: str, message: str, tmp_path: Path) -> None:
    text = (SCHEMES / "sls-hybrid-camshaft.toml").read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(SimulationInputError, match=message):
        load_scheme(path)
