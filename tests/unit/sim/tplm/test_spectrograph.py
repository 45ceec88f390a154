"""If these fail, the simulated spectrograph does not behave like its hardware."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from sim.ioc.experiment import BuildOptions
from sim.ioc.tplm.microscope import SimulatedMicroscope
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from sim.physics.tplm.spectrum import COLUMNS, Readout, draw_image, electrons_per_s, wavelengths_nm

FILM = load_film()
LIT = Setting(power_nw=5.0, repetition_rate_mhz=2.5)


@pytest.fixture
def microscope() -> SimulatedMicroscope:
    return SimulatedMicroscope(FILM, BuildOptions(seed=3, speed=5000.0))


async def exposed(microscope: SimulatedMicroscope) -> np.ndarray:
    """The counts of one exposure of 10 s."""
    spectrograph = microscope.spectrograph
    await spectrograph.array.EnableCallbacks.write("Enable")
    await spectrograph.camera.AcquireTime.write(10.0)
    await spectrograph.camera.Acquire.write("Acquire")
    return np.asarray(spectrograph.array.ArrayData.value)


def test_light_reaches_the_camera_only_by_the_mirror_and_the_open_shutter(microscope: SimulatedMicroscope) -> None:
    """A spectrum without its background would be one of the room."""

    async def measure() -> list[float]:
        found = []
        for mirror, shutter in (("Out", "Open"), ("In", "Closed"), ("In", "Open")):
            await microscope.path.mirror.write(mirror)
            await microscope.laser.shutter.write(shutter)
            counts = await exposed(microscope)
            assert counts.shape == (COLUMNS,)
            found.append(float(counts.sum()))
        assert microscope.spectrograph.array.UniqueId_RBV.value == 3
        return found

    without, dark, lit = asyncio.run(measure())
    assert without == pytest.approx(dark, abs=3000)
    # 5000 electrons per s at 1 nW, which is the power at the start.
    assert lit - dark == pytest.approx(50_000, abs=3000)


def test_the_grating_moves_the_spectrum_over_the_camera() -> None:
    peaks = {}
    for centre_nm in (515.0, 550.0):
        light = electrons_per_s(FILM, LIT, centre_nm=centre_nm)
        peaks[centre_nm] = wavelengths_nm(FILM.spectrograph, centre_nm)[light.argmax()]
    assert peaks[515.0] == pytest.approx(peaks[550.0], abs=0.6)


def test_rows_that_are_binned_share_the_noise_of_one_readout() -> None:
    """Lost: why spectra are binned on the chip."""
    rng = np.random.default_rng(2)
    quiet = replace(FILM, spectrograph=replace(FILM.spectrograph, dark_e_s=0.0))
    noise = [
        float(draw_image(rng, quiet, np.zeros(COLUMNS), Readout(exposure_s=1.0, rows=rows)).sum(axis=0).std())
        for rows in (1, 100)
    ]
    assert noise == pytest.approx([4.0, 40.0], rel=0.15)


def test_the_laser_itself_is_seen_without_filters() -> None:
    light = electrons_per_s(FILM, replace(LIT, filters_in=False), centre_nm=405.0)
    assert wavelengths_nm(FILM.spectrograph, 405.0)[light[:800].argmax()] == pytest.approx(405.0, abs=0.5)
