"""The one wait loop: for a condition, with a time-out, and with a function to call between checks."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

POLL_S = 0.05
"""Wall time between two checks of a condition that nothing announces."""


def wait_until(
    condition: Callable[[], bool],
    *,
    timeout_s: float = math.inf,
    poll_s: float = POLL_S,
    meanwhile: Callable[[], object] = lambda: None,
    stopping: threading.Event | None = None,
) -> bool:
    """Wait until `condition()` is true; return whether it is, or False after `timeout_s` or once `stopping` is set.

    `meanwhile` is called after each check that fails, and an error in it ends the wait. The condition is checked once
    more when the time is up, in case the process was descheduled for long.
    """
    stopping = stopping or threading.Event()
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return condition()
        meanwhile()
        if stopping.wait(poll_s):
            return False
    return True
