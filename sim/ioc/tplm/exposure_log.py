"""Log of what the detector truly saw in every exposure, whatever the PVs showed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.ioc.tplm.film_history import FilmHistory
from sim.ioc.tplm.scene import Stretch
from sim.types import IntArray


class MicroscopeLog:
    """Log of the exposures in the file `path`, one JSON object per exposure; None writes nothing.

    `exposure_id` (restarts with the server), `counts` (all photons) and `check` (CRC-32 of the histogram) identify the
    exposure. `states` is a list of [seconds of beam, state], `film` the history of the film after it.
    """

    def __init__(self, path: Path | None, history: FilmHistory) -> None:
        self._path = path
        self._history = history

    def __call__(self, exposure_id: int, counts: IntArray, stretches: Sequence[Stretch]) -> None:
        """Append one exposure; it is in the file when this returns. Raises OSError if it cannot be written."""
        if self._path is None:
            return
        entry = {
            "exposure_id": exposure_id,
            "counts": int(counts.sum()),
            "check": zlib.crc32(np.ascontiguousarray(counts, dtype="<u4").tobytes()),
            "film": self._history.as_entry(),
            "states": [[one.seconds, _state(one)] for one in stretches],
        }
        # Written and closed before the frame is posted: a reader that has seen an exposure finds it here, also when the
        # server is killed right after.
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=lambda number: number.item()) + "\n")


def _state(stretch: Stretch) -> dict[str, Any]:
    scene = stretch.scene
    setting = scene.setting
    return {
        "x_um": scene.x_um,
        "y_um": scene.y_um,
        "sync_hz": scene.sync_hz,
        "light": scene.light,
        "power_nw": setting.power_nw,
        "repetition_rate_mhz": setting.repetition_rate_mhz,
        "shutter_open": setting.shutter_open,
        "filters_in": setting.filters_in,
        "nd_od": setting.nd_od,
        "temperature_k": setting.temperature_k,
        "flood_hz": setting.flood_hz,
    }
