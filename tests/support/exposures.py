"""Exposures made by hand on the fake beamline."""

from __future__ import annotations

import threading

from devices.exposure.event_reader import EventReader
from tests.support.waiting import WAIT_S


def trigger_and_wait(reader: EventReader) -> None:
    """Trigger `reader` and wait until its exposure has ended and everybody who waits for that knows."""
    ended = threading.Event()
    reader.trigger().add_callback(lambda _: ended.set())
    assert ended.wait(WAIT_S)
