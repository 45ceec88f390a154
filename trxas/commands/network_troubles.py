"""Troubles of the network between this machine and the control system: interfaces, routes, firewalls."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import psutil

from trxas.commands.trouble import Trouble

CA_PORT = 5064
"""Port of Channel Access where an address gives none and EPICS_CA_SERVER_PORT is not set."""

CONNECT_S = 2.0
"""A host in a hutch answers within milliseconds; one that is silent for longer is behind a firewall, or off."""

Interface = ipaddress.IPv4Interface


def interfaces_of_machine() -> list[Interface]:
    """Return the IPv4 addresses of this machine with their networks, without loopback."""
    addresses = (one for each in psutil.net_if_addrs().values() for one in each)
    found = [
        Interface(f"{one.address}/{one.netmask}") for one in addresses if one.family == socket.AF_INET and one.netmask
    ]
    return [one for one in found if not one.is_loopback]


def interface_troubles(address_list: str, interfaces: Sequence[Interface]) -> Iterator[Trouble]:
    """Yield the problems that several network interfaces of this machine cause for the address list.

    A broadcast address that no interface has reaches nobody. Two that reach the same IOC make libca warn of PVs on two
    servers, and it takes either.
    """
    # A broadcast leaves through the interface whose network it belongs to; the kernel sends 255.255.255.255 through one
    # of them only.
    broadcasts = [host for host, _ in hosts_of(address_list) if is_broadcast(host, interfaces)]
    own = {str(one.network.broadcast_address) for one in interfaces}
    for host in broadcasts:
        if host != "255.255.255.255" and host not in own:
            yield Trouble(
                subject="interfaces",
                text=f"{host} is the broadcast address of no interface of this machine ({_listed(interfaces)}).",
                remedy="Give the broadcast address of the interface towards the IOCs, or the IOCs' own addresses.",
            )
    reached = [host for host in broadcasts if host in own]
    if len(reached) > 1:
        yield Trouble(
            subject="interfaces",
            text=f"PVs are searched through {len(reached)} interfaces ({', '.join(reached)}).",
            remedy="An IOC that is in both networks is found twice, and either of its addresses is used; list the one "
            "that should be used.",
            is_fault=False,
        )
    if "255.255.255.255" in broadcasts and len(interfaces) > 1:
        yield Trouble(
            subject="interfaces",
            text=f"255.255.255.255 is sent through one of {len(interfaces)} interfaces only ({_listed(interfaces)}).",
            remedy="Give the broadcast address of the interface towards the IOCs instead.",
        )


def silent_hosts(
    address_list: str, server_port: int = CA_PORT, connect: Callable[[str, int], str] | None = None
) -> Iterator[Trouble]:
    """Yield why hosts of the list do not answer; call it when PVs are missing.

    Channel Access searches by UDP and reads by TCP. A connection by TCP tells a host that is off or behind a firewall
    from one without an IOC; where it succeeds and PVs are missing all the same, UDP is blocked or the names are wrong.
    `connect` returns "" or why there is no connection.
    """
    attempt = _connection_problem if connect is None else connect
    for host, port in hosts_of(address_list):
        # TCP cannot connect to a broadcast address, so nothing can be learned about the hosts behind it.
        if is_broadcast(host, ()):
            continue
        if not is_known(host):
            continue  # a fault of its own
        problem = attempt(host, port or server_port)
        yield _silent(host, port or server_port, problem)


def automatic_list(environment: Mapping[str, str], address_list: str) -> Iterator[Trouble]:
    """Yield a note if other programs of this login search elsewhere than trxas, which uses its own list alone."""
    theirs = environment.get("EPICS_CA_ADDR_LIST", "")
    if theirs and sorted(theirs.split()) != sorted(address_list.split()):
        yield Trouble(
            subject="EPICS_CA_ADDR_LIST",
            text=f'The environment has "{theirs}", trxas uses "{address_list}".',
            remedy="Tools such as caget find other PVs than trxas. Set both to the same list, or give --address-list.",
            is_fault=False,
        )


def hosts_of(address_list: str) -> Iterator[tuple[str, int]]:
    """Yield host and port of each address of the list; port 0 where it gives none."""
    for address in address_list.split():
        host, _, port = address.partition(":")
        yield host, int(port) if port.isdecimal() else 0


def is_known(host: str) -> bool:
    """Return whether the name service knows `host`; an IPv4 address is always known."""
    try:
        socket.getaddrinfo(host, None, socket.AF_INET)
    except OSError:
        return False
    return True


def is_broadcast(host: str, interfaces: Iterable[Interface]) -> bool:
    """Return whether `host` is a broadcast address: of an interface, or by its form, ending in 255."""
    return host.endswith(".255") or any(host == str(one.network.broadcast_address) for one in interfaces)


def _silent(host: str, port: int, problem: str) -> Trouble:
    if problem == "refused":
        text = f"{host} answers, but no IOC listens at TCP port {port}."
        remedy = "Start the IOC, or give its port in the address list. Two IOCs on one host have different ports."
        return Trouble(subject="IOC", text=text, remedy=remedy, is_fault=False)
    if problem:
        text = f"{host} does not answer at TCP port {port} ({problem})."
        remedy = "It is off, out of reach of this machine's networks, or a firewall drops TCP and UDP of that port."
        return Trouble(subject="firewall", text=text, remedy=remedy)
    text = f"{host} accepts connections at TCP port {port}, but PVs are missing."
    remedy = (
        f"A firewall drops UDP port {port} or the answers to it, or the PVs have other names: check --prefix and the "
        "configuration."
    )
    return Trouble(subject="firewall", text=text, remedy=remedy, is_fault=False)


def _connection_problem(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    # Refused means that the host is on and reachable: a firewall would have been silent.
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return f"silent for {CONNECT_S:g} s"
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _listed(interfaces: Iterable[Interface]) -> str:
    return ", ".join(str(one) for one in interfaces) or "none besides loopback"
