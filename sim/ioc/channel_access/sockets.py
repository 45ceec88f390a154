"""The sockets of a Channel Access server: one TCP and one UDP socket per interface, both on the same port."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sim.errors import PortTakenError

SocketPair: TypeAlias = tuple[socket.socket, socket.socket]
"""TCP socket for circuits and UDP socket for searches of one interface."""

LOOPBACK = "127.0.0.1"

PORT_ATTEMPTS = 20
"""Number of attempts to find a port that is free for both TCP and UDP."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server listens.

    `interfaces` are local addresses. `port` serves both searches (UDP) and circuits (TCP), 0 takes a free one. With
    `other_port`, circuits are on a free port and only searches on `port`.
    """

    interfaces: Sequence[str] = (LOOPBACK,)
    port: int = 0
    other_port: bool = False


ANY_PORT = Address()
"""Any free port of the loopback interface."""


def bind_sockets(address: Address) -> list[SocketPair]:
    """Return a listening TCP and a bound UDP socket per interface of `address`.

    Port 0 finds a port that is free for both. Raises PortTakenError if the port is not available.
    """
    # The system only promises a port that is free for one of the two protocols: the other one may be taken.
    for _ in range(PORT_ATTEMPTS - 1 if address.port == 0 else 0):
        with contextlib.suppress(PortTakenError):
            return _bind_all(address)
    return _bind_all(address)


def _bind_all(address: Address) -> list[SocketPair]:
    bound: list[SocketPair] = []
    opened: list[socket.socket] = []
    port = address.port
    try:
        for interface in address.interfaces:
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened += [tcp, udp]
            # Port 0 becomes a number with the first interface; all others take the same one.
            port = _bind_pair((tcp, udp), interface, port, other_port=address.other_port)
            bound.append((tcp, udp))
    except OSError as error:
        for sock in opened:
            sock.close()
        raise PortTakenError(interface, port, error.strerror or str(error)) from error
    return bound


def _bind_pair(pair: SocketPair, interface: str, port: int, *, other_port: bool) -> int:
    """Bind both sockets, to the same port unless `other_port`, and return the port of the searches.

    Listening at once keeps a second server from sharing the port.
    """
    tcp, udp = pair
    for sock in pair:
        sock.settimeout(0)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((interface, 0 if other_port else port))
    tcp.listen(128)
    udp.bind((interface, port if other_port else tcp.getsockname()[1]))
    return int(udp.getsockname()[1])
