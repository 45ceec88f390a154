"""What the film has been through: the time of all exposures, and the dose of the spot that is lit."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.ioc.tplm.scene import Stretch

FRESH_SPOT_UM = 1.0
"""Distance on the sample from which a spot counts as fresh, um: two widths of the laser spot."""


@dataclass(kw_only=True)
class FilmHistory:
    """Time of all exposures (s), dose of the lit spot (nW s), and its place on the sample stage (um).

    The image drifts with the time of the exposures. With that of the clock, a fast simulation would drift for hours of
    beam while a client reads out an exposure of half a minute.
    """

    exposed_s: float = 0.0
    dose_nw_s: float = 0.0
    spot_um: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def continued(cls, log: Path | None) -> FilmHistory:
        """Return the history at the end of a log of exposures, that of a fresh film without one.

        The film outlives the server: a restarted server must not find it as it was hours ago.
        """
        if log is None or not log.exists():
            return cls()
        # A server that is killed while it writes leaves a last line that is cut off.
        for line in reversed(log.read_text(encoding="utf-8").splitlines()[-2:]):
            with contextlib.suppress(json.JSONDecodeError):
                film = json.loads(line)["film"]
                return cls(**{**film, "spot_um": tuple(film["spot_um"])})
        return cls()

    def expose(self, stretches: Sequence[Stretch], place_um: tuple[float, float]) -> None:
        """Add an exposure at a place of the sample stage, um; a fresh spot begins with a dose of 0."""
        self.exposed_s += sum(one.seconds for one in stretches)
        if np.hypot(place_um[0] - self.spot_um[0], place_um[1] - self.spot_um[1]) > FRESH_SPOT_UM:
            self.spot_um = place_um
            self.dose_nw_s = 0.0
        lit = (one for one in stretches if one.scene.setting.shutter_open)
        self.dose_nw_s += sum(one.scene.setting.power_nw * one.seconds for one in lit)

    def as_entry(self) -> dict[str, Any]:
        """Return the history for a log, from which `continued` reads it."""
        return {"exposed_s": self.exposed_s, "dose_nw_s": self.dose_nw_s, "spot_um": list(self.spot_um)}
