"""If these fail, a pass leaves a point out, or a drift of the beamline looks like a decay of the sample."""

from __future__ import annotations

import numpy as np
import pytest

from devices.names import Approach, AxisName
from errors import InputError
from plans.engine.point_order import check_order, default_order, ordered
from plans.parameters import PointOrder


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
    assert np.ptp(seen(PointOrder.UP)) == points - 1


def test_an_eighth_of_a_progressive_pass_covers_the_grid() -> None:
    first = ordered(80, PointOrder.PROGRESSIVE, 0)[:11]
    assert first == [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 79]


def test_the_energy_goes_up_unless_backlash_is_accepted() -> None:
    """Lost: half an electronvolt between the passes up and those down."""
    assert default_order(AxisName.ENERGY) is PointOrder.UP
    assert default_order(AxisName.DELAY) is PointOrder.SNAKE
    with pytest.raises(InputError, match=r"backlash of the monochromator, 0\.2 to 0\.6 eV"):
        check_order(PointOrder.SNAKE, AxisName.ENERGY, Approach.BELOW)
    check_order(PointOrder.SNAKE, AxisName.ENERGY, Approach.DIRECT)
    check_order(PointOrder.PROGRESSIVE, AxisName.DELAY, Approach.BELOW)
