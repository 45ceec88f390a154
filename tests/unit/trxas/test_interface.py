"""If this fails, relay and Tiled listen at an address that no window finds, or everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ConfigurationError
from trxas.configuration import load_configuration


def configured(folder: Path, interface: str) -> Path:
    path = folder / "beamline.toml"
    path.write_text(f'extends = "7ID-D"\n[serve]\ninterface = "{interface}"\n')
    return path


@pytest.mark.parametrize("interface", ["0.0.0.0", "", "*", "eth0", "192.0.2.300", "::1", "127.0.0.1:5568"])
def test_anything_but_one_address_is_refused(tmp_path: Path, interface: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[serve\] interface.*give one IPv4 address"):
        load_configuration(configured(tmp_path, interface))


def test_everything_listens_on_loopback_by_default() -> None:
    assert load_configuration("7ID-D").serve.interface == "127.0.0.1"
