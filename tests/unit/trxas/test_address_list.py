"""If these fail, a person waits for PVs of a list that nobody can read, and looks for the fault at the beamline."""

from __future__ import annotations

import pytest

from devices.configuration import EpicsSettings
from errors import ConfigurationError
from trxas.channel_access import environment
from trxas.channel_access.address_list import check_address_list


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.0.0.1:5064",
        "ioc7ida  ioc7idd:6064",
        " 10.0.0.255\t10.0.1.255 ",
        "localhost",
        "my_ioc.aps.anl.gov",
    ],
)
def test_lists_that_libca_reads_are_taken(text: str) -> None:
    check_address_list(text)


@pytest.mark.parametrize(
    ("text", "reason", "meant"),
    [
        ("127.0.0.1: 5064", "no space is allowed", "127.0.0.1:5064"),
        ("ioc7ida :5064", "no space is allowed", "ioc7ida:5064"),
        ("ioc7ida : 5064 ioc7idd", "no space is allowed", "ioc7ida:5064 ioc7idd"),
        ("10.0.0.1,10.0.0.2", "not by commas", "10.0.0.1 10.0.0.2"),
        ("10.0.0.1:5064; 10.0.0.2", "not by commas", "10.0.0.1:5064 10.0.0.2"),
        ("tcp://127.0.0.1:5064", "no scheme", "127.0.0.1:5064"),
        ("ca://ioc7ida/", "no scheme", "ioc7ida"),
        ("10.0.0.1\u00a010.0.0.2", r"it holds '\xa0', which no address has", "10.0.0.1 10.0.0.2"),
        ("ioc\u20117ida:5064", r"it holds '\u2011'", "ioc-7ida:5064"),
    ],
)
def test_usual_mistakes_are_explained_and_corrected(text: str, reason: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_address_list(text)
    assert reason in str(raised.value)
    assert f'Probably meant: "{meant}".' in str(raised.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("5064", "a number, not a host"),
        ("ioc7ida:0", "from 1 to 65535"),
        ("ioc7ida:99999", "from 1 to 65535"),
        ("ioc7ida:ca", "from 1 to 65535"),
        ("10.0.0", "four numbers"),
        ("10.0.0.256", "four numbers"),
        ("ioc 7ida?", "not the name of a host"),
        ("[::1]:5064", "has no IPv6 addresses"),
        ("ioc7idü", "it holds"),
    ],
)
def test_other_mistakes_are_explained(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as raised:
        check_address_list(text)
    assert "Probably" not in str(raised.value)


def test_a_session_checks_its_list_before_it_waits() -> None:
    with pytest.raises(ConfigurationError, match="separated by spaces"):
        environment.prepare(EpicsSettings(address_list="10.0.0.1,10.0.0.2"))
