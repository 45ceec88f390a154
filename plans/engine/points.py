"""The points of a pass: each a setting of one or several axes, as a mapping from axes to values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ScanPoints:
    """Settings of `axes`, event fields, that a pass goes to; a scan of one axis has one value per point.

    `values` (points, axes) are in the units of the axes. `shape` is that of a grid of two axes, (slow, fast), whose
    points follow each other row by row, the last axis fastest; empty for any other list of points.
    """

    axes: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    shape: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of_settings(cls, settings: Sequence[Mapping[str, float]], shape: tuple[int, ...] = ()) -> ScanPoints:
        """Return the points of `settings`, which all have the axes of the first; raises KeyError if one lacks an axis.

        Values are in the units of the axes.
        """
        axes = tuple(str(axis) for axis in settings[0])
        return cls(axes=axes, values=tuple(tuple(float(one[axis]) for axis in axes) for one in settings), shape=shape)

    def setting(self, index: int) -> dict[str, float]:
        """Return the value of every axis at one point, in its unit, such as eV or ps."""
        return dict(zip(self.axes, self.values[index], strict=True))

    def along(self, axis: str) -> list[float]:
        """Return the value of one axis at every point, (points,), in its unit; empty if it is not scanned."""
        if axis not in self.axes:
            return []
        column = self.axes.index(str(axis))
        return [values[column] for values in self.values]

    def document(self) -> dict[str, Any]:
        """Return the points as a start document stores them under `grid`: of one axis as numbers, of several as rows.

        A grid has its `shape`, too.
        """
        if len(self.axes) == 1:
            return {"axis": self.axes[0], "points": self.along(self.axes[0])}
        shape = {"shape": list(self.shape)} if self.shape else {}
        return {"axes": list(self.axes), "points": [list(values) for values in self.values], **shape}


def points_of_document(grid: Mapping[str, Any]) -> ScanPoints:
    """Return the points that a start document holds under `grid`; raises KeyError if it holds none.

    Values are in the units of the axes.
    """
    if "axis" in grid:
        return ScanPoints(axes=(str(grid["axis"]),), values=tuple((float(value),) for value in grid["points"]))
    return ScanPoints(
        axes=tuple(map(str, grid["axes"])),
        values=tuple(tuple(map(float, values)) for values in grid["points"]),
        shape=tuple(map(int, grid.get("shape", ()))),
    )
