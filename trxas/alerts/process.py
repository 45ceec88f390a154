"""The alerts of a data folder: `python -m trxas.alerts.process CONFIGURATION ROOT`, until its parent ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from processes.loopback import bypass_proxies
from processes.parent import end_with_parent
from trxas.alerts.outbox import Outbox
from trxas.alerts.watch import AlertWatch
from trxas.configuration import load_configuration
from trxas.watch.sources import live_feed

TURN_S = 1.0


def main() -> None:
    """Watch until the parent ends; what was sent or failed goes to standard output, without secrets."""
    end_with_parent()
    bypass_proxies()
    root = Path(sys.argv[2])
    settings = load_configuration(sys.argv[1]).alerts
    if settings is None or not settings.send:
        return
    outbox = Outbox(settings, _say)
    watch = AlertWatch(settings, root, live_feed(root), outbox.put)
    watch.start()
    _say(f"alerts ready: {', '.join(channel.value for channel in settings.send)}")
    while True:
        watch.turn()
        time.sleep(TURN_S)


def _say(text: str) -> None:
    print(f"{time.strftime('%F %T')} {text}", flush=True)


if __name__ == "__main__":
    main()
