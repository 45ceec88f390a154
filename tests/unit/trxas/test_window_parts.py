"""If these fail, the window reads runs and devices from a server that no longer serves the data folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from broadcast.relay import RelayAddresses
from trxas.announcements.server_file import ServeLock, ServeState, write_state
from trxas.configuration import Configuration, load_configuration
from trxas.window.docks import CurrentStore, control_system

STATE = ServeState(
    pid=1,
    started_s=time.time(),
    relay=RelayAddresses(publish="p", subscribe="s", ask="a"),
    queue_control="",
    queue_key="",
    redis="",
    epics="127.0.0.1:5064",
)


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_configuration(data=tmp_path)


def test_the_browser_reads_through_the_server_of_the_moment(configuration: Configuration, tmp_path: Path) -> None:
    """If this fails, a window opened before its server shares the catalogue's file with it, and both wait."""
    stores = CurrentStore(configuration.storage)
    alone = stores()
    assert stores() is alone
    lock = ServeLock(tmp_path)
    write_state(tmp_path, replace(STATE, tiled="http://127.0.0.1:1", tiled_key="first"))
    served = stores()
    assert served is not alone
    assert stores() is served
    write_state(tmp_path, replace(STATE, tiled="http://127.0.0.1:2", tiled_key="second"))
    assert stores() is not served
    lock.release()
    stores.close()


def test_devices_are_found_at_the_servers_address_unless_another_is_given(
    configuration: Configuration, tmp_path: Path
) -> None:
    by_server, told = control_system(configuration, None), control_system(configuration, "127.0.0.1:9")
    assert by_server() is None
    lock = ServeLock(tmp_path)
    write_state(tmp_path, STATE)
    assert (by_server(), told()) == (STATE.epics, "127.0.0.1:9")
    lock.release()
    assert (by_server(), told()) == (None, "127.0.0.1:9")
