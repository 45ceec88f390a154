"""`trxas gui` that also reports its content, one JSON line every 0.1 s: for tests that kill it.

The arguments are those of `trxas gui`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import trxas.commands.main
from gui.splash import Splash

REPORT_MS, BEAT_MS = 100, 10


class Reporter:
    """Looks at a window as its users do: at what is drawn."""

    def __init__(self, window: Any) -> None:
        from qtpy.QtCore import QTimer

        self._window = window
        self._beat_at, self._longest_s = time.monotonic(), 0.0
        self._timers = [QTimer(window, interval=BEAT_MS), QTimer(window, interval=REPORT_MS)]
        for timer, slot in zip(self._timers, (self._beat, self._report), strict=True):
            timer.timeout.connect(slot)
            timer.start()

    def _beat(self) -> None:
        now = time.monotonic()
        self._longest_s, self._beat_at = max(self._longest_s, now - self._beat_at), now

    def _report(self) -> None:
        window, frame = self._window, self._window.worker.frame
        spectra = window.docks["spectra"].widget()
        curve = spectra.transient.curves.get("transient")
        answers = [frame.answer(request) for request in spectra.requests()]
        devices = window.docks["devices"].widget().table
        said = {
            "uid": frame.run.uid if frame.run else "",
            "events": frame.events,
            "answered": min((answer.events for answer in answers if answer is not None), default=0),
            "exit_status": frame.exit_status,
            "missed": frame.feed.missed,
            "state": window.liveness_bar.state.text(),
            "devices": [devices.text(row, 1) for row in range(devices.rowCount())],
            "mode": spectra.choices.mode,
            "transient": [] if curve is None else [float(value) for value in curve.y],
            "longest_s": self._longest_s,
        }
        self._longest_s = 0.0
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Open the window as the command does, with a reporter beside it."""
    splash: Any = Splash
    finish = splash.finish

    def report(opening: Any, window: Any) -> None:
        finish(opening, window)
        window.reporter = Reporter(window)

    splash.finish = report
    return int(trxas.commands.main.main(["gui", *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
