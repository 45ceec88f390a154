"""If these fail, the simulated beamline hides nothing that calibrations and self-tests could find."""

from __future__ import annotations

import asyncio

import pytest

from sim.clock import BeamClock
from sim.ioc.xas.equipment.timing import Timing
from sim.physics.sample import Beam


def timing(**faults: float) -> Timing:
    beam = Beam(time_zero_ps=17.0, irf_sigma_ps=45.0, backlash_ev=0.0, calibration_offset_ev=0.0, **faults)
    return Timing("", clock=BeamClock(1.0), beam=beam)


async def delay_at(axis: Timing, coarse_s: float, fine_ps: float) -> float:
    await axis.coarse_readback.write(coarse_s)
    await axis.fine_readback.write(fine_ps)
    return axis.delay_ps


@pytest.mark.parametrize(
    ("faults", "coarse_ps", "fine_ps", "expected_ps"),
    [
        ({}, 166_100, 3_900, 203.0),
        ({"coarse_sign": -1.0}, 166_100, 3_900, 3.0),
        ({"fine_sign": -1.0}, 166_100, 3_900, -37.0),
        ({"fine_jump_ps": 40.0}, 166_100, 3_900, 203.0),
        ({"fine_jump_ps": 40.0}, 168_000, 2_000, 243.0),
    ],
)
def test_delays_that_go_the_wrong_way_or_jump(
    faults: dict[str, float], coarse_ps: float, fine_ps: float, expected_ps: float
) -> None:
    assert asyncio.run(delay_at(timing(**faults), coarse_ps * 1e-12, fine_ps)) == pytest.approx(expected_ps)
