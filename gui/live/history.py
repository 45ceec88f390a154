"""What every exposure of a run said, as columns that grow: the raw material of trends."""

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
"""Columns and their units. `time_s` is that of the event (Unix epoch), `good` 1 or 0, `counts` the sum over all gates
and photodiodes, `boxcar_v` the mean over the probes; the others are the event's own fields."""

_FIRST_ROWS = 256


class ExposureHistory:
    """The latest exposures, one row each; columns that an event does not have are NaN there.

    Holds at most `limit` rows: beyond that the older half is let go, so that the memory of a night is bounded.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._rows = np.empty((_FIRST_ROWS, len(COLUMNS)))
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def column(self, name: str) -> NDArray[np.float64]:
        """One column, (rows,), read-only; it does not change when further events arrive. KeyError if unknown."""
        values = self._rows[: self._size, _INDEX[name]]
        values.flags.writeable = False
        return values

    def append(self, time_s: float, data: Mapping[str, Any]) -> None:
        """Add an event."""
        if self._size == self._limit:
            kept = self._rows[self._limit // 2 : self._size]
            self._rows = np.concatenate([kept, np.empty_like(self._rows[: self._limit // 2])])
            self._size = len(kept)
        if self._size == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])[: self._limit]
        row = self._rows[self._size]
        for index, name in _FIELDS:
            value = data.get(name)
            row[index] = value if isinstance(value, float | int | np.number) else np.nan
        row[_INDEX["time_s"]] = time_s
        row[_INDEX["good"]] = not data.get("quality", "")
        row[_INDEX["counts"]] = np.sum(data["spc_counts"]) if "spc_counts" in data else np.nan
        row[_INDEX["boxcar_v"]] = np.mean(data["boxcar_mean"]) if "boxcar_mean" in data else np.nan
        self._size += 1

    def snapshot(self) -> ExposureHistory:
        """What is known now; rows that exist are never written again, so nothing is copied."""
        return copy(self)


_INDEX = {name: index for index, name in enumerate(COLUMNS)}
_FIELDS = [(_INDEX[name], name) for name in COLUMNS if name not in ("time_s", "good", "counts", "boxcar_v")]
