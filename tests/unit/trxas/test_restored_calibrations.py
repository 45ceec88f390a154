"""If these fail, a session begins with a calibration that no axis can have, or with half of those that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine

import plans
from devices.axes.energy import CALIBRATION_LIMIT_EV
from devices.instrument_response import InstrumentResponse
from errors import StorageError
from storage.calibrations import CalibrationFile, SavedCalibration
from tests.support.fake_beamline import FakeHardware
from trxas.session.calibrations import ATTENUATOR, ENERGY, GATES, RESPONSE, TIME_ZERO, SessionCalibrations, current


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (ENERGY, 2 * CALIBRATION_LIMIT_EV, "-20 to 20 eV"),
        (ENERGY, "much", "not a finite number"),
        (TIME_ZERO, 1e12, "DG1:ADelayAO"),
        (ATTENUATOR, {"maximum_mj_cm2": -1.0, "zero_deg": 3.0}, "above 0 mJ/cm2"),
        (ATTENUATOR, {"angle": 3.0}, "angle"),
        (ATTENUATOR, 5.0, "5.0"),
        (RESPONSE, {"sigma_ps": -45.0, "error_ps": 2.0}, "0.1 to 100000 ps"),
        (RESPONSE, {"sigma_ps": 45.0, "error_ps": 0.0}, "above 0 ps"),
        (GATES, {"modes": {}}, "cannot be read"),
        ("phase_of_the_moon", 0.5, "no calibration 'phase"),
    ],
)
def test_what_the_axes_do_not_allow_is_refused_with_the_file_and_nothing_is_used(
    tmp_path: Path, name: str, value: Any, reason: str
) -> None:
    line, file = FakeHardware().beamline, CalibrationFile(tmp_path, "7ID-D")
    line.delay.coarse_setpoint.limits_of_record = (0.0, 1e-6)
    before = current(line)
    good = {TIME_ZERO: 169_790.0, ENERGY: 0.5}
    for kept in (*good.items(), (name, value)):
        file.save(kept[0], SavedCalibration(value=kept[1], time_s=0.0))
    with pytest.raises(StorageError, match=rf"(?s)calibrations\.json: {name} = .*{reason}.*Remove this entry"):
        SessionCalibrations(line, file).restore()
    assert current(line) == before


def test_a_measured_response_holds_in_the_next_session(tmp_path: Path) -> None:
    """Without it the next day's fits have the configured response as their prior, which may be 15 ps off."""
    measured = InstrumentResponse(sigma_ps=57.6, error_ps=1.9, source="measured")
    line = FakeHardware().beamline
    calibrations = SessionCalibrations(line, CalibrationFile(tmp_path, "7ID-D"))
    RunEngine()(calibrations.saving(plans.apply_instrument_response(line, 57.6, 1.9)))
    assert line.delay.response == measured
    later = FakeHardware().beamline
    SessionCalibrations(later, CalibrationFile(tmp_path, "7ID-D")).restore()
    assert later.delay.response == measured
