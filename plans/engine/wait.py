"""Commands that take time, each waited for alone."""

from __future__ import annotations

from typing import Any

from bluesky.utils import Msg, short_uid

from plans.types import Plan


def send_and_wait(command: str, device: Any, *args: Any) -> Plan:
    """Send `command` ("set" or "trigger") to `device` and wait until it is done; raises FailedStatus if it fails.

    The group has a new name each time. If a status fails before its wait, the engine throws that at once and
    keeps the status in its group: with one name for all, every later wait would fail by the old failure.
    """
    group = short_uid(command)
    yield Msg(command, device, *args, group=group)
    yield Msg("wait", None, group=group)
