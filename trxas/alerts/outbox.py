"""Sends alerts in a thread: a mail server that hangs must not hide the next alert."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import TrxasError
from trxas.alerts.sending import send

if TYPE_CHECKING:
    from collections.abc import Callable

    from trxas.alert_settings import AlertChannel, AlertSettings
    from trxas.alerts.rules import Alert

AGAIN_S = (30.0, 300.0)
"""Pauses before the second and the third attempt to send an alert, s; after these it is given up."""

POLL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class _Letter:
    """One alert by one channel: `due_s` is the time of the next attempt, `time.monotonic()`, s."""

    alert: Alert
    channel: AlertChannel
    attempt: int = 0
    due_s: float = 0.0


class Outbox:
    """Sends alerts by every channel of `settings`; `say` gets a line for everything that was sent or failed."""

    def __init__(
        self, settings: AlertSettings, say: Callable[[str], object], pauses_s: tuple[float, ...] = AGAIN_S
    ) -> None:
        self._settings = settings
        self._say = say
        self._pauses_s = pauses_s
        self._given: queue.SimpleQueue[_Letter] = queue.SimpleQueue()
        self._waiting: list[_Letter] = []
        # A daemon: an attempt under way must not keep the process from ending.
        threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def put(self, alert: Alert) -> None:
        """Send an alert in the background."""
        for channel in self._settings.send:
            self._given.put(_Letter(alert=alert, channel=channel))

    def _run(self) -> None:
        while True:
            with contextlib.suppress(queue.Empty):
                self._waiting.append(self._given.get(timeout=POLL_S))
            now_s = time.monotonic()
            # Letters wait here and not in a sleep, so that a webhook that is down does not delay a mail.
            due = [letter for letter in self._waiting if letter.due_s <= now_s]
            self._waiting = [letter for letter in self._waiting if letter.due_s > now_s]
            for letter in due:
                self._attempt(letter)

    def _attempt(self, letter: _Letter) -> None:
        try:
            send(self._settings, letter.alert, letter.channel)
        except TrxasError as error:
            is_last = letter.attempt >= len(self._pauses_s)
            self._say(f"{letter.channel.value}: {letter.alert.kind.value}: {error}{' Given up.' if is_last else ''}")
            if not is_last:
                due_s = time.monotonic() + self._pauses_s[letter.attempt]
                again = _Letter(alert=letter.alert, channel=letter.channel, attempt=letter.attempt + 1, due_s=due_s)
                self._waiting.append(again)
        else:
            self._say(f"{letter.channel.value}: {letter.alert.kind.value}: sent: {letter.alert.text}")
