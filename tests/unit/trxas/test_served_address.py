"""If these fail, a session on a folder that is served looks for its beamline where the server does not have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadcast.relay import RelayAddresses
from trxas.announcements.server_file import ServeLock, ServeState, write_state
from trxas.configuration_options import BeamlineOptions


def test_the_control_system_is_that_of_the_folders_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EPICS_CA_ADDR_LIST", raising=False)

    def addresses(given: str | None = None) -> str:
        options = BeamlineOptions(data=tmp_path, address_list=given)
        return options.configuration().beamline.epics.address_list

    configured = addresses()
    lock = ServeLock(tmp_path)
    relay = RelayAddresses(publish="tcp://p", subscribe="tcp://s", ask="tcp://a")
    state = ServeState(
        pid=1, started_s=0.0, relay=relay, queue_control="", queue_key="", redis="", epics="127.0.0.1:5555"
    )
    write_state(tmp_path, state)
    assert addresses() == "127.0.0.1:5555"
    assert addresses("10.0.0.1") == "10.0.0.1"
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", "10.0.0.2")
    assert addresses() == "10.0.0.2"
    monkeypatch.delenv("EPICS_CA_ADDR_LIST")
    lock.release()
    assert addresses() == configured
