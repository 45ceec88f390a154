"""If these fail, somebody searches the hardware for a fault that is in the network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trxas.commands.network_troubles import (
    Interface,
    automatic_list,
    hosts_of,
    interface_troubles,
    interfaces_of_machine,
    silent_hosts,
)

OFFICE = Interface("10.1.2.3/24")
BEAMLINE = Interface("192.168.7.20/24")


def answering(problem: str) -> Callable[[str, int], str]:
    return lambda _host, _port: problem


@pytest.mark.parametrize(
    ("address_list", "interfaces", "says"),
    [
        ("127.0.0.1:5064", [], []),
        ("ioc7ida", [OFFICE, BEAMLINE], []),
        ("192.168.7.255", [OFFICE, BEAMLINE], []),
        ("192.168.8.255", [OFFICE, BEAMLINE], ["192.168.8.255 is the broadcast address of no interface"]),
        ("192.168.7.255 10.1.2.255", [OFFICE, BEAMLINE], ["searched through 2 interfaces"]),
        ("255.255.255.255", [OFFICE, BEAMLINE], ["through one of 2 interfaces only"]),
        ("255.255.255.255", [BEAMLINE], []),
    ],
)
def test_broadcast_addresses_fit_the_interfaces(
    address_list: str, interfaces: list[Interface], says: list[str]
) -> None:
    found = [str(one) for one in interface_troubles(address_list, interfaces)]
    assert len(found) == len(says)
    assert all(text in one for text, one in zip(says, found, strict=True))


@pytest.mark.parametrize(
    ("problem", "says", "is_fault"),
    [
        ("refused", "no IOC listens at TCP port 5099", False),
        ("silent for 2 s", "a firewall drops TCP and UDP", True),
        ("", "A firewall drops UDP port 5099", False),
    ],
)
def test_a_silent_host_is_told_from_one_without_an_ioc(problem: str, says: str, is_fault: bool) -> None:
    (found,) = silent_hosts("192.168.7.30:5099 192.168.7.255", connect=answering(problem))
    assert says in str(found)
    assert found.is_fault == is_fault


def test_other_tools_that_search_elsewhere_are_noted() -> None:
    assert list(automatic_list({}, "ioc7ida")) == []
    assert list(automatic_list({"EPICS_CA_ADDR_LIST": "b a"}, "a b")) == []
    (found,) = automatic_list({"EPICS_CA_ADDR_LIST": "elsewhere"}, "ioc7ida")
    assert "caget" in found.remedy


def test_addresses_and_interfaces_are_read() -> None:
    assert list(hosts_of("a:5064 b")) == [("a", 5064), ("b", 0)]
    assert not any(one.is_loopback for one in interfaces_of_machine())
