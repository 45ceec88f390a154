"""If these fail, a sequence plays other settings than its table, or a client that was away misses frames."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from sim.errors import SimulationInputError
from sim.ioc.experiment import BuildOptions
from sim.ioc.xas.beamline import SimulatedBeamline
from sim.ioc.xas.hardware_scans.frame_player import WATCHED
from sim.ioc.xas.hardware_scans.frame_ring import BLOCK, RING, FrameRing
from sim.ioc.xas.hardware_scans.sequence_table import parse_table
from sim.ioc.xas.hardware_scans.sequencer import HEAD
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample
from tests.support.manual_time import TURNS, ManualTime

COARSE_S = 167e-9
CURRENT = "S:SRcurrentAI"


@pytest.fixture(scope="module")
def beamline() -> SimulatedBeamline:
    line = SimulatedBeamline(load_sample(DEFAULT_SAMPLE), BuildOptions(seed=1, speed=1.0))
    manual = ManualTime()
    line.clock.now_s = manual.now_s  # type: ignore[method-assign]
    line.clock.sleep_unless = manual.sleep_unless  # type: ignore[method-assign]
    return line


def row(fine_ps: float, point: int, *, dwell_s: float = 2.0, shutter: int = 0) -> list[float]:
    return [dwell_s, COARSE_S, fine_ps, shutter, 0, point]


async def play(line: SimulatedBeamline, rows: list[list[float]]) -> np.ndarray[Any, Any]:
    """Play a table as a client does, and return its frames, (frames, length)."""
    sequencer = line.sequencer
    first = sequencer.latest.value + 1
    await sequencer.watch.write(CURRENT)
    await sequencer.token.write(7)
    await sequencer.table.write(np.ravel(rows).tolist())
    await sequencer.arm.write("Arm")
    await sequencer.run.write("Run")
    return await frames_from(line, first)


async def frames_from(line: SimulatedBeamline, first: int) -> np.ndarray[Any, Any]:
    await line.sequencer.read_from.write(first)
    values = np.asarray(line.sequencer.frames.value)
    count, length = int(values[0]), int(values[1])
    return values[3 : 3 + count * length].reshape(count, length)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def test_a_table_is_played_row_by_row_without_a_client(beamline: SimulatedBeamline) -> None:
    """Lost: a delay, or its place in the run. The frames carry the labels of their rows, and what was counted."""
    # A delay that no other test leaves behind: every row has to settle.
    rows = [row(4000.0 + 10 * point, point) for point in range(5)]
    frames = run(play(beamline, rows))
    assert frames[:, 0].tolist() == [7] * 5
    assert frames[:, 2].tolist() == [0, 1, 2, 3, 4]
    assert beamline.timing.fine_readback.value == 4040.0
    numbers = frames[:, HEAD + 3 * WATCHED]
    assert np.diff(numbers).tolist() == [1.0] * 4
    assert (frames[:, HEAD + 3 * WATCHED + 1] == 2.0).all()
    # Per frame: 2 s of counting, 20 ms of settling.
    assert beamline.sequencer.duty.value == pytest.approx(2 / 2.02, rel=1e-3)


def test_frames_carry_the_range_of_the_watched_values(beamline: SimulatedBeamline) -> None:
    """Lost: the only evidence of what the ring did during a frame that no session has seen."""

    async def dip() -> Any:
        playing = asyncio.create_task(play(beamline, [row(3000.0, 0, dwell_s=30.0)]))
        while not beamline.sequencer.running:
            await asyncio.sleep(0)
        before = beamline.environment.pvdb[CURRENT].value
        for _ in range(3 * TURNS // 2):
            await asyncio.sleep(0)
        await beamline.environment.pvdb[CURRENT].write(1.0)
        await beamline.environment.pvdb[CURRENT].write(before)
        return await playing

    frame = run(dip())[0]
    low, high, last = frame[HEAD : HEAD + 3 * WATCHED].reshape(3, WATCHED)[:, 0]
    assert low == 1.0
    assert high == last > 1.0


def test_a_sequence_that_is_stopped_publishes_what_it_has_counted(beamline: SimulatedBeamline) -> None:
    """Lost: the part of a long frame before a stop, or its true length."""

    async def stopped() -> Any:
        playing = asyncio.create_task(play(beamline, [row(3000.0, 0, dwell_s=1e4), row(3010.0, 1)]))
        while not beamline.sequencer.running:
            await asyncio.sleep(0)
        for _ in range(3 * TURNS // 2):
            await asyncio.sleep(0)
        await beamline.sequencer.run.write("Stop")
        return await playing

    frames = run(stopped())
    assert len(frames) == 1
    assert 0 < frames[0, HEAD + 3 * WATCHED + 1] < 1e4


@pytest.mark.parametrize(
    "values",
    [[], [1.0] * 5, row(-1.0, 0), row(13_000.0, 0), row(3000.0, 0, dwell_s=0.0), [1.0, 2e-6, 3000.0, 0, 0, 0]],
)
def test_a_table_that_cannot_be_played_is_refused_as_a_whole(values: list[float]) -> None:
    """Lost: half a sequence, after which the delay stands somewhere."""
    with pytest.raises(SimulationInputError):
        parse_table(values, lambda nominal_ps: None)


def test_the_ring_gives_every_frame_by_its_number_until_it_is_overwritten() -> None:
    """Lost or doubled: frames that a new session reads again."""
    ring = FrameRing(2)
    assert ring.block(1)[0] == 0
    for number in range(1, RING + 11):
        ring.append(np.array([number, -number], dtype=float))
    seen: list[int] = []
    first = 1
    while count := int((answer := ring.block(first))[0]):
        frames = answer[3 : 3 + 2 * count].reshape(count, 2)
        assert answer[2] == frames[0, 0]
        assert count <= BLOCK
        seen += frames[:, 0].astype(int).tolist()
        first = seen[-1] + 1
    assert seen == list(range(11, RING + 11))
