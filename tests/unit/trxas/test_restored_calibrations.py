"""If these fail, a session begins with a calibration that no axis can have, or with half of those that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devices.axes.energy import CALIBRATION_LIMIT_EV
from errors import StorageError
from storage.calibrations import CalibrationFile, SavedCalibration
from tests.support.fake_beamline import FakeHardware
from trxas.session.calibrations import ATTENUATOR, ENERGY, TIME_ZERO, Calibrations, current


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (ENERGY, 2 * CALIBRATION_LIMIT_EV, "-20 to 20 eV"),
        (ENERGY, "much", "not a finite number"),
        (TIME_ZERO, 1e12, "DG1:ADelayAO"),
        (ATTENUATOR, {"maximum_mj_cm2": -1.0, "zero_deg": 3.0}, "above 0 mJ/cm2"),
        (ATTENUATOR, {"angle": 3.0}, "angle"),
        (ATTENUATOR, 5.0, "5.0"),
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
        Calibrations(line, file).restore()
    assert current(line) == before
