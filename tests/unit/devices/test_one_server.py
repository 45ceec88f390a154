"""If these fail, a delay whose PVs are on two servers moves before its position of the exposure is read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from epics import ca

from devices.signals.connection import one_server


def _signal(host: str, *, connected: bool = True) -> Any:
    channel = SimpleNamespace(chid=host)
    return SimpleNamespace(connected=connected, _read_pv=channel, _write_pv=channel)


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host of a channel is its identifier."""
    monkeypatch.setattr(ca, "host_name", lambda chid: chid)


def test_all_signals_of_one_server() -> None:
    assert one_server([_signal("ioc:5064"), _signal("ioc:5064")])


def test_two_servers_are_not_one() -> None:
    assert not one_server([_signal("ioc:5064"), _signal("ioc:5066")])


def test_a_signal_that_is_not_connected_may_be_anywhere() -> None:
    assert not one_server([_signal("ioc:5064"), _signal("ioc:5064", connected=False)])


def test_without_signals_there_is_no_server() -> None:
    assert not one_server([])
