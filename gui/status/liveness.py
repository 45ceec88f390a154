"""Whether the window shows live data: one word with a shape, and the reason."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from gui.live.frame import LiveFrame
from gui.live.suspended import Suspended
from gui.quantity_text import age_text
from gui.types import Severity

Word = Literal["LIVE", "REPLAY", "STALE", "SUSPENDED", "ENDED", "NO RUN", "DISCONNECTED"]

QUIET_S = 10.0
"""An open run without a document for longer is stale; its dwell is added to this if it is known."""

DWELLS = 3.0
"""Number of exposures for which an open run may be quiet: a current one, a repeated one, and moves."""

LAG_S = 5.0
"""Documents that arrive later than this after they were sent are stale."""

SHAPES: dict[Word, str] = {
    "LIVE": "●", "REPLAY": "▶", "STALE": "▲", "SUSPENDED": "◆", "ENDED": "■", "NO RUN": "○", "DISCONNECTED": "✕",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Liveness:
    """The state of the display as `word` and `shape`; `reason` explains it in a few words, or is ""."""

    word: Word
    severity: Severity
    reason: str = ""

    @property
    def shape(self) -> str:
        """Shape for the word."""
        return SHAPES[self.word]

    @property
    def watermark(self) -> str:
        """Word that plots write over their curves, "" if the curves can be trusted."""
        return self.word if self.word in ("STALE", "DISCONNECTED") else ""


def judge(frame: LiveFrame, now_s: float) -> Liveness:
    """Return the state of the display of `frame` at `now_s`, `time.monotonic()`, s.

    Checked in this order: a source that does not answer, a replay, no run, an ended run, a run that waits for the
    beamline, an open run that is late or silent for too many s.
    """
    feed = frame.feed
    if not feed.connected:
        reason = feed.remark or f"{feed.source} does not answer"
        # With a run, its curves are still on the screen and must be marked as old; without one there is nothing to
        # mark.
        return Liveness(word="STALE" if frame.run else "DISCONNECTED", severity="bad", reason=reason)
    if not feed.live:
        return Liveness(word="REPLAY", severity="warning", reason=feed.source)
    if frame.run is None:
        return Liveness(word="NO RUN", severity="unknown", reason="waiting for a run to start")
    if frame.exit_status is not None:
        return Liveness(word="ENDED", severity="unknown", reason=frame.exit_status)
    if frame.suspension is not None:
        # Silence is what a suspension looks like: no exposure ends while the run waits. The session is heard all the
        # same, or the source would not be connected.
        return Liveness(word="SUSPENDED", severity="warning", reason=_waiting(frame.suspension))
    return _open_run(frame, now_s)


def _waiting(suspension: Suspended) -> str:
    if suspension.since_s is None:
        return suspension.reason
    return f"{suspension.reason}, for {age_text(max(time.time() - suspension.since_s, 0.0))}"


def _open_run(frame: LiveFrame, now_s: float) -> Liveness:
    feed = frame.feed
    if feed.lag_s is not None and feed.lag_s > LAG_S:
        return Liveness(word="STALE", severity="warning", reason=f"documents arrive {age_text(feed.lag_s)} late")
    age_s = document_age_s(frame, now_s)
    if age_s is not None and age_s > quiet_limit_s(frame):
        return Liveness(word="STALE", severity="warning", reason=f"no document for {age_text(age_s)}")
    return Liveness(word="LIVE", severity="good")


def document_age_s(frame: LiveFrame, now_s: float) -> float | None:
    """Return the age of the last document, s; None before the first."""
    last = frame.feed.last_document_at
    return None if last is None else max(now_s - last, 0.0)


def quiet_limit_s(frame: LiveFrame) -> float:
    """Return how long no document may arrive from an open run before it counts as stale, s."""
    start = frame.run.start if frame.run else {}
    dwell_s = start.get("dwell_s", 0.0)
    # Between two documents of a healthy run there is at least one exposure; long ones must not count as silence.
    return max(QUIET_S, DWELLS * float(dwell_s) + QUIET_S) if isinstance(dwell_s, int | float) else QUIET_S
