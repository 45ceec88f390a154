"""The curves of results as columns with names, units and errors, for export and for the tools of other people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr

    from reduction.types import FloatArray


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: `values` (points,) in `unit`, "" for none; `sigma`, their standard errors, or None."""

    name: str
    unit: str
    values: FloatArray
    sigma: FloatArray | None = None


@dataclass(frozen=True, kw_only=True)
class CurveTable:
    """Curves over one axis, such as on, off and transient of one detector over the energy.

    `name` is that of the detector or the detection mode; `scale` states what 1 means in columns without a unit.
    """

    name: str
    axis: Column
    columns: tuple[Column, ...]
    scale: str = ""

    @property
    def flat(self) -> tuple[Column, ...]:
        """All columns without errors of their own: the axis, then each quantity and its `NAME_sigma`."""
        found = [self.axis]
        for column in self.columns:
            found.append(Column(name=column.name, unit=column.unit, values=column.values))
            if column.sigma is not None:
                found.append(Column(name=f"{column.name}_sigma", unit=column.unit, values=column.sigma))
        return tuple(found)


def dataset_of(tables: Sequence[CurveTable]) -> xr.Dataset:
    """Return tables over one axis as an xarray Dataset (detector, axis), with units in its attributes.

    Points that one of the detectors lacks are NaN. Raises ReductionError without tables, or for tables over different
    axes.
    """
    import xarray as xr

    _require_one_axis(tables)
    parts = []
    for table in tables:
        data = {
            column.name: (table.axis.name, np.asarray(column.values), {"units": column.unit or table.scale})
            for column in table.flat[1:]
        }
        axis = (table.axis.name, np.asarray(table.axis.values), {"units": table.axis.unit})
        parts.append(xr.Dataset(data, coords={table.axis.name: axis}))
    names = xr.Variable("detector", [table.name for table in tables])
    return xr.concat(parts, dim=names, join="outer", combine_attrs="override", data_vars="all", coords="minimal")


def data_frame_of(tables: Sequence[CurveTable]) -> pd.DataFrame:
    """Return tables over one axis as one pandas DataFrame, a row per detector and point, units in its `attrs`.

    Raises ReductionError without tables, or for tables over different axes.
    """
    import pandas as pd

    _require_one_axis(tables)
    frames = []
    for table in tables:
        columns: dict[str, Any] = {"detector": table.name, **{one.name: one.values for one in table.flat}}
        frames.append(pd.DataFrame(columns))
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs["units"] = {one.name: one.unit or table.scale for table in tables for one in table.flat}
    return frame


def _require_one_axis(tables: Sequence[CurveTable]) -> None:
    axes = sorted({table.axis.name for table in tables})
    if not axes:
        raise ReductionError("These results have no curves. Their remarks give the reason.")
    if len(axes) > 1:
        raise ReductionError(f"The curves are over different axes: {', '.join(axes)}. Take their tables one by one.")
