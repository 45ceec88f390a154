"""Log of the true states of the beamline during every exposure, whatever its PVs showed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.physics.beamline_state import Stretch
from sim.physics.experiment import ExposureCounts


class ExposureLog:
    """Log of the exposures in the file `path`, one JSON object per exposure.

    `exposure_id` (restarts with the server), `i0` and `counts` (sum over photodiodes and probes) identify the exposure.
    `states` is a list of [seconds of beam, state], with states as `sim.physics.beamline_state.BeamlineState`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, exposure_id: int, exposure: ExposureCounts, states: Sequence[Stretch]) -> None:
        """Append one exposure; it is in the file when this returns. Raises OSError if it cannot be written."""
        entry: dict[str, Any] = {
            "exposure_id": exposure_id,
            "i0": int(exposure.i0),
            "counts": int(exposure.counts.sum()),
            "states": [[seconds, dataclasses.asdict(state)] for state, seconds in states],
        }
        with self._path.open("a", encoding="utf-8") as file:
            # Some settings come from records as numpy's numbers, which the JSON module does not know.
            file.write(json.dumps(entry, default=lambda number: number.item()) + "\n")
