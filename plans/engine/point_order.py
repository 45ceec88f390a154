"""In which order a pass goes over the points of its grid."""

from __future__ import annotations

from devices.names import Approach, AxisName
from errors import InputError
from plans.parameters import PointOrder


def default_order(axis: str) -> PointOrder:
    """Return the order of an axis unless the user asks for another one.

    Every other pass goes down, so that a drift linear in time cancels in the mean of two passes. The energy goes up
    only: the drive has backlash (paper, SI 8), and only its long moves down are approached from below.
    """
    return PointOrder.UP if axis == AxisName.ENERGY else PointOrder.SNAKE


def check_order(order: PointOrder, axis: str, approach: Approach) -> None:
    """Raise InputError for steps down in energy whose backlash stays in."""
    if axis == AxisName.ENERGY and order is not PointOrder.UP and approach is not Approach.DIRECT:
        raise InputError(
            f"order = {str(order)!r} steps down in energy, which shifts these passes by the backlash of the "
            "monochromator, 0.2 to 0.6 eV. Scan the energy with order='up', or give approach='direct' as well to "
            "accept the shift."
        )


def ordered(points: int, order: PointOrder, scan_index: int) -> list[int]:
    """Return the indices of one pass over a grid of `points`, in the order in which it measures them."""
    if order is PointOrder.PROGRESSIVE:
        return _progressive(points)
    down = order is PointOrder.SNAKE and scan_index % 2 == 1
    return list(range(points))[:: -1 if down else 1]


def _progressive(points: int) -> list[int]:
    """Return every eighth index, then those half-way between, until all are there: 0 8 .. 4 12 .. 2 6 .. 1 3 ..

    A usable curve is there after an eighth of the time. The last point comes with the first ones, as a curve without
    its end tells little.
    """
    first = [*range(0, points, 8), points - 1]
    halves = [index for step in (8, 4, 2) for index in range(step // 2, points, step)]
    return list(dict.fromkeys([*first, *halves]))
