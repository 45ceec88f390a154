"""Order in which a pass measures the points of its grid."""

from __future__ import annotations

from itertools import pairwise

from devices.names import Approach, AxisName
from errors import InputError
from plans.choices import PointOrder
from plans.engine.points import ScanPoints


def default_order(points: ScanPoints, passes: int) -> PointOrder:
    """Return the default order of `points` for a scan of `passes` passes.

    Every other pass goes down, so that a drift linear in time cancels in the mean of two passes; a grid goes back and
    forth along its fast axis. A single pass over delays, which are electronic and cost no motion, goes up and down by
    itself. The energy goes up only: the drive has backlash (paper, SI 8), and only its long moves
    down are approached from below.
    """
    if points.axes[-1] == AxisName.ENERGY:
        return PointOrder.UP
    is_single = passes == 1 and points.axes == (AxisName.DELAY,) and not points.shape
    return PointOrder.INTERLEAVED if is_single else PointOrder.SNAKE


def check_order(order: PointOrder, points: ScanPoints, approach: Approach) -> None:
    """Raise InputError for steps down in energy whose backlash stays in."""
    energies_ev = points.along(AxisName.ENERGY)
    if not energies_ev or approach is Approach.DIRECT:
        return
    # Two passes show every step that any number of passes makes. Where the energy is the fast axis of a grid, each row
    # is a pass of its own, and the return to its first energy is as between two passes.
    by_row = bool(points.shape) and points.axes[-1] == AxisName.ENERGY
    length = points.shape[-1] if by_row else len(points)
    for scan_index in (0, 1):
        indices = order_of_pass(points, order, scan_index)
        rows = (indices[start : start + length] for start in range(0, len(indices), length))
        if any(energies_ev[later] < energies_ev[earlier] for row in rows for earlier, later in pairwise(row)):
            is_list = len(points.axes) > 1 and not points.shape
            remedy = "Sort the settings by energy" if is_list else "Scan the energy with order='up'"
            raise InputError(
                f"order = {str(order)!r} steps down in energy, which shifts these passes by the backlash of the "
                f"monochromator, 0.2 to 0.6 eV. {remedy}, or give approach='direct' as well to accept the shift."
            )


def order_of_pass(points: ScanPoints, order: PointOrder, scan_index: int) -> list[int]:
    """Return the indices of all `points` in the order in which a pass measures them."""
    if not points.shape:
        return ordered(len(points), order, scan_index)
    rows, columns = points.shape
    # The energy as slow axis goes up in every pass, because of its backlash; rows alternate anyway.
    is_upwards = order in (PointOrder.SNAKE, PointOrder.INTERLEAVED) and points.axes[0] == AxisName.ENERGY
    slow_order = PointOrder.UP if is_upwards else order
    found: list[int] = []
    for place, row in enumerate(ordered(rows, slow_order, scan_index)):
        # From row to row back and forth, and each row the other way in the next pass: a linear drift cancels in two.
        turns = place if order is PointOrder.PROGRESSIVE else row
        down = order is not PointOrder.UP and (turns + scan_index) % 2 == 1
        found += [row * columns + column for column in range(columns)[:: -1 if down else 1]]
    return found


def ordered(points: int, order: PointOrder, scan_index: int) -> list[int]:
    """Return the indices of one pass over a grid of `points`, in the order in which it measures them."""
    if order is PointOrder.PROGRESSIVE:
        return _progressive(points)
    found = list(range(points))
    if order is PointOrder.INTERLEAVED:
        found = found[::2] + found[1::2][::-1]
    down = order is not PointOrder.UP and scan_index % 2 == 1
    return found[:: -1 if down else 1]


def _progressive(points: int) -> list[int]:
    """Return every eighth index, then those half-way between, until all are there: 0 8 .. 4 12 .. 2 6 .. 1 3 ..

    A usable curve is there after an eighth of the time. The last point comes with the first ones, as a curve without
    its end is of little use.
    """
    first = [*range(0, points, 8), points - 1]
    halves = [index for step in (8, 4, 2) for index in range(step // 2, points, step)]
    return list(dict.fromkeys([*first, *halves]))
