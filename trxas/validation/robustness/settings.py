"""Settings of a run of faults or kills."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trxas.validation.robustness.session_kind import SessionKind


@dataclass(frozen=True, kw_only=True)
class RobustnessSettings:
    """How scans are measured while they are disturbed, and then undisturbed.

    `folder` holds the data of both parts, logs, and the simulation's truth. `session` is how the measuring session is
    started. `speed` is in seconds of beam per second of wall time; `hang_after_s` is wall time without an exposure, s.
    """

    folder: Path
    seed: int
    speed: float
    hang_after_s: float
    session: SessionKind = SessionKind.SCRIPT
