"""The device panel on a real control system: alive, and dead."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gui.status.item import Shown, shown
from gui.status.monitors import ChannelAccessStatus
from trxas.configuration import load_configuration
from trxas.window_items import status_items

pytestmark = pytest.mark.channel_access
MACRO = "window:"


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_devices_are_read_and_missed(start_ioc: Any, tmp_path: Path) -> None:
    """If this fails, the window shows the last values of an IOC that is gone as if it were there."""
    items = status_items(load_configuration(prefix=MACRO, data=tmp_path))
    with start_ioc("-m", "sim", "--macro", MACRO):
        source = ChannelAccessStatus(items)

        def states() -> dict[str, Shown]:
            return {item.label: shown(item, source.reading(item), time.monotonic()) for item in items}

        wait_for(lambda: all(state.severity != "unknown" for state in states().values()))
        found = states()
        assert found["energy"].value.endswith("eV")
        assert found["laser lock"].word == "LOCKED"
        assert found["laser shutter"].word in ("OPEN", "CLOSED")
    wait_for(lambda: {state.word for state in states().values()} == {"DISCONNECTED"})
    assert states()["energy"].value == found["energy"].value
    source.close()
