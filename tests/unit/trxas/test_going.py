"""If these fail, an axis goes to another place than the one that a run has found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from errors import InputError
from plans.engine.start_document import calibration_metadata
from reduction.values import Value
from reduction.xas.found_places import DELAY, ENERGY, Place, places_of
from reduction.xas.overlap import OverlapFit
from reduction.xas.results import OverlapResults
from storage import open_store
from tests.support.fake_beamline import FakeHardware
from tests.support.live_runs import delay_run, energy_run
from tests.support.stored_runs import StoredRuns, later
from trxas.prompt.going import going_function, target_today


@pytest.fixture
def beamline() -> Any:
    return FakeHardware().beamline


@pytest.fixture
def go_to(tmp_path: Path, beamline: Any) -> Iterator[Callable[..., Any]]:
    stored = StoredRuns(tmp_path)
    calibrations = calibration_metadata(beamline)
    stored.write(later(delay_run("delay-1", overrides=calibrations), 0.0))
    stored.write(later(energy_run("energy-2", overrides=calibrations), 500.0))
    stored.close()
    with open_store(tmp_path, recover_runs=False) as store:
        session: Any = SimpleNamespace(beamline=beamline, store=store)
        yield going_function(session)


def moved(plan: Any) -> tuple[Any, float]:
    (message,) = [message for message in plan if message.command == "set"]
    return message.obj, message.args[0]


def test_a_plan_moves_to_the_edge_the_feature_and_time_zero(
    go_to: Callable[..., Any], beamline: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    axis, feature_ev = moved(go_to("feature"))
    assert axis is beamline.axes[ENERGY]
    assert abs(feature_ev - 13472.0) < 2.0
    _, edge_ev = moved(go_to("edge", "energy-2"))
    assert abs(edge_ev - 13470.0) < 8.0
    axis, zero_ps = moved(go_to("time zero", "delay-1"))
    assert axis is beamline.axes[DELAY]
    assert abs(zero_ps) < 20.0
    assert "delay_ps goes from" in capsys.readouterr().out


def test_a_place_that_a_run_does_not_give_is_refused_with_those_it_gives(go_to: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="'feature', 'edge'"):
        go_to("time zero")


def test_calibrations_since_the_run_shift_the_place() -> None:
    """Lost: after `rezero`, the fitted time zero of the run before it would be gone to twice."""
    then = {"time_zero_raw_ps": 1000.0, "energy_calibration_offset_ev": 0.5}
    now = {"time_zero_raw_ps": 1042.0, "energy_calibration_offset_ev": 2.0}
    assert target_today(Place(axis=DELAY, at=Value(42.0, 1.0)), then, now) == 0.0
    assert target_today(Place(axis=ENERGY, at=Value(13470.0, 0.0)), then, now) == 13471.5
    assert target_today(Place(axis="pointing_horizontal_um", at=Value(7.0, 1.0)), then, now) == 7.0


def test_the_centre_of_an_overlap_scan_is_on_its_own_axis() -> None:
    points = np.linspace(-100.0, 100.0, 11)
    fit = OverlapFit(center_um=12.0, center_sigma_um=1.5, fwhm_um=80.0, fwhm_sigma_um=4.0)
    results = OverlapResults(
        kind="overlap", axis="pointing_horizontal_um", position_um=points, change=points, sigma=points, fit=fit
    )
    assert places_of(results) == {"centre": Place(axis="pointing_horizontal_um", at=Value(12.0, 1.5))}
