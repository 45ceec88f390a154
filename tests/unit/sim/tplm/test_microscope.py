"""If these fail, the simulated microscope does not behave like its hardware."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import SimulationInputError
from sim.ioc.channel_access.pv_list import pv_list
from sim.ioc.experiment import BuildOptions
from sim.ioc.tplm.microscope import SimulatedMicroscope
from sim.ioc.tplm.optics import STAGE_PLAY_MM, Play
from sim.ioc.tplm.tcspc import HEAD
from sim.physics.tplm.sample import load_film

SPEED = 5000.0


@pytest.fixture
def microscope(request: pytest.FixtureRequest) -> SimulatedMicroscope:
    film = load_film()
    # At this speed the image would drift away within seconds.
    options = BuildOptions(seed=3, speed=getattr(request, "param", SPEED))
    return SimulatedMicroscope(replace(film, image=replace(film.image, drift_nm_min=0.0)), options)


async def exposed(microscope: SimulatedMicroscope, seconds: float = 30.0) -> np.ndarray[Any, Any]:
    """Return the frame of one exposure."""
    await microscope.timing.time_ms.write(1e3 * seconds)
    await microscope.timing.start.write(1)
    return np.asarray(microscope.timing.frame.value)


def test_an_exposure_is_one_frame_with_its_number_and_its_pulses(microscope: SimulatedMicroscope) -> None:
    """A reader tells two exposures apart by the number, and normalises by the pulses."""

    async def measure() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        await microscope.laser.shutter.write("Open")
        return await exposed(microscope), await exposed(microscope)

    first, second = asyncio.run(measure())
    assert (first[0], second[0]) == (1, 2)
    assert list(second[1:4]) == [30.0, 1.0, 75e6]
    assert len(second) == HEAD + int(second[7]) == HEAD + 25_000
    assert second[5] == second[HEAD:].max()
    whole = np.asarray(microscope.timing.samples.value)
    np.testing.assert_array_equal(whole[:25_000], second[HEAD:])
    # 2 000 counts/s per nW, of which the image's offset and its spreading leave about 1 900; and 150 counts/s of dark.
    assert 40_000 < second[HEAD:].sum() < 75_000


def test_the_film_outlives_the_server(tmp_path: Path) -> None:
    """Lost: maps that are resumed after a restart of the server, as image and dose would begin again within them."""
    log = tmp_path / "exposures.jsonl"
    first = SimulatedMicroscope(load_film(), BuildOptions(seed=3, speed=SPEED, exposure_log=log))

    async def measure() -> None:
        await first.laser.shutter.write("Open")
        await exposed(first)

    asyncio.run(measure())
    with log.open("a") as file:
        file.write('{"exposure_id": 2, "film": {"exposed_s": 6')
    options = BuildOptions(seed=3, speed=SPEED, exposure_log=log, restarts=1)
    assert SimulatedMicroscope(load_film(), options).film_history == first.film_history
    assert first.film_history.exposed_s == pytest.approx(30.0)
    assert first.film_history.dose_nw_s > 0
    assert SimulatedMicroscope(load_film(), replace(options, restarts=0)).film_history.exposed_s == 0


def test_a_closed_shutter_leaves_dark_counts_only(microscope: SimulatedMicroscope) -> None:
    """The dark rate is what `tplm_dark` subtracts."""
    frame = asyncio.run(exposed(microscope))
    assert frame[2] == 0
    assert frame[HEAD:].sum() == pytest.approx(150 * 30, abs=6 * np.sqrt(4500))


@pytest.mark.parametrize("microscope", [10.0], indirect=True)
def test_a_shutter_that_moves_during_an_exposure_is_seen_in_the_frame(microscope: SimulatedMicroscope) -> None:
    """Without it a half-lit point would count as a dim one."""

    async def measure() -> np.ndarray[Any, Any]:
        timing = microscope.timing
        await timing.time_ms.write(60_000.0)
        exposure = asyncio.create_task(timing.start.write(1))
        while timing.acquiring.value != "Counting":
            await asyncio.sleep(0)
        await microscope.laser.shutter.write("Open")
        await timing.start.write(0)
        await exposure
        return np.asarray(timing.frame.value)

    frame = asyncio.run(measure())
    assert frame[1] < 60.0
    assert frame[2] == -1


def test_the_rate_chooses_its_trigger_and_the_number_of_channels(microscope: SimulatedMicroscope) -> None:
    """At another trigger time zero is elsewhere, which the event states."""

    async def measure() -> np.ndarray[Any, Any]:
        await microscope.laser.rate.write(1.0)
        with pytest.raises(SimulationInputError, match="internal oscillator"):
            await microscope.laser.source.write("Internal")
        return await exposed(microscope, 1.0)

    frame = asyncio.run(measure())
    assert microscope.laser.source.value == "External"
    assert list(frame[3:5]) == [1e6, 1.0]
    assert frame[7] == 62_500


def test_a_sync_rate_above_the_input_needs_the_divider(microscope: SimulatedMicroscope) -> None:
    """At 40 MHz without a divider nothing starts the clock."""

    async def measure() -> tuple[float, float]:
        await microscope.laser.rate.write(40.0)
        lost = (await exposed(microscope, 1.0))[3]
        await microscope.timing.divider.write("4")
        return float(lost), float((await exposed(microscope, 1.0))[3])

    assert asyncio.run(measure()) == (0.0, 40e6)


def test_a_stage_that_arrives_from_above_is_off_by_its_play() -> None:
    """Why every position is approached from the same side."""
    play = Play(STAGE_PLAY_MM)
    play.moved(0.0, 1.0)
    assert play.offset_mm == 0
    play.moved(1.0, 0.5)
    assert play.offset_mm == STAGE_PLAY_MM
    play.moved(0.5, 0.505)
    assert play.offset_mm == pytest.approx(0.003)
    play.moved(0.505, 0.6)
    assert play.offset_mm == 0


def test_the_page_of_pvs_is_that_of_the_simulation(microscope: SimulatedMicroscope) -> None:
    """Run docs/write_pvs.py after a change of the microscope's records."""
    page = Path(__file__).parents[4] / "docs" / "reference" / "tplm-pvs.md"
    assert pv_list(microscope.pvdb) in page.read_text(encoding="utf-8")
    assert "tplm:session:Holder" in microscope.pvdb


def test_what_goes_wrong_changes_the_counts_or_the_devices(microscope: SimulatedMicroscope) -> None:
    """Lost: the only way to try what the control side does about it."""
    wrong = microscope.disturbances

    async def measure() -> None:
        await microscope.laser.shutter.write("Open")
        usual = (await exposed(microscope, 30.0))[HEAD:].sum()
        await wrong.power_share.write(0.5)
        assert microscope.laser.power_readback.value == pytest.approx(0.5, rel=0.02)
        assert (await exposed(microscope, 30.0))[HEAD:].sum() < 0.6 * usual
        await wrong.power_share.write(1.0)
        await wrong.ambient_hz.write(1000.0)
        assert (await exposed(microscope, 30.0))[HEAD:].sum() - usual == pytest.approx(30_000, rel=0.1)
        await wrong.frame_stale.write("Yes")
        before = float(microscope.timing.frame.value[0])
        await exposed(microscope, 1.0)
        assert microscope.timing.frame.value[0] == before
        await wrong.frame_stale.write("No")
        await wrong.emission_off.write("Yes")
        assert microscope.timing.sync_rate.value == 0
        assert (await exposed(microscope, 1.0))[3] == 0

    asyncio.run(measure())
