"""If these fail, a fly scan counts at other energies than its frames state, or leaves holes in a sweep."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest

from sim.errors import RecordBusyError, SimulationInputError
from sim.ioc.experiment import BuildOptions
from sim.ioc.xas.beamline import SimulatedBeamline
from sim.ioc.xas.hardware_scans.fly_scan import FLY_RING, HEAD
from sim.ioc.xas.hardware_scans.frame_player import WATCHED
from sim.ioc.xas.hardware_scans.sweep import DrivePlay, Sweep, SweepPath, along, parse_sweeps
from sim.physics.beamline_state import BeamlineState
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample
from tests.support.manual_time import ManualTime

SWEEP = Sweep(first_kev=13.46, last_kev=13.48, kev_per_s=0.005, frame_s=0.02, shutter_open=False, scan_index=0)
RAMP_S = 0.05


@pytest.fixture(scope="module")
def beamline() -> SimulatedBeamline:
    line = SimulatedBeamline(load_sample(DEFAULT_SAMPLE), BuildOptions(seed=1, speed=1.0))
    manual = ManualTime()
    line.clock.now_s = manual.now_s  # type: ignore[method-assign]
    line.clock.sleep_unless = manual.sleep_unless  # type: ignore[method-assign]
    return line


def row(first_kev: float, last_kev: float, scan: int, *, frame_s: float = 0.1) -> list[float]:
    return [first_kev, last_kev, 0.005, frame_s, 0, scan]


async def fly(line: SimulatedBeamline, rows: list[list[float]]) -> np.ndarray[Any, Any]:
    """Make sweeps as a client does, and return their frames, (frames, length)."""
    player = line.fly_scans
    first = player.latest.value + 1
    await player.token.write(7)
    await player.watch.write("S:SRcurrentAI")
    await player.table.write(np.ravel(rows).tolist())
    await player.arm.write("Arm")
    await player.run.write("Run")
    found = []
    while first <= player.latest.value:
        await player.read_from.write(first)
        values = np.asarray(player.frames.value)
        count, length = int(values[0]), int(values[1])
        found.append(values[3 : 3 + count * length].reshape(count, length))
        first += count
    return np.concatenate(found)


def test_sweeps_both_ways_count_without_gaps_at_the_energies_of_the_encoder(beamline: SimulatedBeamline) -> None:
    """Lost: counts during the motion and where it turns round, or the energy at which they were counted."""
    frames = asyncio.run(fly(beamline, [row(13.470, 13.472, 0), row(13.472, 13.470, 1)]))
    assert frames[:, 0].tolist() == [7] * len(frames)
    assert frames[:, 1].tolist() == [0] * (len(frames) // 2) + [1] * (len(frames) // 2)
    first, last = frames[:, 9:11].T
    np.testing.assert_allclose(first[1:], last[:-1], atol=1e-9)
    assert (first[0], last[-1]) == pytest.approx((13.470, 13.470))
    middle = frames[2]
    assert middle[8] == pytest.approx((middle[10] - middle[9]) / math.sqrt(12), rel=1e-3)
    seconds = frames[:, HEAD + 3 * WATCHED + 1]
    assert seconds.sum() == pytest.approx(2 * (2.0 / 5.0 + beamline.monochromator.bragg.ramp_s), rel=0.01)
    assert np.all(frames[:, 5] > 0)
    assert beamline.fly_scans.duty.value > 0.99
    assert beamline.monochromator.bragg.record.fields["DMOV"].value == 1
    assert beamline.monochromator.energy_ev == pytest.approx(13_470.0, abs=0.01)


def test_a_sweep_accelerates_as_the_motor_record_says() -> None:
    """Lost: the energies of the first and last frames of each sweep."""
    path = SweepPath(SWEEP, RAMP_S)
    assert path.duration_s == pytest.approx(20 / 5 + RAMP_S, rel=0.01)
    assert path.energy_ev(0.0) == pytest.approx(13_460.0)
    assert path.energy_ev(path.duration_s) == pytest.approx(13_480.0)
    assert path.energy_ev(RAMP_S) - 13_460.0 == pytest.approx(5.0 * RAMP_S / 2, rel=0.02)
    middle_s = path.duration_s / 2
    assert path.energy_ev(middle_s + 0.1) - path.energy_ev(middle_s) == pytest.approx(0.5, rel=0.01)


def test_the_true_energy_stays_behind_the_encoder_in_both_directions() -> None:
    """Lost: backlash that sweeps up and down can show."""
    play = DrivePlay(0.12)
    up = [play.true_ev(13_470.0 + step) - 13_470.0 - step for step in (0.0, 0.03, 0.5, 1.0)]
    assert up == pytest.approx([0.0, -0.03, -0.06, -0.06])
    down = [play.true_ev(13_471.0 - step) - 13_471.0 + step for step in (0.05, 0.2)]
    assert down == pytest.approx([-0.01, 0.06])
    play.rest()
    assert play.true_ev(13_470.0) == 13_470.0


def test_a_frame_counts_with_the_mean_over_its_path() -> None:
    """Lost: counts at an edge, where the mean over the path is not the value in its middle."""
    states = along([(BeamlineState(energy_ev=1.0), 0.02), (BeamlineState(energy_ev=2.0), 0.02)], lambda time_s: time_s)
    assert sum(seconds for _, seconds in states) == pytest.approx(0.04)
    assert len(states) == 2  # the moving motor alone divides nothing
    cubic = sum(seconds * state.energy_ev**3 for state, seconds in states)
    assert cubic == pytest.approx(0.04**4 / 4)


@pytest.mark.parametrize(
    "values",
    [[], [13.46], [13.46, 13.46, 0.005, 0.02, 0, 0], [13.46, 13.48, -1.0, 0.02, 0, 0], [13.46, 99.0, 0.1, 0.02, 0, 0],
     [13.46, 13.48, 1e-5, 0.001, 0, 0]],
)  # fmt: skip
def test_a_table_that_cannot_be_flown_is_refused(values: list[float]) -> None:
    """Lost: the reason, before anything moves."""
    with pytest.raises(SimulationInputError):
        parse_sweeps(values, frames=FLY_RING, ramp_s=RAMP_S, check_angle=lambda _: None)


def test_nobody_else_moves_the_axis_during_a_flight(beamline: SimulatedBeamline) -> None:
    """Lost: a sweep that another client sends elsewhere; a stop of the motor has to end it."""
    bragg = beamline.monochromator.bragg

    async def both() -> None:
        await bragg.begin_flight()
        with pytest.raises(RecordBusyError, match="fly scan"):
            await bragg.move_to(12.0)
        assert bragg.record.fields["DMOV"].value == 0
        stopping = asyncio.create_task(bragg.write_field("STOP", 1))
        await asyncio.sleep(0)
        assert bragg.flight_interrupted
        await bragg.end_flight()
        await stopping

    asyncio.run(both())
    assert bragg.record.fields["DMOV"].value == 1
