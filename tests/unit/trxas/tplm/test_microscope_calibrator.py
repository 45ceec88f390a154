"""If these fail, what the calibration runs of a microscope find is lost, or used for the wrong trigger source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import InputError
from plans.tplm.histograms import common_metadata
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from storage.calibrations import CalibrationFile
from tests.support.fake_beamline import FakeHardware
from tests.support.tplm.fake_timing import FakeTiming
from tests.support.tplm.runs import event_of, start_of
from tests.support.types import Documents
from trxas.session.calibrations import SessionCalibrations, calibration_lines
from trxas.session.tplm.calibrator import MicroscopeCalibrator

FILM = load_film()
SCATTER = Setting(power_nw=5.0, repetition_rate_mhz=5.0, filters_in=False)


def measured(plan_name: str, setting: Setting) -> Documents:
    event = event_of(FILM, setting, np.random.default_rng(3), x_um=0.13, elapsed_s=0.0, dwell_s=60.0)
    start = start_of(FILM, setting, plan_name)
    return [("start", start), ("descriptor", {"uid": "d", "name": "primary"}), ("event", event)]


def apply(
    calibrator: MicroscopeCalibrator, documents: list[tuple[str, dict[str, Any]]], status: str = "success"
) -> None:
    """Let the run end, and carry out the messages that follow."""
    uid = documents[0][1]["uid"]
    calibrator("start", documents[0][1])
    calibrator("stop", {"run_start": uid, "exit_status": status})
    for message in calibrator._apply():
        message.obj.configure(*message.args)


def test_a_response_run_is_used_saved_and_restored(tmp_path: Path) -> None:
    """Lost: time zero of yesterday in the maps of today, or an error of nothing in their results."""
    timing = FakeTiming()
    line = replace(FakeHardware().beamline, exposure=timing)
    file = CalibrationFile(tmp_path, "microscope")
    kept = SessionCalibrations(line, file)
    said: list[str] = []
    documents = measured("tplm_response", SCATTER)
    apply(MicroscopeCalibrator(timing, lambda _: documents, said.append), documents)
    list(kept._save_changes())
    assert "photon timing internal: 201" in said[0]
    assert "photon_timing_internal = time_zero_ps 201" in calibration_lines(file)[0]
    again = FakeTiming()
    SessionCalibrations(replace(FakeHardware().beamline, exposure=again), file).restore()
    found = again.calibrations["photon_timing_internal"]
    assert found == timing.calibrations["photon_timing_internal"]
    assert found["time_zero_ps"] == pytest.approx(2013.0, abs=2.0)
    assert 0 < found["time_zero_error_ps"] < 1
    assert found["run"] == documents[0][1]["uid"]
    assert again.calibrations["photon_timing_external"] == {}


def test_following_runs_state_the_measured_timing_with_its_covariance() -> None:
    timing = FakeTiming()
    line = replace(FakeHardware().beamline, exposure=timing)
    values = {"time_zero_ps": 2010.0, "time_zero_error_ps": 0.3, "fwhm_ps": 81.0, "tail_share": 0.04, "tail_ps": 240.0}
    covariance = np.diag([0.09, 0.01, 1e-6, 4.0]).tolist()
    timing.configure({"photon_timing_internal": {**values, "covariance": covariance, "measured_s": 1e9}})
    inside, outside = (common_metadata(line, rate, "open") for rate in (2.5, 1.0))
    assert inside["time_zero_ps"] == 2010.0
    assert inside["response"] == {"fwhm_ps": 81.0, "tail_share": 0.04, "tail_ps": 240.0}
    assert inside["timing_covariance"] == covariance
    assert inside["calibrated_at_s"] == {"photon_timing_internal": 1e9}
    assert outside["time_zero_ps"] == 14_013.0
    assert "timing_covariance" not in outside
    assert outside["calibrated_at_s"] == {}


def test_a_failed_run_and_one_that_shows_nothing_change_nothing() -> None:
    timing = FakeTiming()
    said: list[str] = []
    dark = measured("tplm_dark", Setting(power_nw=1.0, repetition_rate_mhz=5.0, shutter_open=False))
    apply(MicroscopeCalibrator(timing, lambda _: dark, said.append), dark, status="abort")
    assert timing.dark_rate_hz == 150.0
    apply(MicroscopeCalibrator(timing, lambda _: dark, said.append), dark)
    assert timing.dark_rate_hz == pytest.approx(150.0, abs=8.0)
    assert 1 < timing.dark_rate_error_hz < 2
    with pytest.raises(InputError, match="has no calibration colour"):
        timing.configure({"colour": {}})
