"""Commands that take time: send one and wait for it alone."""

from __future__ import annotations

from typing import Any

from bluesky.utils import Msg, short_uid

from plans.types import Plan


def send_and_wait(command: str, device: Any, *args: Any) -> Plan:
    """Send `command` ("set" or "trigger") to `device` and wait until it is done; raises FailedStatus if it fails.

    The group has a new name each time. If a status fails before its wait, the engine throws the error at once, but
    leaves the status in its group: with one name for all, every later wait would fail with the old error.
    """
    group = short_uid(command)
    yield Msg(command, device, *args, group=group)
    yield Msg("wait", None, group=group)
