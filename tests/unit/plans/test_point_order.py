"""If these fail, a pass leaves a point out, or a drift of the beamline looks like a decay of the sample."""

from __future__ import annotations

import numpy as np
import pytest

from devices.names import Approach, AxisName
from errors import InputError
from plans.choices import PointOrder
from plans.engine.point_order import check_order, default_order, order_of_pass, ordered
from plans.engine.points import ScanPoints, points_of_document


def line(axis: str, points: int) -> ScanPoints:
    return ScanPoints(axes=(str(axis),), values=tuple((float(value),) for value in range(points)))


def grid(slow: str, fast: str, rows: int, columns: int) -> ScanPoints:
    settings = [{slow: float(row), fast: float(column)} for row in range(rows) for column in range(columns)]
    return ScanPoints.of_settings(settings, (rows, columns))


@pytest.mark.parametrize("order", PointOrder)
@pytest.mark.parametrize("points", [1, 2, 7, 8, 9, 40, 79])
@pytest.mark.parametrize("scan_index", [0, 1])
def test_every_pass_measures_every_point_once(order: PointOrder, points: int, scan_index: int) -> None:
    assert sorted(ordered(points, order, scan_index)) == list(range(points))


def test_a_linear_drift_cancels_in_two_passes_up_and_down() -> None:
    """Lost: a lifetime, to a beamline that drifts. Upwards alone the drift is the slope of the curve."""
    points = 20
    clock = np.arange(2 * points, dtype=float)

    def seen(order: PointOrder) -> np.ndarray:
        places = [index for scan in (0, 1) for index in ordered(points, order, scan)]
        return np.bincount(places, weights=clock) / 2

    assert np.ptp(seen(PointOrder.SNAKE)) == 0
    assert np.ptp(seen(PointOrder.INTERLEAVED)) == 0
    assert np.ptp(seen(PointOrder.UP)) == points - 1


@pytest.mark.parametrize("points", [2, 7, 20])
def test_a_linear_drift_cancels_between_neighbours_in_one_interleaved_pass(points: int) -> None:
    """Lost: a fifth of the error of tau2, to a transient that grows by 10 % during a single pass."""
    course = ordered(points, PointOrder.INTERLEAVED, 0)
    when = np.argsort(course)
    assert np.ptp(when[1:] + when[:-1]) <= 1


def test_an_eighth_of_a_progressive_pass_covers_the_grid() -> None:
    first = ordered(80, PointOrder.PROGRESSIVE, 0)[:11]
    assert first == [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 79]


def test_the_energy_goes_up_unless_backlash_is_accepted() -> None:
    """Lost: half an electronvolt between the passes up and those down."""
    energies, delays = line(AxisName.ENERGY, 3), line(AxisName.DELAY, 3)
    assert default_order(energies, 1) is PointOrder.UP
    assert default_order(delays, 1) is PointOrder.INTERLEAVED
    assert default_order(delays, 2) is PointOrder.SNAKE
    assert default_order(line("mirror_mm", 3), 1) is PointOrder.SNAKE
    with pytest.raises(InputError, match=r"backlash of the monochromator, 0\.2 to 0\.6 eV"):
        check_order(PointOrder.SNAKE, energies, Approach.BELOW)
    check_order(PointOrder.SNAKE, energies, Approach.DIRECT)
    check_order(PointOrder.PROGRESSIVE, delays, Approach.BELOW)


@pytest.mark.parametrize("order", PointOrder)
@pytest.mark.parametrize("slow", [AxisName.ENERGY, "field_mt"])
def test_every_pass_over_a_grid_measures_every_point_once(order: PointOrder, slow: str) -> None:
    points = grid(slow, AxisName.DELAY, 9, 4)
    for scan_index in (0, 1):
        assert sorted(order_of_pass(points, order, scan_index)) == list(range(36))


def test_a_grid_goes_back_and_forth_and_its_energy_only_up() -> None:
    """Lost: the time of a long move per row, or half an electronvolt of backlash."""
    points = grid(AxisName.ENERGY, AxisName.DELAY, 3, 2)
    assert order_of_pass(points, PointOrder.SNAKE, 0) == [0, 1, 3, 2, 4, 5]
    assert order_of_pass(points, PointOrder.SNAKE, 1) == [1, 0, 2, 3, 5, 4]
    assert default_order(points, 1) is PointOrder.SNAKE
    check_order(PointOrder.SNAKE, points, Approach.BELOW)
    with pytest.raises(InputError, match="backlash"):
        check_order(PointOrder.PROGRESSIVE, grid(AxisName.ENERGY, AxisName.DELAY, 20, 2), Approach.BELOW)


def test_a_grid_whose_fast_axis_is_the_energy_scans_each_row_upwards() -> None:
    points = grid(AxisName.DELAY, AxisName.ENERGY, 2, 3)
    assert default_order(points, 1) is PointOrder.UP
    check_order(PointOrder.UP, points, Approach.BELOW)
    with pytest.raises(InputError, match="order='up'"):
        check_order(PointOrder.SNAKE, points, Approach.BELOW)


def test_a_drift_cancels_in_two_passes_over_a_grid() -> None:
    points = grid("field_mt", AxisName.DELAY, 4, 5)
    places = [index for scan in (0, 1) for index in order_of_pass(points, PointOrder.SNAKE, scan)]
    seen = np.bincount(places, weights=np.arange(40, dtype=float)) / 2
    assert np.ptp(seen) == 0


def test_a_list_of_settings_is_measured_in_its_order() -> None:
    settings = [{"energy_ev": 13_472.0, "delay_ps": 100.0}, {"energy_ev": 13_450.0, "delay_ps": 0.0}]
    points = ScanPoints.of_settings(settings)
    assert order_of_pass(points, PointOrder.UP, 1) == [0, 1]
    with pytest.raises(InputError, match="Sort the settings by energy"):
        check_order(PointOrder.UP, points, Approach.BELOW)


@pytest.mark.parametrize("points", [line("delay_ps", 3), grid("energy_ev", "delay_ps", 2, 3)])
def test_points_return_from_the_start_document_as_they_were(points: ScanPoints) -> None:
    """If this fails, a resumed run measures other points than the run that it resumes."""
    assert points_of_document(points.document()) == points
