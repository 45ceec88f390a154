"""If this fails, the device panel shows dead PVs as alive."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gui.status.item import ShownItem, shown
from gui.status.monitors import ChannelAccessStatus
from tests.support.waiting import until
from trxas.configuration import load_configuration
from trxas.window.status_items import status_items

pytestmark = pytest.mark.channel_access
MACRO = "window:"


def test_devices_are_read_and_missed(start_ioc: Any, tmp_path: Path) -> None:
    """If this fails, the window shows the last values of an IOC that is gone as if it were there."""
    items = status_items(load_configuration(prefix=MACRO, data=tmp_path))
    with start_ioc("-m", "sim", "--macro", MACRO):
        source = ChannelAccessStatus(items)

        def states() -> dict[str, ShownItem]:
            return {item.label: shown(item, source.reading(item), time.monotonic()) for item in items}

        until(lambda: all(state.severity != "unknown" for state in states().values()), states)
        found = states()
        assert found["energy"].value.endswith("eV")
        assert found["laser lock"].word == "LOCKED"
        assert found["laser shutter"].word in ("OPEN", "CLOSED")
    until(lambda: {state.word for state in states().values()} == {"DISCONNECTED"}, states)
    assert states()["energy"].value == found["energy"].value
    source.close()
