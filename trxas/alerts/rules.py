"""Rules that decide on alerts from documents, a clock and free space, without sending anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gui.quantity_text import duration_text
from reduction.events import SUSPENSION, events_of
from reduction.goal_text import goal_text
from reduction.number_text import with_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reduction.run_kind import Headline
    from trxas.alert_settings import AlertSettings

JET = "jet_flow"
"""Name of the condition on the jet, as it stands in the reason of a suspension."""

OLD_S = 120.0
"""Documents that are older when they arrive, s, are history, which the relay sends to every new subscriber."""

SILENT_S = 60.0
"""The session of an open run is reported when it has been silent for this long, s."""


class AlertKind(StrEnum):
    """Kinds of alerts."""

    SUSPENDED = "suspended"
    JET = "jet stopped"
    AIM = "aim reached"
    DISK = "disk low"
    FAILED = "run failed"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert: its kind, and what has happened, in sentences."""

    kind: AlertKind
    text: str


class Rules:
    """The rules of `settings`, for one series of documents; nothing is sent here.

    Feed `take` with every document, and call `tick` and `aim` now and then. Every cause is reported once: a suspension
    again only after another one has begun, a full disk only after there was room again.
    """

    # All that is remembered belongs to the latest run, except the disk. Times are those of the documents, Unix time in
    # s, so that a suspension that began before this process was started counts from its true beginning.

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings
        self._run = ""
        self._is_open = False
        self._start: Mapping[str, Any] = {}
        self._streams: set[str] = set()
        self._waiting_since_s: float | None = None
        self._reason = ""
        self._reported: set[AlertKind] = set()
        self._silent_since_s: float | None = None
        self._disk_is_low = False

    def take(self, name: str, doc: Mapping[str, Any], now_s: float) -> Iterator[Alert]:
        """Take one document at `now_s`, Unix time, s; yield what it is an alert for."""
        if name == "start":
            self._begin(doc)
        elif name == "descriptor" and doc.get("name") == SUSPENSION:
            self._streams.add(str(doc["uid"]))
        elif name in ("event", "event_page") and doc["descriptor"] in self._streams:
            for event in events_of(name, doc):
                yield from self._suspension(event, now_s)
        elif name == "stop":
            yield from self._end(doc, now_s)

    def tick(self, now_s: float, *, free_mb: float, session_is_heard: bool) -> Iterator[Alert]:
        """Yield what has become an alert by `now_s`, Unix time, s, with `free_mb` MB free in the data folder."""
        limit_s = 60.0 * self._settings.suspended_min
        waiting_s = 0.0 if self._waiting_since_s is None else now_s - self._waiting_since_s
        if self._waiting_since_s is not None and 0.0 < limit_s <= waiting_s and self._is_new(AlertKind.SUSPENDED):
            text = f"{self._run} has waited for {duration_text(waiting_s)}: {self._reason}"
            yield Alert(kind=AlertKind.SUSPENDED, text=text)
        yield from self._disk(free_mb)
        yield from self._silence(now_s, is_heard=session_is_heard)

    def aim(self, headline: Headline | None) -> Iterator[Alert]:
        """Yield an alert if the error of a result has fallen below `aim_percent` of it; once per run."""
        share = self._settings.aim_percent / 100.0
        if headline is None or not share or not self._is_open:
            return
        value = headline.value
        if 0.0 < value.sigma <= share * abs(value.value) and self._is_new(AlertKind.AIM):
            number = with_error(value.value, value.sigma, headline.unit)
            percent = 100.0 * value.sigma / abs(value.value)
            text = f"{self._run}: {headline.quantity} = {number}, an error of {percent:.2g} %"
            yield Alert(kind=AlertKind.AIM, text=text)

    def _begin(self, start: Mapping[str, Any]) -> None:
        number = start.get("scan_id")
        parts = (f"scan {number}" if number is not None else str(start["uid"])[:8], start.get("sample"))
        plan = str(start.get("plan_name", "")).replace("_", " ")
        self._run = " · ".join(str(part) for part in (*parts, start.get("edge"), plan) if part)
        self._is_open = True
        self._start = start
        # A new run ends whatever was true of the last run, also if that never got a stop document.
        self._streams.clear()
        self._reported.clear()
        self._waiting_since_s = self._silent_since_s = None

    def _suspension(self, event: Mapping[str, Any], now_s: float) -> Iterator[Alert]:
        data = event["data"]
        if not data["suspended"]:
            self._waiting_since_s = None
            # The run continues: the next suspension is a new cause.
            self._reported -= {AlertKind.SUSPENDED, AlertKind.JET}
            return
        self._waiting_since_s = float(event["time"])
        self._reason = str(data["reason"])
        is_recent = now_s - self._waiting_since_s < OLD_S
        if JET in self._reason and self._settings.jet_stopped and is_recent and self._is_new(AlertKind.JET):
            yield Alert(kind=AlertKind.JET, text=f"{self._run} waits for the jet: {self._reason}")

    def _end(self, stop: Mapping[str, Any], now_s: float) -> Iterator[Alert]:
        self._waiting_since_s = None
        self._is_open = False
        is_recent = now_s - float(stop["time"]) < OLD_S
        if is_recent and self._settings.early_end and self._ended_early(stop) and self._is_new(AlertKind.AIM):
            known = goal_text(self._start["until"])
            yield Alert(kind=AlertKind.AIM, text=f"{self._run} has ended early: {known}, as requested.")
        if (
            stop.get("exit_status") == "fail"
            and self._settings.run_failed
            and is_recent
            and self._is_new(AlertKind.FAILED)
        ):
            reason = str(stop.get("reason", "")) or "no reason was recorded"
            yield Alert(kind=AlertKind.FAILED, text=f"{self._run} has failed: {reason}")

    def _ended_early(self, stop: Mapping[str, Any]) -> bool:
        """Return whether a run that counts until a result is known has ended by itself before all of its exposures."""
        # The start document states the most exposures that such a run may take.
        measured = (stop.get("num_events") or {}).get("primary", 0)
        most = self._start.get("num_points") or 0
        return bool(self._start.get("until")) and stop.get("exit_status") == "success" and measured < most

    def _disk(self, free_mb: float) -> Iterator[Alert]:
        limit = self._settings.disk_below_mb
        is_low = free_mb < limit
        if is_low and not self._disk_is_low:
            yield Alert(
                kind=AlertKind.DISK, text=f"{free_mb:.0f} MB are free in the data folder, fewer than {limit:g} MB."
            )
        # A disk that hovers about the limit is reported once, and again after a tenth more than the limit was free.
        self._disk_is_low = is_low or (self._disk_is_low and free_mb < 1.1 * limit)

    def _silence(self, now_s: float, *, is_heard: bool) -> Iterator[Alert]:
        if is_heard or not self._is_open:
            self._silent_since_s = None
            return
        # Counted from the first turn without the session, not from the last document: an exposure may take minutes.
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        silent_s = now_s - self._silent_since_s
        if silent_s >= SILENT_S and self._settings.run_failed and self._is_new(AlertKind.FAILED):
            text = f"{self._run} is open, but its session has been silent for {duration_text(silent_s)}."
            yield Alert(kind=AlertKind.FAILED, text=text)

    def _is_new(self, kind: AlertKind) -> bool:
        """Return whether this kind has not been reported yet for its present cause, and note that it is now."""
        is_new = kind not in self._reported
        self._reported.add(kind)
        return is_new
