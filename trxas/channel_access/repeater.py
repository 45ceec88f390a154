"""A Channel Access repeater: `python -m trxas.channel_access.repeater`, for machines without that of EPICS base.

CA clients of one machine share the UDP port on which servers announce themselves; the repeater passes each
announcement on to all of them. libca registers with an empty datagram, which caproto's repeater accepts but never
confirms, so that libca complains after 50 attempts; hence this one. Protocol: EPICS Channel Access specification,
CA_PROTO_RSRV_IS_UP, REPEATER_REGISTER and REPEATER_CONFIRM.
"""

from __future__ import annotations

import os
import socket
import struct
import sys

HEADER = struct.Struct(">HHHHII")
"""Command, payload size, data type, data count, parameters 1 and 2."""

SERVER_IS_UP = 13
CONFIRM = 17
REGISTER = 24

DEFAULT_PORT = 5065

DATAGRAM_BYTES = 65_535

Address = tuple[str, int]


def repeater_port() -> int:
    """Return the UDP port of the repeater: EPICS_CA_REPEATER_PORT, or 5065.

    Raises ValueError if the variable is not a whole number.
    """
    return int(os.environ.get("EPICS_CA_REPEATER_PORT") or DEFAULT_PORT)


class Repeater:
    """A repeater on a bound UDP socket; a client that has ended is dropped when something is sent to it."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._clients: dict[Address, socket.socket] = {}

    def serve_one(self) -> None:
        """Wait for one datagram, and register its sender or pass it on.

        Raises OSError if the socket is closed; a client that has gone is dropped without an error.
        """
        message, sender = self._server.recvfrom(DATAGRAM_BYTES)
        if not message or _command(message) == REGISTER:
            self._register(sender)
        else:
            self._pass_on(_with_origin(message, sender), sender)

    def _register(self, client: Address) -> None:
        # The protocol of the repeater: a client sends an empty datagram or REGISTER from the port on which it listens,
        # the repeater answers CONFIRM to that port and then passes on every announcement of a server. The empty message
        # afterwards is what the repeater of EPICS base sends too; it shows which clients have ended meanwhile.
        if client not in self._clients:
            # A socket per client: only a connected socket reports that its port is closed.
            connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            connected.connect(client)
            self._clients[client] = connected
        (address,) = struct.unpack(">I", socket.inet_aton(client[0]))
        self._server.sendto(HEADER.pack(CONFIRM, 0, 0, 0, 0, address), client)
        self._pass_on(HEADER.pack(0, 0, 0, 0, 0, 0), client)

    def _pass_on(self, message: bytes, sender: Address) -> None:
        for client, connected in list(self._clients.items()):
            if client == sender:
                continue
            try:
                # A connected UDP socket reports that the port of the client is closed, but only at the next send: a
                # client that has ended is dropped then. Nothing else shows its end, and its port may belong to
                # another program later.
                connected.send(message)
            except OSError:
                del self._clients[client]
                connected.close()

    def close(self) -> None:
        """Close the sockets of all clients."""
        for connected in self._clients.values():
            connected.close()
        self._clients.clear()


def _command(message: bytes) -> int | None:
    return HEADER.unpack_from(message)[0] if len(message) >= HEADER.size else None


def _with_origin(message: bytes, sender: Address) -> bytes:
    """Fill in the sender's address where a server has left its own open (0) in an announcement."""
    if _command(message) != SERVER_IS_UP:
        return message
    command, size, revision, port, number, address = HEADER.unpack_from(message)
    if address:
        return message
    (address,) = struct.unpack(">I", socket.inet_aton(sender[0]))
    return HEADER.pack(command, size, revision, port, number, address) + message[HEADER.size :]


def main() -> int:
    """Serve until killed; return 0 at once if another repeater has the port.

    Listens on all interfaces, as announcements are broadcast, or on the address given as argument.
    """
    host = sys.argv[1] if len(sys.argv) > 1 else "0.0.0.0"  # noqa: S104  # see above
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((host, repeater_port()))
        except OSError:
            return 0
        repeater = Repeater(server)
        while True:
            repeater.serve_one()


if __name__ == "__main__":
    sys.exit(main())
