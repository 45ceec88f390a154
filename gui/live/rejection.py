"""Exposures that failed a condition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """An exposure that failed a condition: its place in the run, and the `reasons`, names of conditions.

    `event`: its number among the events of the run. `scan` and `point`: its pass and its point, None for a run without
    them. All three count from 1. `time_s`: Unix time of its event, None if that has none.
    """

    event: int
    scan: int | None
    point: int | None
    reasons: str
    time_s: float | None = None
