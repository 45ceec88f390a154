"""If these fail, the window shows other positions than the session's devices report."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gui.status.item import StatusItem
from storage.calibrations import SavedCalibration
from trxas.configuration import Configuration, load_configuration
from trxas.session.calibrations import TIME_ZERO, calibration_file
from trxas.window.status_items import status_items


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_configuration(prefix="test:", data=tmp_path)


def item(items: list[StatusItem], label: str) -> StatusItem:
    return next(found for found in items if found.label == label)


def test_raw_values_become_those_of_the_axes(configuration: Configuration) -> None:
    """If this fails, the window shows a delay that nobody has set."""
    items = status_items(configuration)
    assert item(items, "energy").convert((13.472,)) == pytest.approx(13_472.0)
    zero_ps = configuration.beamline.delay.time_zero_raw_ps
    raw_s = (zero_ps - 3_200.0 + 100.0) * 1e-12
    assert item(items, "delay").convert((raw_s, 3_200.0)) == pytest.approx(100.0, abs=1e-6)
    fluence = configuration.beamline.fluence
    assert item(items, "fluence").convert((fluence.zero_deg,)) == pytest.approx(0.0)
    assert item(items, "fluence").convert((fluence.zero_deg + 45.0,)) == pytest.approx(fluence.maximum_mj_cm2)


def test_time_zero_is_the_one_that_the_session_keeps(configuration: Configuration) -> None:
    """If this fails, the window's delay is off by every correction of time zero."""
    calibration_file(configuration).save(TIME_ZERO, SavedCalibration(value=170_000.0, time_s=time.time()))
    delay = item(status_items(configuration), "delay")
    assert delay.convert((0.0, 170_000.0)) == pytest.approx(0.0)


def test_every_device_of_the_issue_is_there_with_its_prefix(configuration: Configuration) -> None:
    items = status_items(configuration)
    labels = {found.label for found in items}
    wanted = {"energy", "delay", "fluence", "laser lock", "laser shutter", "X-ray shutter", "jet flow", "ring current"}
    assert wanted <= labels
    assert all(pv.startswith("test:") for found in items for pv in found.pvs)


def test_a_wrong_divider_is_bad(configuration: Configuration) -> None:
    words = item(status_items(configuration), "laser rate").words
    assert words[5][1] == "good"
    assert {words[number][1] for number in (1, 4, 6)} == {"bad"}
