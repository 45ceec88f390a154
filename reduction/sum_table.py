"""The table of the sums of a run, cell by cell, whose memory has an upper limit however long the run is."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import BoolArray, FloatArray, IntArray

NO_EXPOSURE = -1
"""Number of an exposure that was not made, or that has no number."""

MOST_CELLS = 2**20
"""Cells (scan, point, laser shutter) that a run holds: those of 1 048 576 single events, in 200 MB by counting.

Beyond them two scans that follow each other are added up, and so on: a run of any length keeps half of this number.
"""

Values = TypeVar("Values", "FloatArray", "IntArray")

Cells: TypeAlias = "tuple[IntArray, IntArray, IntArray]"
"""Scan index in the run, point index and laser shutter of exposures, (exposures,) each."""


class SumTable:
    """Sums of a run per (scan, point, laser shutter), with the numbers of rejected and of the latest exposures.

    `sums` is (scans, points, shutter, width); `rejected` and `exposure_ids` lack the last axis. `scans` is the length
    of the first axis, `scans_per_row` the number of scans of the run that one of its rows holds: 1 up to `MOST_CELLS`
    cells that can be filled, then 2, 4 and so on. Copies do not change with their original.
    """

    # Stored with the shutter first, and made of zeros, for which the system gives no memory before they are written: a
    # run that never closes the laser shutter does not pay for that state. What readers see is a view with other axes.
    # - `_sums`, `_rejected` and `_numbers` have more rows than `scans` (`_grow` doubles them); readers see the first.
    # - `_numbers` are those of the exposures plus 1, so that 0 stands for none.

    def __init__(self, points: int, width: int) -> None:
        self.scans = 0
        self.scans_per_row = 1
        self._used = [False, False]
        self._sums = np.zeros((2, 1, points, width))
        self._rejected = np.zeros((2, 1, points), dtype=np.int64)
        self._numbers = np.zeros((2, 1, points), dtype=np.int64)

    @property
    def sums(self) -> FloatArray:
        """Sums of all cells, shape (scans, points, shutter, width); a view, which may be written."""
        return self._sums[:, : self.scans].transpose(1, 2, 0, 3)

    @property
    def rejected(self) -> IntArray:
        """Number of rejected exposures of each cell, shape (scans, points, shutter)."""
        return self._rejected[:, : self.scans].transpose(1, 2, 0)

    @property
    def exposure_ids(self) -> IntArray:
        """Number of the latest good exposure of each cell, shape (scans, points, shutter); `NO_EXPOSURE` without."""
        return self._numbers[:, : self.scans].transpose(1, 2, 0) - 1

    @property
    def nbytes(self) -> int:
        """Memory, bytes, that the rows in use take."""
        row = int(self._sums[0, 0].nbytes) + 2 * int(self._numbers[0, 0].nbytes)
        return sum(self._used) * self.scans * row

    def row_of(self, scan: int, shutter: int) -> int:
        """Return the row that holds a scan of the run, and make room for it; rows of earlier scans may change."""
        self._used[shutter] = True
        while self._cells_with(scan) > MOST_CELLS and self.scans > 1:
            self._join_scans()
        row = scan // self.scans_per_row
        if row >= self._sums.shape[1]:
            self._grow(row + 1)
        self.scans = max(self.scans, row + 1)
        return row

    def add(self, cell: tuple[int, int, int], values: FloatArray, exposure_id: int) -> None:
        """Add the numbers of an exposure, (width,), to a cell (row, point, shutter)."""
        row, point, shutter = cell
        self._sums[shutter, row, point] += values
        self._numbers[shutter, row, point] = exposure_id + 1

    def add_all(self, cells: Cells, values: FloatArray, exposure_ids: IntArray) -> None:
        """Add the numbers of exposures, shape (exposures, width), to their cells (scan of the run, point, shutter)."""
        if not len(values):
            return
        at, order, starts = self._distinct(cells)
        self._sums[at] += np.add.reduceat(values[order], starts)
        self._numbers[at] = np.maximum(self._numbers[at], np.maximum.reduceat(exposure_ids[order] + 1, starts))

    def take_out(self, cells: Cells, values: FloatArray, exposures: slice) -> None:
        """Take numbers of exposures, shape (exposures, width), out of their cells (scan of the run, point, shutter).

        `exposures` is the column with the number of exposures: a cell without any is left at exactly 0.
        """
        if not len(values):
            return
        at, order, starts = self._distinct(cells)
        left = self._sums[at] - np.add.reduceat(values[order], starts)
        left[left[:, exposures.start] < 0.5] = 0.0  # rounding leaves nothing behind
        self._sums[at] = left

    def add_multiple(self, to: slice, of: slice, factor: float) -> None:
        """Add `factor` times the columns `of` to the columns `to`, in all cells."""
        for shutter in np.flatnonzero(self._used):
            self._sums[shutter, : self.scans, :, to] += factor * self._sums[shutter, : self.scans, :, of]

    def _distinct(self, cells: Cells) -> tuple[tuple[IntArray, IntArray, IntArray], IntArray, IntArray]:
        """Return the index of each different cell, an order that sorts `cells` by them, and where each begins in it."""
        scan, point, shutter = cells
        row = scan // self.scans_per_row
        code = (shutter * self._sums.shape[1] + row) * self._sums.shape[2] + point
        order = np.argsort(code, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(code[order]) != 0])
        first = order[starts]
        return (shutter[first], row[first], point[first]), order, starts

    def reject(self, cell: tuple[int, int, int]) -> None:
        """Count a rejected exposure of a cell, given by its row, point and shutter.

        These are its places in the arrays of shape (scans, points, shutter).
        """
        row, point, shutter = cell
        self._rejected[shutter, row, point] += 1

    def copied(self, without: BoolArray | None = None) -> SumTable:
        """Return a copy, without the sums of the cells that a mask (scans, points, shutter) names.

        Raises ReductionError for a mask of another shape.
        """
        if without is not None and without.shape != self.rejected.shape:
            raise ReductionError(f"Choose cells of shape {self.rejected.shape}, not {without.shape}.")
        result = copy(self)
        result._used = list(self._used)
        for name in ("_sums", "_rejected", "_numbers"):
            setattr(result, name, self._compact(getattr(self, name)))
        if without is not None:
            result.sums[without] = 0.0
        return result

    def relaid(self, columns: Sequence[tuple[slice, FloatArray]]) -> SumTable:
        """Return a table of the same exposures with other sums, by their columns.

        The arrays have the shape (scans, points, shutter, columns of that slice).
        """
        result = copy(self)
        result._used = list(self._used)
        result._rejected = self._compact(self._rejected)
        result._numbers = self._compact(self._numbers)
        result._sums = np.zeros((*result._numbers.shape, max(part.stop for part, _ in columns)))
        for part, values in columns:
            for shutter in np.flatnonzero(self._used):
                result._sums[shutter, : self.scans, :, part] = values[:, :, shutter]
        return result

    def _compact(self, values: Values) -> Values:
        """Return a copy of the rows in use; a state of the shutter that no event had stays without memory."""
        result = np.zeros((2, max(self.scans, 1), *values.shape[2:]), dtype=values.dtype)
        for shutter in np.flatnonzero(self._used):
            result[shutter, : self.scans] = values[shutter, : self.scans]
        return cast("Values", result)

    def _cells_with(self, scan: int) -> int:
        return (scan // self.scans_per_row + 1) * self._sums.shape[2] * sum(self._used)

    def _join_scans(self) -> None:
        """Add up each two scans that follow each other."""
        rows = (self.scans + 1) // 2
        latest = np.maximum  # exposures are numbered in their order
        for values, join in ((self._sums, np.add), (self._rejected, np.add), (self._numbers, latest)):
            for shutter in np.flatnonzero(self._used):
                # Row by row: the pair that makes a row stands behind it, so nothing is read after it was written.
                for row in range(rows):
                    second = values[shutter, 2 * row + 1] if 2 * row + 1 < self.scans else np.zeros_like(values[0, 0])
                    values[shutter, row] = join(values[shutter, 2 * row], second)
                values[shutter, rows : self.scans] = 0
        self.scans = rows
        self.scans_per_row *= 2

    def _grow(self, scans: int) -> None:
        rows = max(scans, 2 * self._sums.shape[1])
        for name in ("_sums", "_rejected", "_numbers"):
            old = getattr(self, name)
            new = np.zeros((2, rows, *old.shape[2:]), dtype=old.dtype)
            for shutter in np.flatnonzero(self._used):
                new[shutter, : self.scans] = old[shutter, : self.scans]
            setattr(self, name, new)


def joined_tables(
    tables: Sequence[SumTable], kept: Sequence[BoolArray], places: Sequence[IntArray], width: int
) -> SumTable:
    """Return one table with the rows of several that the masks `kept`, (scans,) each, choose, in their order.

    `places`, (own width,) each, are the columns of the result in which those of a table stand.
    """
    result = SumTable(tables[0]._sums.shape[2], width)
    result._used = [any(one._used[shutter] for one in tables) for shutter in (0, 1)]
    result._grow(max(sum(int(mask.sum()) for mask in kept), 1))
    for one, mask, columns in zip(tables, kept, places, strict=True):
        rows = np.flatnonzero(mask)
        target = slice(result.scans, result.scans + rows.size)
        for shutter in np.flatnonzero(one._used):
            # All columns in one copy where they are the same, as in most runs.
            if np.array_equal(columns, np.arange(width)):
                result._sums[shutter, target] = one._sums[shutter, rows]
            else:
                result._sums[shutter, target, :, columns] = np.moveaxis(one._sums[shutter, rows], -1, 0)
            result._rejected[shutter, target] = one._rejected[shutter, rows]
            result._numbers[shutter, target] = one._numbers[shutter, rows]
        result.scans += rows.size
    return result
