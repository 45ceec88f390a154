"""If these fail, the simulated drift detector loses photons in another way than dead time explains."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from sim.ioc.xas.detectors.gated_drift import gated_drift_group
from sim.ioc.xas.public_names import PUBLIC_RECORDS, only_public
from sim.physics.beamline_state import BeamlineState
from sim.physics.counting_ahead import CountedAhead
from sim.physics.experiment import Experiment
from sim.physics.gated_drift import GatedDrift, draw_gated_drift
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample


def test_dead_time_explains_what_is_lost() -> None:
    rng = np.random.default_rng(3)
    detector = GatedDrift(share=(0.2, 0.1), other_rate=2e5, dead_s=1e-6)
    pulses = np.array([4_000_000, 4_000_000])
    photons = np.array([400_000.0, 380_000.0])
    counts = np.rint(pulses * -np.expm1(-photons / pulses)).astype(np.int64)[None]
    found = [draw_gated_drift(detector, counts, pulses, 3.0, rng) for _ in range(200)]
    live = np.array([one.output_rate / one.input_rate for one in found])
    assert live.mean() == pytest.approx(0.78, abs=0.05)
    corrected = np.array([one.counts for one in found]) / live[..., None]
    expected = np.array(detector.share)[:, None] * photons
    error = corrected.std(axis=0) / len(found) ** 0.5
    assert (np.abs(corrected.mean(axis=0) - expected) < 4 * error).all()
    # Poisson numbers, thinned by the dead time: neither more nor less noise than counting has.
    raw = np.array([one.counts for one in found])
    np.testing.assert_allclose(raw.var(axis=0) / raw.mean(axis=0), 1.0, atol=0.35)


def test_an_exposure_of_no_length_counts_nothing() -> None:
    found = draw_gated_drift(
        GatedDrift(), np.zeros((2, 3), dtype=np.int64), np.zeros(3, dtype=np.int64), 0.0, np.random.default_rng(1)
    )
    assert not found.counts.any()


@pytest.mark.parametrize("as_expected", [True, False])
def test_counts_drawn_during_an_exposure_are_those_drawn_at_its_end(*, as_expected: bool) -> None:
    """Lost: counts that a seed repeats, whatever happens during an exposure."""
    ahead = gated_drift_group(5)("", seed=3)
    plain = gated_drift_group(5)("", seed=3)
    experiment = Experiment(sample=load_sample(DEFAULT_SAMPLE), seed=5)
    for number, duration_s in enumerate((0.4, 0.5, 0.6)):
        expected = CountedAhead(experiment, [(BeamlineState(), duration_s)])
        asyncio.run(ahead.count_ahead(expected))
        exposure = expected.counts if as_expected else experiment.expose(BeamlineState(), 0.1)
        for group in (ahead, plain):
            asyncio.run(group.publish(number, BeamlineState(), exposure))
        assert [one.value for one in ahead.pvdb.values()] == [one.value for one in plain.pvdb.values()]


def test_only_public_names_are_served() -> None:
    """Lost: the proof that a configuration needs nothing else."""
    pvdb = {f"m:{name}": name for name in (*PUBLIC_RECORDS, "7idd:laser:Lock")}
    assert set(only_public(pvdb, "m:")) == {f"m:{name}" for name in PUBLIC_RECORDS}
