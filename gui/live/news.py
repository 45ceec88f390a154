"""The differences between the frames of a run, in words: what a log shows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gui.live.frame import LiveFrame
from gui.live.rejection import Rejection
from gui.live.suspended import Suspended
from gui.live.words import progress_text, run_text

ONE_BY_ONE = 5
"""Up to this many exposures rejected at once get a line each; more are counted by their reasons."""


@dataclass(frozen=True, kw_only=True)
class News:
    """One line of a log: a sentence, and the Unix time of what it reports, None for the present."""

    sentence: str
    time_s: float | None = None

    def line(self) -> str:
        """Return local time and sentence; another day than today is named."""
        now = time.localtime()
        then = now if self.time_s is None else time.localtime(self.time_s)
        clock = time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%b %d %H:%M:%S", then)
        return f"{clock}  {self.sentence}"


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Record of what the log has already written about the source and the run."""

    uid: str = ""
    rejected: int = 0
    exit_status: str | None = None
    suspension: Suspended | None = None
    connected: bool = True
    live: bool = True
    missed: int = 0
    remark: str = ""
    source: str = ""


class FrameNews:
    """The differences between successive frames, in sentences; call it with every frame.

    A view that opens late gets what has happened before with the times at which it happened.
    """

    def __init__(self) -> None:
        self._seen = _Seen()

    def __call__(self, frame: LiveFrame) -> list[News]:
        """Return the news since the previous frame."""
        # Only differences between two frames are news. Frames may be skipped, since a window shows at most 30 per
        # second, so counts are compared instead of events counted: three exposures rejected between two frames are
        # three, whichever frames were seen.
        before = self._seen
        now = _seen(frame)
        self._seen = now
        return [*(News(sentence=one) for one in _feed_news(before, now)), *_run_news(before, now, frame)]


def _seen(frame: LiveFrame) -> _Seen:
    feed = frame.feed
    uid = frame.run.uid if frame.run else ""
    return _Seen(
        uid=uid,
        rejected=frame.rejected,
        exit_status=frame.exit_status,
        suspension=frame.suspension,
        connected=feed.connected,
        live=feed.live,
        missed=feed.missed,
        remark=feed.remark,
        source=feed.source,
    )


def _feed_news(before: _Seen, now: _Seen) -> list[str]:
    news = []
    if now.source != before.source:
        news.append(f"Source: {now.source}" + ("" if now.live else " (replay)"))
    # The remark states why a source does not answer; one line is enough.
    new_remark = now.remark if now.remark != before.remark else ""
    if now.connected != before.connected and not (new_remark and not now.connected):
        news.append("The source answers." if now.connected else "The source does not answer.")
    if now.missed > before.missed:
        news.append(f"{now.missed - before.missed} documents were lost and could not be recovered.")
    if new_remark:
        news.append(new_remark)
    return news


def _run_news(before: _Seen, now: _Seen, frame: LiveFrame) -> list[News]:
    if frame.run is None:
        return []
    name = run_text(frame.run)
    news = []
    other = now.uid != before.uid
    if other:
        news.append(News(sentence=f"{name}: started", time_s=frame.run.time_s))
    # Frames skip events, so rejections are counted by difference; a new run begins from 0.
    rejected = now.rejected - (0 if other else before.rejected)
    if rejected > 0:
        found = _rejected(rejected, frame.rejections[-rejected:])
        news += [replace(one, sentence=f"{name}: {one.sentence}") for one in found]
    if now.suspension is not None and now.suspension != before.suspension:
        sentence = f"{name}: suspended, {now.suspension.reason}"
        news.append(News(sentence=sentence, time_s=now.suspension.since_s))
    if before.suspension is not None and now.suspension is None and not other and now.exit_status is None:
        news.append(News(sentence=f"{name}: continues"))
    if now.exit_status is not None and (other or before.exit_status is None):
        ended = f"{name}: ended, {now.exit_status}, after {progress_text(frame)}"
        news.append(News(sentence=ended, time_s=frame.ended_s))
    return news


def _rejected(number: int, latest: Sequence[Rejection]) -> list[News]:
    """Return which of `number` exposures were rejected and why, or only their counts by reason.

    `latest` may not include all of them.
    """
    # Rejections come in bursts: a beam dump rejects every exposure for minutes. A line for each would push everything
    # else out of the log; so a burst is counted by its reasons. The worker holds the latest 200 rejections, older ones
    # of the burst are known by their number only.
    if number <= min(ONE_BY_ONE, len(latest)):
        return [News(sentence=f"{_place(one)} rejected: {_words(one.reasons)}", time_s=one.time_s) for one in latest]
    reasons = Counter(_words(one.reasons) for one in latest)
    counted = [f"{count} for {reason}" for reason, count in reasons.most_common()]
    others = [f"{number - len(latest)} before these"] if number > len(latest) else []
    sentence = f"{number} exposures rejected: {'; '.join([*counted, *others])}"
    return [News(sentence=sentence, time_s=latest[-1].time_s if latest else None)]


def _place(one: Rejection) -> str:
    if one.point is None:
        return f"exposure {one.event}"
    return f"point {one.point}" + (f" of pass {one.scan}" if one.scan is not None else "")


def _words(reasons: str) -> str:
    return reasons.replace("_", " ").replace(",", ", ").replace(",  ", ", ")
