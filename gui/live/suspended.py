"""A run that waits for the beamline, as the documents of its suspension state it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Suspended:
    """Why a run waits, and since when: Unix time `since_s`, s; None if its event has no time."""

    reason: str
    since_s: float | None = None


def suspended_by(event: Mapping[str, Any]) -> Suspended | None:
    """Return the suspension that an event of its stream begins; None for an event that ends it."""
    data = event["data"]
    if not data.get("suspended"):
        return None
    return Suspended(reason=str(data.get("reason", "")), since_s=event.get("time"))
