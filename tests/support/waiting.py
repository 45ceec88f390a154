"""Waiting in tests: for a condition, and long enough for a machine that has much else to do."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 120.0
"""How long a test waits for an event that comes by itself, s. The wait costs nothing once the event has come."""

WAIT_MS = 120_000
"""The same for Qt, ms."""

COMMAND_S = 1500.0
"""How long a test waits for a command to end, s: enough for the longest one on a machine with four other tasks."""

POLL_S = 0.005


def until(condition: Callable[[], object], what: str | Callable[[], object], timeout_s: float = WAIT_S) -> None:
    """Return when `condition` holds; fails with `what`, or what that returns, after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what() if callable(what) else what}"
        time.sleep(POLL_S)
