"""If these fail, tomorrow's session measures with yesterday's guess of time zero, energy or fluence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import StorageError
from storage.calibrations import SavedCalibration
from tests.support.patient import patient
from trxas.commands import doctor
from trxas.configuration import Configuration, load_configuration
from trxas.prompt.welcome import welcome
from trxas.session.calibrations import calibration_file, calibration_lines
from trxas.session.session import open_session

MACRO = "kept:"


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "5000", "--seed", "3") as running:
        yield running


@pytest.fixture
def configuration(ioc: Any, tmp_path: Path) -> Configuration:
    return patient(load_configuration(prefix=MACRO, data=tmp_path))


def test_calibrations_of_one_session_hold_in_the_next(configuration: Configuration) -> None:
    with open_session(configuration) as session:
        offered, run = session.plans(), session.run_engine
        assert "calibrated" not in welcome(session)
        run(offered["apply_energy_calibration"](0.7))
        uid = session.measure(offered["delay_scan"]("Br K", delays_ps=[100.0], dwell_s=1.0))
        run(offered["rezero"](23.0))
        (attenuator_uid,) = run(offered["calibrate_attenuator"]([0.0, 6.0, 12.0, 20.0, 28.0, 36.0, 43.0, 50.0]))
        used = session.beamline.fluence.calibration
    with open_session(configuration) as session:
        line = session.beamline
        assert line.energy.calibration_offset_ev == pytest.approx(0.7)
        assert line.delay.time_zero_raw_ps == pytest.approx(169_803.0)
        assert line.fluence.calibration == used
        told = welcome(session)
        assert "calibrated: energy_calibration_offset_ev = 0.7 (set " in told
        assert "time_zero_raw_ps = 169803 (set 20" in told
        assert f"run {uid[:8]}" in told
        assert f"run {attenuator_uid[:8]}" in told
        # Offsets still add up, from the kept one on.
        session.run_engine(session.plans()["apply_energy_calibration"](-0.2))
    assert calibration_file(configuration).read()["energy_calibration_offset_ev"].value == pytest.approx(0.5)


def test_a_calibration_is_kept_at_once_not_at_the_end_of_the_plan(configuration: Configuration) -> None:
    """A session that is killed in the long scan after it must not forget it."""
    file = calibration_file(configuration)
    seen = []

    def plan(offered: Any) -> Any:
        yield from offered["rezero"](10.0)
        seen.append(file.read()["time_zero_raw_ps"].value)
        raise RuntimeError("killed")

    with open_session(configuration) as session, pytest.raises(RuntimeError, match="killed"):
        session.run_engine(plan(session.plans()))
    assert seen == [169_790.0]


@pytest.mark.long
def test_a_run_that_changes_no_calibration_writes_nothing(configuration: Configuration) -> None:
    with open_session(configuration) as session:
        session.measure(session.plans()["delay_scan"]("Br K", delays_ps=[100.0], dwell_s=1.0, approach="direct"))
    assert not calibration_file(configuration).path.exists()


def test_what_a_record_does_not_allow_is_refused_with_the_file(configuration: Configuration) -> None:
    calibration_file(configuration).save("time_zero_raw_ps", SavedCalibration(value=1e12, time_s=0.0))
    with pytest.raises(StorageError, match=r"(?s)calibrations\.json: time_zero_raw_ps = .*DG1:ADelayAO.*Remove this"):
        open_session(configuration)


def test_a_damaged_file_stops_the_session_and_shows_in_doctor(
    configuration: Configuration,
) -> None:
    file = calibration_file(configuration)
    file.path.write_text("{")
    with pytest.raises(StorageError, match="move it away and calibrate again"):
        open_session(configuration)
    lines, problem = doctor.calibrations_of(configuration)
    assert lines == []
    assert "calibrations.json cannot be read" in problem
    file.path.unlink()
    assert doctor.calibrations_of(configuration) == ([], "")
    assert calibration_lines(file) == []


def test_beamlines_are_distinguished_by_their_addresses(tmp_path: Path) -> None:
    """A simulation with the same PV names in the same folder has calibrations of its own."""
    real = load_configuration(address_list="ioc7ida ioc7idd", data=tmp_path)
    same = load_configuration(address_list="ioc7idd  ioc7ida", data=tmp_path)
    simulated = load_configuration(address_list="127.0.0.1:34567", data=tmp_path)
    systems = [calibration_file(configuration)._system for configuration in (real, same, simulated)]
    assert systems[0] == systems[1] != systems[2]
