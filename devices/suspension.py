"""Suspensions of a scan that waits for the beamline, as events of their own stream."""

from __future__ import annotations

import time
from typing import Any

from devices.exposure.event_fields import data_key

STREAM = "suspension"
"""Stream of these events: one when a scan is suspended, one when it continues."""


class Suspension:
    """A bluesky Readable: `suspended` 1 or 0, the `reason`, and the time waited so far, `waited_s`, s."""

    name = "suspension"
    parent = None

    def __init__(self) -> None:
        self.suspended = False
        self.reason = ""
        self.waited_s = 0.0

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the state that the plan has set, with the time waited in s, rounded to milliseconds."""
        values = {"suspended": int(self.suspended), "reason": self.reason, "waited_s": round(self.waited_s, 3)}
        return {name: {"value": value, "timestamp": time.time()} for name, value in values.items()}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys: an integer, a string, and the time waited in s."""
        return {
            "suspended": data_key("integer", source="trxas"),
            "reason": data_key("string", source="trxas"),
            "waited_s": data_key("number", source="trxas", units="s"),
        }

    def read_configuration(self) -> dict[str, Any]:
        """Return nothing: there is no configuration."""
        return {}

    def describe_configuration(self) -> dict[str, Any]:
        """Return nothing: there is no configuration."""
        return {}
