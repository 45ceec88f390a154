"""If these fail, servers of this machine are asked through a proxy, which does not know them, and seem not to start."""

from __future__ import annotations

import os

import pytest

from processes.loopback import VARIABLES, bypass_proxies, is_loopback


def test_hosts_that_the_user_named_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "aps.anl.gov, 10.0.0.1")
    monkeypatch.setenv("no_proxy", "localhost")
    bypass_proxies()
    bypass_proxies()
    for variable in VARIABLES:
        assert os.environ[variable] == "aps.anl.gov,10.0.0.1,localhost,127.0.0.1,::1"


def test_a_further_host_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")
    bypass_proxies("192.0.2.7")
    assert os.environ["no_proxy"] == "127.0.0.1,localhost,::1,192.0.2.7"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost/api", True),
        ("http://[::1]:8000", True),
        ("http://127.1.2.3", True),
        ("https://tiled.aps.anl.gov", False),
        ("http://10.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_this_machine_is_recognised(uri: str, expected: bool) -> None:
    assert is_loopback(uri) == expected
