"""The calibration of the gates that is in use, as start documents record it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


class Gates:
    """Zeros and gains of the gates: a bluesky Configurable without PVs.

    `calibration` is the `gate_calibration` of start documents, in V of the boxcar and photons per pulse; empty
    until dark exposures have been measured. Only the reduction interprets its numbers.
    """

    name = "gates"
    parent = None

    def __init__(self) -> None:
        self.calibration: dict[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set "calibration"; return old and new values as bluesky expects. Raises KeyError for any other name."""
        old = self._configured()
        self.calibration = dict(settings["calibration"])
        return old, self._configured()

    def _configured(self) -> dict[str, Any]:
        return {"calibration": {"value": self.calibration, "timestamp": time.time()}}
