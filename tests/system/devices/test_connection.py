"""If these fail, a beamline now and then does not open, because two of its signals share a PV."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ophyd import EpicsSignal, EpicsSignalRO
from ophyd._pyepics_shim import PyepicsShimPV

from devices.signals.connection import wait_connected
from tests.support.waiting import WAIT_S


@pytest.mark.parametrize("late", [EpicsSignalRO, EpicsSignal])
def test_a_signal_that_joins_a_channel_while_it_connects_is_connected_as_well(
    bench: str, monkeypatch: pytest.MonkeyPatch, late: type[EpicsSignalRO]
) -> None:
    """Lost, once in many starts: the wave plate's motor "did not answer within 120 s", though its IOC ran."""
    name = f"{bench}m2.{'VELO' if late is EpicsSignal else 'RBV'}"
    between = threading.Event()
    joined = threading.Event()
    read_access_rights = PyepicsShimPV.force_read_access_rights

    def held_up(channel: PyepicsShimPV) -> Any:
        # The last step before a channel calls itself connected: its callbacks have been called already.
        if channel.pvname == name and not between.is_set():
            between.set()
            assert joined.wait(WAIT_S)
        return read_access_rights(channel)

    monkeypatch.setattr(PyepicsShimPV, "force_read_access_rights", held_up)
    first = EpicsSignalRO(name, name="first")
    assert between.wait(WAIT_S)
    second = late(name, name="second")
    joined.set()
    wait_connected([first, second], WAIT_S)
    assert (first.connected, second.connected) == (True, True)
