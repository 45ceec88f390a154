"""If these fail, counts of two exposures are mixed where a scaler record carries no number of its exposure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ophyd.sim import make_fake_device

from devices.configuration import ExposureSettings
from devices.exposure.scaler_channels import ScalerExposure, scaler_exposure_class
from devices.names import AcquisitionMode
from devices.signals.uncached_signal import PvReading
from errors import AcquisitionError, ConfigurationError
from tests.support.fake_beamline import MemorySignal
from tests.support.scheme_files import scaler_file
from trxas.configuration import load_configuration

CHANNELS = ((17, 18, 19), (20, 21, 22), (23, 24, 25), (26, 27, 28))
SETTINGS = ExposureSettings(scaler="7idd:scaler1", spc_scaler="amofg1a:scaler1", spc_channels=CHANNELS, apds=4)
PUMPS_PER_S = 346_969.0


@pytest.fixture
def exposure() -> ScalerExposure:
    return fake_exposure(SETTINGS)


def fake_exposure(settings: ExposureSettings) -> ScalerExposure:
    made: Any = make_fake_device(scaler_exposure_class(settings))
    found: ScalerExposure = made(
        settings, pumps_per_s=PUMPS_PER_S, shutter_pv="7idd:laser:ShutterStatus", prefix="", name="exposure"
    )
    for signal in found.fresh_signals().values():
        assert isinstance(signal, MemorySignal)
        signal.sim_put(0.0)
    found.shutter.sim_put(1)
    found._remember_identity(answers(0.0, 0.0, seconds=0.0))
    found._shutter_seen.add(1.0)
    return found


def answers(master: float, counter: float, *, seconds: float = 2.0, **other: PvReading) -> dict[str, PvReading]:
    """Answers of both scalers with these stamps; channel n counted n."""
    found = {name: PvReading(value, 0, 0, master) for name, value in (("elapsed", seconds), ("i0", 2e6), ("foil", 1e5))}
    found["counted_s"] = PvReading(seconds, 0, 0, counter)
    found |= {f"channel_{channel}": PvReading(float(channel), 0, 0, counter) for row in CHANNELS for channel in row}
    return {**found, "shutter": PvReading(1, 0, 0, 5.0), **other}


def test_counts_of_one_exposure_are_read(exposure: ScalerExposure) -> None:
    reading = exposure.reading_from(answers(100.0, 99.99))
    np.testing.assert_array_equal(reading.spc.counts, CHANNELS)
    assert reading.spc.pulses.tolist() == [693_938] * 3
    assert (reading.spc.exposure_s, reading.spc.laser_shutter, reading.i0, reading.boxcar) == (2.0, 1, 2e6, None)
    assert exposure.modes == (AcquisitionMode.SPC,)
    later = exposure.reading_from(answers(103.0, 102.99))
    assert later.spc.exposure_id > reading.spc.exposure_id


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (answers(100.0, 99.99, channel_20=PvReading(20.0, 0, 0, 97.0)), "carry 2 time stamps, 2.99 s apart"),
        (answers(100.0, 99.99, i0=PvReading(2e6, 0, 0, 97.0)), "7idd:scaler1 carry 2 time stamps"),
        (answers(100.0, 0.0), "amofg1a:scaler1 still holds the counts of an earlier exposure"),
        (answers(0.0, 99.99), "7idd:scaler1 still holds the counts of an earlier exposure"),
        (answers(100.0, 102.5), "ended 2.5 s apart, more than 1 s"),
        (answers(100.0, 99.99, counted_s=PvReading(1.0, 0, 0, 99.99)), "counted 1 s, 7idd:scaler1.T 2 s"),
        (answers(100.0, 99.99, channel_17=PvReading(0.5, 0, 0, 99.99)), "not whole numbers"),
    ],
)
def test_values_of_two_exposures_are_refused(
    exposure: ScalerExposure, found: dict[str, PvReading], message: str
) -> None:
    """Lost: photons of one exposure over the flux of another. Nothing of a refused exposure is remembered as new."""
    with pytest.raises(AcquisitionError, match=message):
        exposure.reading_from(found)
    assert exposure.reading_from(answers(200.0, 199.99)).spc.exposure_s == 2.0


def test_counted_openings_of_the_gates_replace_those_that_time_and_pumps_give() -> None:
    """Lost: gates that did not open, whose photons are missing from the exposure without anything that shows it."""
    exposure = fake_exposure(replace(SETTINGS, openings_channel=16, diodes_per_channel=2))
    assert "channel_16" in exposure.fresh_signals()
    opened = PvReading(500_000.0, 0, 0, 99.99)
    assert exposure.reading_from(answers(100.0, 99.99, channel_16=opened)).spc.pulses.tolist() == [1_000_000] * 3
    with pytest.raises(AcquisitionError, match="carry 2 time stamps"):
        exposure.reading_from(answers(103.0, 102.99, channel_16=opened))


def test_an_exposure_is_read_once(exposure: ScalerExposure) -> None:
    """Lost: one exposure stored as two points."""
    exposure.reading_from(answers(100.0, 99.99))
    with pytest.raises(AcquisitionError, match="earlier exposure"):
        exposure.reading_from(answers(100.0, 99.99))


def test_a_shutter_that_moved_is_seen(exposure: ScalerExposure) -> None:
    exposure._shutter_seen.add(0.0)
    assert exposure.reading_from(answers(100.0, 99.99)).spc.laser_shutter == -1


def test_a_beamline_with_plain_scalers_is_configured_by_its_file(tmp_path: Any) -> None:
    """Lost: a beamline without frames. Gates of the scheme and rows of channels must agree."""
    rows = [list(row) for row in CHANNELS]
    file = scaler_file(tmp_path, "sls-hybrid-camshaft", rows)
    assert load_configuration(file).beamline.exposure.spc_channels == CHANNELS
    for wrong, message in (
        ([[17, 18, 17], *rows[1:]], "two gates on channel 17"),
        ([[1, 18, 19], *rows[1:]], "has channel 1: allowed from 2 up to 64"),
        ([[17, 18], *rows[1:]], "has 2 channels for 3 gates"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            load_configuration(scaler_file(tmp_path, "sls-hybrid-camshaft", wrong))
    text = file.read_text(encoding="utf-8")
    for before, after, message in (
        ("apds = 4", "apds = 2", "spc_channels has 4 rows"),
        ("apds = 4", "apds = 4\nopenings_channel = 17", "openings_channel = 17: is the channel of a gate"),
        ("apds = 4", "apds = 4\nopenings_channel = 1", "openings_channel = 1: is the channel of the clock"),
        ("apds = 4", 'apds = 4\nspc_frame = "a:Frame"', "spc_channels are both given"),
        ("apds = 4", 'apds = 4\nboxcar_frame = "b:Frame"', "spc_frame is missing, but boxcar_frame is given"),
        ("[pilatus]", '[sdd]\nframe = "c:Frame"\n[pilatus]', "needs the number of the exposure"),
    ):
        file.write_text(text.replace(before, after), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=message):
            load_configuration(file)
