"""If these fail, a night is measured with a time zero or an energy of another day, or without any."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from errors import StorageError
from storage.calibrations import CalibrationFile, SavedCalibration

ZERO = SavedCalibration(value=169_797.25, time_s=1.7e9, run_uid="run-1")


def test_the_latest_of_each_saved_calibration_comes_back(tmp_path: Path) -> None:
    file = CalibrationFile(tmp_path / "new", "7ID-D @ 127.0.0.1")
    assert file.read() == {}
    attenuator = SavedCalibration(
        value={"maximum_mj_cm2": 13.9, "zero_deg": 3.2, "source": "calibrate x"}, time_s=1.8e9
    )
    for name, value in (
        ("time_zero", SavedCalibration(value=1.0, time_s=1.0)),
        ("time_zero", ZERO),
        ("attenuator", attenuator),
    ):
        file.save(name, value)
    assert CalibrationFile(tmp_path / "new", "7ID-D @ 127.0.0.1").read() == {
        "time_zero": ZERO,
        "attenuator": attenuator,
    }


def test_another_control_system_has_its_own(tmp_path: Path) -> None:
    """A simulated beamline in the same data folder must not move the real one's time zero."""
    real, simulated = (CalibrationFile(tmp_path, f"7ID-D @ {address}") for address in ("ioc7id", "127.0.0.1:4711"))
    real.save("time_zero", ZERO)
    assert simulated.read() == {}
    simulated.save("time_zero", SavedCalibration(value=5.0, time_s=2.0))
    assert real.read() == {"time_zero": ZERO}


def test_a_power_cut_while_writing_leaves_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CalibrationFile(tmp_path, "x")
    file.save("time_zero", ZERO)

    def cut(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(StorageError, match=r"time_zero cannot be saved in .*Input/output error.*calibrate again"):
        file.save("time_zero", SavedCalibration(value=0.0, time_s=3.0))
    assert file.read() == {"time_zero": ZERO}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"format": 2, "systems": {}}',
        b'{"format": 1, "systems": []}',
        b'{"format": 1, "systems": {"x": {"time_zero": 5.0}}}',
        b'{"format": 1, "systems": {"x": {"time_zero": {"value": 5.0, "time_s": 1}}}}',
        b'{"format": 1, "systems": {"x": {"time_zero": {"value": 5.0, "time_s": NaN, "run_uid": ""}}}}',
    ],
)
def test_a_damaged_file_is_named_with_what_to_do_and_not_overwritten(tmp_path: Path, content: bytes) -> None:
    file = CalibrationFile(tmp_path, "x")
    file.path.write_bytes(content)
    for use in (file.read, lambda: file.save("time_zero", ZERO)):
        with pytest.raises(
            StorageError, match=r"calibrations\.json cannot be read: .*move it away and calibrate again"
        ):
            use()
    assert file.path.read_bytes() == content


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_a_value_that_is_no_number_is_not_saved(tmp_path: Path, value: Any) -> None:
    file = CalibrationFile(tmp_path, "x")
    file.save("time_zero", ZERO)
    with pytest.raises(StorageError, match="cannot be saved"):
        file.save("time_zero", SavedCalibration(value=value, time_s=1.0))
    assert json.loads(file.path.read_text())["systems"]["x"]["time_zero"]["value"] == 169_797.25
