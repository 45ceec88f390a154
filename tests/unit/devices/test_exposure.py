"""If these fail, counts of one exposure are stored under another, or nonsense is stored as counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devices.exposure.frames import parse_boxcar_frame, parse_spc_frame
from devices.exposure.gated_detectors import ExposureReading
from devices.signals.uncached_signal import read_together
from errors import AcquisitionError, InputError, OutOfRangeError
from tests.support.fake_beamline import FakeHardware
from tests.support.waiting import WAIT_S


def read(hardware: FakeHardware) -> ExposureReading:
    exposure = hardware.beamline.exposure
    return exposure.reading_from_raw(read_together(exposure.fresh_signals()))


def test_an_exposure_delivers_what_was_counted() -> None:
    hardware = FakeHardware()
    hardware.beamline.exposure.prepare(6.0)
    hardware.counts = np.arange(10).reshape(2, 5)
    hardware.beamline.exposure.trigger().wait(timeout=WAIT_S)
    reading = read(hardware)
    np.testing.assert_array_equal(reading.spc.counts, np.arange(10).reshape(2, 5))
    assert reading.spc.exposure_s == 6.0
    assert reading.i0 == 6e6
    # The boxcar's signal goes negative with light; stored, more light is more.
    assert reading.boxcar is not None
    assert np.all(reading.boxcar.mean == 0.008)


def test_a_refused_trigger_is_noticed_although_it_completes() -> None:
    hardware = FakeHardware()
    hardware.beamline.exposure.prepare(1.0)
    hardware.refused_triggers = 1
    hardware.beamline.exposure.trigger().wait(timeout=WAIT_S)
    with pytest.raises(AcquisitionError, match="Expected exposure 1, found 0"):
        read(hardware)


def test_another_clients_exposure_is_not_ours() -> None:
    hardware = FakeHardware()
    hardware.beamline.exposure.prepare(1.0)
    for _ in range(2):
        hardware.beamline.exposure.trigger().wait(timeout=WAIT_S)
    with pytest.raises(AcquisitionError, match="another client is counting"):
        read(hardware)


def test_frames_of_two_exposures_are_not_mixed() -> None:
    hardware = FakeHardware()
    exposure = hardware.beamline.exposure
    exposure.prepare(1.0)
    old = exposure.boxcar_frame.get()
    exposure.trigger().wait(timeout=WAIT_S)
    exposure.boxcar_frame.sim_put(old)
    with pytest.raises(AcquisitionError, match="7idb:boxcar:Frame"):
        read(hardware)


def test_a_clock_that_disagrees_is_not_one_exposure() -> None:
    hardware = FakeHardware()
    hardware.beamline.exposure.prepare(1.0)
    hardware.beamline.exposure.trigger().wait(timeout=WAIT_S)
    hardware.beamline.exposure.elapsed.sim_put(0.4)
    with pytest.raises(AcquisitionError, match=r"7idd:scaler1\.T counted 0\.4 s"):
        read(hardware)


def test_busy_detectors_refuse_a_new_series() -> None:
    hardware = FakeHardware()
    hardware.beamline.exposure.counting.sim_put(1)
    with pytest.raises(AcquisitionError, match=r"7idd:scaler1\.CNT shows that the detectors are counting already"):
        hardware.beamline.exposure.prepare(1.0)
    assert hardware.moves == []


@pytest.mark.parametrize("dwell_s", [0.0, -1.0, 1e5])
def test_a_dwell_outside_the_range_names_it(dwell_s: float) -> None:
    with pytest.raises(OutOfRangeError, match=r"0\.001 to 400 s"):
        FakeHardware().beamline.exposure.check_dwell(dwell_s)


@pytest.mark.parametrize("dwell_s", [math.nan, math.inf, "6", True])
def test_a_dwell_that_is_no_number_is_refused(dwell_s: object) -> None:
    with pytest.raises(InputError, match="not a finite number"):
        FakeHardware().beamline.exposure.check_dwell(dwell_s)  # type: ignore[arg-type]


def test_trigger_before_prepare_reports_what_to_do() -> None:
    with pytest.raises(AcquisitionError, match=r"prepare\(dwell_s\)"):
        FakeHardware().beamline.exposure.trigger()


def test_a_dwell_the_record_does_not_take_is_an_error() -> None:
    hardware = FakeHardware()
    hardware.beamline.exposure.preset.on_put = lambda value: None
    with pytest.raises(AcquisitionError, match=r"stays at 1\.0 s, wanted 6\.0 s"):
        hardware.beamline.exposure.prepare(6.0)


SPC = [1, 6.0, 1, 2, 5, *[100] * 5, *range(10)]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (SPC[:-1], "19 elements, expected 20"),
        ([*SPC[:-1], math.nan], "NaN"),
        ([*SPC[:-1], 0.5], "not whole numbers"),
        ([*SPC[:-1], -1], "not whole numbers"),
        ([1, 6.0, 1, 1, 10, *SPC[5:]], "1 APDs x 10 probes"),
    ],
)
def test_a_frame_that_makes_no_sense_is_never_data(raw: list[float], message: str) -> None:
    with pytest.raises(AcquisitionError, match=message):
        parse_spc_frame(raw, 2, 5, "amofg1a:spc:Frame")


def test_boxcar_sign_belongs_to_the_device() -> None:
    raw = [1, 6.0, 1, *[-0.5] * 5, *[0.1] * 5]
    assert parse_boxcar_frame(raw, -1, 5, "pv").mean[0] == 0.5
    assert parse_boxcar_frame(raw, 1, 5, "pv").mean[0] == -0.5


def test_a_boxcar_may_publish_the_covariances_of_its_gates() -> None:
    """Lost: errors that hold the jet twice, or every boxcar of another make."""
    raw = [7.0, 6.0, 1.0, *[-0.008] * 5, *[1e-10] * 5]
    assert parse_boxcar_frame(raw, -1, 5, "pv").covariance.tolist() == [0.0] * 10
    found = parse_boxcar_frame([*raw, *np.arange(10.0)], -1, 5, "pv")
    assert found.covariance.tolist() == list(range(10))
    assert found.variance.tolist() == [1e-10] * 5
    many = [7.0, 6.0, 1.0, *[0.1] * 40]
    assert parse_boxcar_frame(many, 1, 20, "pv").covariance.size == 0
