"""If these fail, the power meter shows the power of another exposure than the one that lasts."""

from __future__ import annotations

import asyncio

import numpy as np

from sim.clock import BeamClock
from sim.ioc.xas.equipment.laser import METER_RELATIVE, Laser
from sim.physics.beamline_state import BeamlineState
from sim.physics.counting_ahead import CountedAhead
from sim.physics.effects import EffectSizes
from sim.physics.experiment import Experiment
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample

PUMPED = BeamlineState(fluence_mj_cm2=6.6)


LONG_S = 600.0


def test_the_power_of_an_exposure_shows_while_it_lasts() -> None:
    """From its start on, in the readings during it, and at its end, which adds no reading."""
    experiment = Experiment(sample=load_sample(DEFAULT_SAMPLE), seed=3)
    experiment.effects = EffectSizes(laser_power=60.0)
    laser = Laser("", clock=BeamClock(1.0), disturbed=lambda: PUMPED)
    drifts: list[float] = []
    readings: list[list[float]] = []

    async def expose() -> None:
        await laser.show_power()
        undisturbed_w = laser.power.value
        laser.drift = lambda: experiment.laser_power
        for number in range(5):
            ahead = CountedAhead(experiment, [(PUMPED, LONG_S)])
            await laser.show_ahead(ahead)
            at_start_w = laser.power.value
            await laser.show_power()
            during_w = laser.power.value
            assert ahead.happened([(PUMPED, LONG_S)])
            await laser.after_exposure(number, PUMPED, ahead.counts)
            assert laser.power.value == during_w
            readings.append([at_start_w / undisturbed_w, during_w / undisturbed_w])
            drifts.append(experiment.laser_power)

    asyncio.run(expose())
    assert np.abs(np.diff(drifts)).min() > 0.03, "exposures that nobody could tell apart"
    # Six standard deviations of the ratio of two readings, each with 0.2 %: a false alarm in 5e7 tests.
    np.testing.assert_allclose(readings, np.tile(drifts, (2, 1)).T, rtol=6 * 2**0.5 * METER_RELATIVE)


def test_an_exposure_that_ended_early_shows_its_own_power() -> None:
    """Lost: a power that belongs to an exposure that nobody has counted."""
    laser = Laser("", clock=BeamClock(1.0), disturbed=lambda: PUMPED)
    experiment = Experiment(sample=load_sample(DEFAULT_SAMPLE), seed=3)
    experiment.effects = EffectSizes(laser_power=60.0)
    laser.drift = lambda: 1.0

    async def expose() -> tuple[float, float]:
        ahead = CountedAhead(experiment, [(PUMPED, LONG_S)])
        await laser.show_ahead(ahead)
        await laser.after_exposure(1, PUMPED, ahead.counts)
        return ahead.laser_power, laser.power.value

    drift, shown_w = asyncio.run(expose())
    assert abs(drift - 1) > 0.03
    fresh = Laser("", clock=BeamClock(1.0), disturbed=lambda: PUMPED)
    asyncio.run(fresh.show_power())
    assert abs(shown_w / fresh.power.value - 1) < 6 * 2**0.5 * METER_RELATIVE
