"""PVs for which two servers answer: libca takes either, and only prints a warning."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from trxas.commands.network_troubles import CA_PORT, hosts_of
from trxas.commands.trouble import Trouble

ANSWER_S = 0.5
"""Servers answer a search within milliseconds; the search ends when none has answered for this time, s."""

_HEADER = struct.Struct("!HHHHII")
"""Header of a message of Channel Access: command, payload size, data type, count, two parameters."""

_VERSION = _HEADER.pack(0, 0, 0, 13, 0, 0)
_SEARCH = 6
_NO_REPLY_IF_UNKNOWN = 5
_ADDRESS_OF_SENDER = 0xFFFFFFFF
_MOST_BYTES = 1400
"""A datagram that is longer would be cut into pieces on its way, and some firewalls drop those."""


def two_servers(answers: Mapping[str, Iterable[str]]) -> Iterator[Trouble]:
    """Yield a fault for each group of servers that answer for the same PVs; `answers`: the servers of each PV."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, servers in answers.items():
        groups.setdefault(tuple(sorted(set(servers))), []).append(name)
    for servers, names in groups.items():
        if len(servers) > 1:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield Trouble(
                subject="two servers",
                text=f"{' and '.join(servers)} both answer for {names[0]}{more}; a session would use either.",
                remedy="Stop the IOC that is not meant, or list only the other one. One IOC in two networks has two "
                "addresses: list one of them.",
            )


def find_servers(names: Sequence[str], address_list: str, server_port: int = CA_PORT) -> dict[str, set[str]]:
    """Search all `names` at every address of the list; return the servers, "host:port", that answer for each.

    Addresses that cannot be reached are left out. Takes 0.5 s longer than the slowest answer.
    """
    found: dict[str, set[str]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as searching:
        searching.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        searching.settimeout(ANSWER_S)
        for host, port in hosts_of(address_list):
            for datagram in _datagrams(names):
                with contextlib.suppress(OSError):
                    searching.sendto(datagram, (host, port or server_port))
        # A server that answers again and again must not keep the doctor waiting.
        last_s = time.monotonic() + 10 * ANSWER_S
        while time.monotonic() < last_s:
            try:
                datagram, (sender, _) = searching.recvfrom(65536)
            except TimeoutError:
                break
            except OSError:  # a host without an IOC refuses; the others may still answer
                continue
            for number, server in _answers(datagram, sender):
                if number < len(names):
                    found.setdefault(names[number], set()).add(server)
    return found


def _datagrams(names: Sequence[str]) -> Iterator[bytes]:
    datagram = _VERSION
    for number, name in enumerate(names):
        payload = name.encode() + b"\0"
        payload += b"\0" * (-len(payload) % 8)
        message = _HEADER.pack(_SEARCH, len(payload), _NO_REPLY_IF_UNKNOWN, 13, number, number) + payload
        if len(datagram) + len(message) > _MOST_BYTES:
            yield datagram
            datagram = _VERSION
        datagram += message
    yield datagram


def _answers(datagram: bytes, sender: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each name that a datagram answers, and the server, "host:port"."""
    place = 0
    while place + _HEADER.size <= len(datagram):
        command, size, port, _, address, number = _HEADER.unpack_from(datagram, place)
        if command == _SEARCH:
            host = sender if address in (0, _ADDRESS_OF_SENDER) else socket.inet_ntoa(struct.pack("!I", address))
            yield number, f"{host}:{port}"
        place += _HEADER.size + size
