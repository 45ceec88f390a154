"""The scalar values of every exposure of a run, as growing columns, the source of trends."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "time_s": "s",
        "scan_index": "",
        "point_index": "",
        "laser_shutter": "",
        "good": "",
        "energy_ev": "eV",
        "delay_ps": "ps",
        "fluence_mj_cm2": "mJ/cm2",
        "i0": "counts",
        "foil": "counts",
        "exposure_s": "s",
        "ring_current_ma": "mA",
        "jet_flow_ml_min": "ml/min",
        "temperature_c": "C",
        "counts": "counts",
        "boxcar_v": "V",
    }
)
"""Units by column. `time_s` is the Unix time of the event, `good` is 1 or 0, `counts` the sum over all gates and
photodiodes, `boxcar_v` the mean over the probes; the others are fields of the event."""

_FIRST_ROWS = 256


class ExposureHistory:
    """The latest exposures, one row each; a value that an event lacks or marks as invalid is NaN.

    It holds at most `limit` rows and then drops the older half, so that memory is bounded over a night.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._rows = np.empty((_FIRST_ROWS, len(COLUMNS)))
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Memory of the rows, bytes."""
        return int(self._rows.nbytes)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column (rows,), read-only; later events do not change it. Raises KeyError for an unknown name."""
        values = self._rows[: self._size, _INDEX[name]]
        values.flags.writeable = False
        return values

    def append(self, time_s: float, data: Mapping[str, Any]) -> None:
        """Add an event that arrived at the Unix time `time_s`, s, as a row (columns,).

        A field that is missing or is not a number becomes NaN. At the limit, the older half of the rows is dropped
        first.
        """
        # Columns that were given out are views of `_rows`, and stay valid because no row is ever written again. Where
        # room is needed, a new array is made, and the old one lives on in the views. Dropping half at once, instead of
        # a row per event, makes the cost of an event constant on average.
        if self._size == self._limit:
            kept = self._rows[self._limit // 2 : self._size]
            self._rows = np.concatenate([kept, np.empty_like(self._rows[: self._limit // 2])])
            self._size = len(kept)
        if self._size == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])[: self._limit]
        row = self._rows[self._size]
        unknown = _unknown_fields(str(data.get("marks", "")))
        for index, name in _FIELDS:
            value = data.get(name)
            known = isinstance(value, float | int | np.number) and name not in unknown
            row[index] = value if known else np.nan
        row[_INDEX["time_s"]] = time_s
        row[_INDEX["good"]] = not data.get("quality", "")
        row[_INDEX["counts"]] = np.sum(data["spc_counts"]) if "spc_counts" in data else np.nan
        row[_INDEX["boxcar_v"]] = np.mean(data["boxcar_mean"]) if "boxcar_mean" in data else np.nan
        self._size += 1

    def snapshot(self) -> ExposureHistory:
        """Return a copy that later events do not change.

        Rows of the table, shape (rows, columns), that exist are never written again, so that none is copied.
        """
        return copy(self)


def _unknown_fields(marks: str) -> set[str]:
    """Return the fields whose records were in INVALID alarm: the last value of a lost device is not a trend."""
    return {mark.removesuffix("_invalid") for mark in marks.split(",") if mark.endswith("_invalid")}


_INDEX = {name: index for index, name in enumerate(COLUMNS)}
_FIELDS = [(_INDEX[name], name) for name in COLUMNS if name not in ("time_s", "good", "counts", "boxcar_v")]
