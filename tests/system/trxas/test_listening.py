"""If these fail, relay and Tiled are not where the configuration puts them, and nothing tells why."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ConfigurationError
from trxas.serve.serving import relay_program
from trxas.serve.tiled_server import tiled_server


def test_relay_and_tiled_listen_at_the_address(tmp_path: Path) -> None:
    relay = relay_program(tmp_path, "127.0.0.2").command
    assert relay[relay.index("--interface") + 1] == "127.0.0.2"
    assert "127.0.0.2" in tiled_server(tmp_path, "127.0.0.2", 8000, "key", images=None).command


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.9' is not an address of this machine"):
        relay_program(tmp_path, "203.0.113.9")
