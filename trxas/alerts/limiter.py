"""Limit on repeated alerts: a beamline that flickers must not send a hundred."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trxas.alert_settings import AlertSettings
    from trxas.alerts.rules import Alert, AlertKind

HOUR_S = 3600.0


class Limiter:
    """Lets an alert through if the last one of its kind is old enough, and if the hour has room for it."""

    def __init__(self, settings: AlertSettings) -> None:
        self._pause_s = 60.0 * settings.pause_min
        self._most = settings.most_per_hour
        self._sent_s: deque[float] = deque()
        self._last_s: dict[AlertKind, float] = {}
        self._held_back: Counter[AlertKind] = Counter()

    def passed(self, alert: Alert, now_s: float) -> Alert | None:
        """Return the alert to send at `now_s`, s, with the number of those that were held back, or None."""
        while self._sent_s and now_s - self._sent_s[0] >= HOUR_S:
            self._sent_s.popleft()
        last_s = self._last_s.get(alert.kind)
        if len(self._sent_s) >= self._most or (last_s is not None and now_s - last_s < self._pause_s):
            # What is held back is counted: the next alert of this kind states the number, so nothing is lost silently.
            self._held_back[alert.kind] += 1
            return None
        self._sent_s.append(now_s)
        self._last_s[alert.kind] = now_s
        held_back = self._held_back.pop(alert.kind, 0)
        more = f" ({held_back} more of this kind were held back since the last one.)" if held_back else ""
        return replace(alert, text=alert.text + more)
