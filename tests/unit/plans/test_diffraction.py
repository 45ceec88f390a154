"""If these fail, powder images are lost, wrong images belong to events, or a series measures something else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import plans
from errors import (
    AcquisitionError,
    ConfigurationError,
    InputError,
    NotConnectedError,
    NotSettledError,
    OutOfRangeError,
    StorageError,
    TrxasError,
)
from tests.support.powder_days import PowderDay, diffraction, series


@pytest.fixture
def day(tmp_path: Path) -> Iterator[PowderDay]:
    with PowderDay(tmp_path) as runs:
        yield runs


def test_one_event_per_image_with_all_that_its_reduction_needs(day: PowderDay) -> None:
    uid = diffraction(day, images=3, temperature_c=60.0, sample="powder 1")
    (start,) = day.starts
    told = {key: start[key] for key in ("uid", "plan_name", "modes", "energy_ev", "exposure_s", "images", "num_points")}
    assert told == {
        "uid": uid,
        "plan_name": "diffraction",
        "modes": ["pilatus"],
        "energy_ev": 12_900.0,
        "exposure_s": 2.0,
        "images": 3,
        "num_points": 3,
    }
    assert start["geometry"] == day.pilatus.geometry
    assert start["temperature_c"] == 60.0
    assert day.images() == [0, 1, 2]
    for event in day.events:
        assert event["energy_ev"] == pytest.approx(12_900.0)
        assert event["temperature_c"] == pytest.approx(60.0, abs=1e-3)
        assert (event["i0"], event["laser_shutter"], event["quality"]) == (2e6, 0, "")
    assert day.pilatus.path is None


def test_the_energy_comes_from_below_and_the_laser_stays_shut(day: PowderDay) -> None:
    diffraction(day)
    assert day.moved("energy") == pytest.approx([12.84, 12.90])
    assert 1 not in day.moved("laser_shutter")
    assert day.moved("sample_stage") == [1]


def test_an_image_whose_event_was_lost_is_taken_again_in_a_new_file(day: PowderDay) -> None:
    """Lost: the right image of an event, after a failure that left an additional image in the file."""
    day.hardware.refused_triggers = 0
    lose = iter([False, True, False, False])
    reader: Any = day.line.powder_images
    read = reader.read
    reader.read = lambda: _lost() if next(lose) else read()
    diffraction(day, images=3)
    assert [event["scan_index"] for event in day.events] == [0, 1, 2]
    assert day.images() == [0, 2, 3]
    assert len(day.of_kind("resource")) == 2


def _lost() -> Any:
    raise AcquisitionError("the frame was of another exposure")


def test_a_detector_that_fails_once_costs_a_repetition(day: PowderDay) -> None:
    day.pilatus.fail = [AcquisitionError("the image was not taken (Aborted)")]
    diffraction(day, images=2)
    assert day.images() == [0, 1]


def test_a_full_disk_is_not_tried_again_and_keeps_the_earlier_images(day: PowderDay) -> None:
    def fill(_: str, doc: dict[str, Any]) -> None:
        if doc["seq_num"] == 2:
            day.pilatus.fail = [StorageError("WriteMessage says: No space left on device"), StorageError("again")]

    day.engine.subscribe(fill, "event")
    with pytest.raises(StorageError, match="No space left"):
        diffraction(day, images=5)
    assert day.images() == [0, 1]
    assert len(day.pilatus.fail) == 1
    assert day.stops[0]["exit_status"] == "fail"
    assert "No space left" in day.stops[0]["reason"]
    assert day.pilatus.path is None


@pytest.mark.parametrize("error", [NotConnectedError(["pil:cam1:Acquire"], 5.0), StorageError("no folder")])
def test_a_detector_that_is_not_ready_moves_nothing(day: PowderDay, error: TrxasError) -> None:
    day.pilatus.not_ready = error
    with pytest.raises(type(error), match=str(error).partition("\n")[0]):
        diffraction(day, temperature_c=60.0)
    day.assert_untouched()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"images": 0}, InputError, "images = 0: give a whole number"),
        ({"images": 1.5}, InputError, "images = 1.5"),
        ({"images": True}, InputError, "images = True"),
        ({"dwell_s": 0.0}, OutOfRangeError, "dwell_s = 0 s"),
        ({"dwell_s": math.nan}, InputError, "not a finite number"),
        ({"dwell_s": 1000.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"energy_ev": 12_000.0}, OutOfRangeError, "12800 to 13700 eV"),
        ({"energy_ev": math.nan}, InputError, "energy_ev = nan"),
        ({"energy_ev": 12_850.0}, OutOfRangeError, "12860 to 13700 eV"),
        ({"temperature_c": 161.0}, OutOfRangeError, "20 to 160 C"),
        ({"md": {"geometry": {}}}, InputError, "geometry"),
    ],
)
def test_bad_input_moves_nothing(day: PowderDay, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        diffraction(day, **options)
    day.assert_untouched()


def test_a_beamline_without_pilatus_reports_it(day: PowderDay) -> None:
    configuration = replace(day.line.configuration, pilatus=None)
    bare = replace(day.line, configuration=configuration, powder_images=None, pilatus=None)
    with pytest.raises(ConfigurationError, match=r"no \[pilatus\]"):
        day.run(plans.diffraction(bare))
    with pytest.raises(ConfigurationError, match=r"no \[pilatus\]"):
        day.run(plans.temperature_series(bare, [25.0]))
    day.assert_untouched()


def test_a_temperature_that_does_not_settle_ends_the_series_there(day: PowderDay) -> None:
    def jam(_: str, doc: dict[str, Any]) -> None:
        cell: Any = day.line.cell
        cell.timeout_s = 0.3
        day.hardware.cell_error_c = 5.0

    day.engine.subscribe(jam, "event")
    with pytest.raises(NotSettledError, match="did not settle at 25 C"):
        series(day, edges=["Pb L3"], images=0)
    assert [stop["exit_status"] for stop in day.stops] == ["success", "fail"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"temperatures_c": []}, InputError, "list of temperatures"),
        ({"temperatures_c": 25.0}, InputError, "list of temperatures"),
        ({"temperatures_c": "25"}, InputError, "list of temperatures"),
        ({"temperatures_c": [25.0, math.nan]}, InputError, "nan, which is not a finite number"),
        ({"temperatures_c": [25.0, None]}, InputError, "None, which is not a finite number"),
        ({"temperatures_c": [25.0, 300.0]}, OutOfRangeError, "20 to 160 C"),
        ({"edges": ["Br K", "Cs L3"]}, InputError, "out of the monochromator's reach"),
        ({"edges": "Br K"}, InputError, "list of edges"),
        ({"images": -1}, InputError, "images = -1"),
        ({"images": 0, "edges": []}, InputError, "nothing to measure"),
        ({"image_dwell_s": 0.0}, OutOfRangeError, "dwell_s"),
        ({"dwell_s": math.inf}, InputError, "dwell_s"),
    ],
)
def test_bad_input_to_a_series_moves_nothing(
    day: PowderDay, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Lost: hours, before the last run of a series shows a mistake that was there from the beginning."""
    with pytest.raises(error, match=message):
        series(day, **options)
    day.assert_untouched()
