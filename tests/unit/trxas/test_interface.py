"""If this fails, relay and Tiled listen at an address that no window finds, or everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ConfigurationError
from trxas.configuration import load_configuration
from trxas.serve.serving import relay_program
from trxas.serve.tiled_server import tiled_server


def configured(folder: Path, interface: str) -> Path:
    path = folder / "beamline.toml"
    path.write_text(f'extends = "7ID-D"\n[serve]\ninterface = "{interface}"\n')
    return path


@pytest.mark.parametrize("interface", ["0.0.0.0", "", "*", "eth0", "192.0.2.300", "::1", "127.0.0.1:5568"])
def test_anything_but_one_address_is_refused(tmp_path: Path, interface: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[serve\] interface.*give one IPv4 address"):
        load_configuration(configured(tmp_path, interface))


def test_relay_and_tiled_listen_at_the_address(tmp_path: Path) -> None:
    interface = load_configuration(configured(tmp_path, "127.0.0.2")).serve.interface
    relay = relay_program(tmp_path, interface).command
    assert relay[relay.index("--interface") + 1] == "127.0.0.2"
    assert "127.0.0.2" in tiled_server(tmp_path, interface, 8000, "key", images=None).command


def test_everything_listens_on_loopback_by_default() -> None:
    assert load_configuration("7ID-D").serve.interface == "127.0.0.1"


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.9' is no address of this machine"):
        relay_program(tmp_path, "203.0.113.9")
