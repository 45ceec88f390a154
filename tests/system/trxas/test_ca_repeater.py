"""If these fail, clients hear late of an IOC that returns, or libca complains in every long session."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from trxas.channel_access.repeater import CONFIRM, HEADER, REGISTER, SERVER_IS_UP, Repeater

LOOPBACK = "127.0.0.1"


def datagram_socket() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind((LOOPBACK, 0))
    found.settimeout(5.0)
    return found


class Bench:
    """A repeater that handles a given number of datagrams."""

    def __init__(self) -> None:
        self.server = datagram_socket()
        self.repeater = Repeater(self.server)

    def tell(self, client: socket.socket, message: bytes) -> None:
        client.sendto(message, self.server.getsockname())
        self.repeater.serve_one()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.repeater.close()
    made.server.close()


def beacon(address: int) -> bytes:
    return HEADER.pack(SERVER_IS_UP, 0, 13, 5064, 7, address)


@pytest.mark.parametrize("registration", [b"", HEADER.pack(REGISTER, 0, 0, 0, 0, 0)], ids=["libca", "others"])
def test_both_ways_of_registering_are_confirmed(bench: Bench, registration: bytes) -> None:
    with datagram_socket() as client:
        bench.tell(client, registration)
        (expected,) = struct.unpack(">I", socket.inet_aton(LOOPBACK))
        assert HEADER.unpack(client.recv(100)) == (CONFIRM, 0, 0, 0, 0, expected)


def test_an_announcement_reaches_every_client_with_its_origin(bench: Bench) -> None:
    with datagram_socket() as first, datagram_socket() as second, datagram_socket() as server:
        for client in (first, second):
            bench.tell(client, b"")
            client.recv(100)
        assert HEADER.unpack(first.recv(100))[0] == 0, "the second registration looks whether the first is there"
        bench.tell(server, beacon(0))
        (origin,) = struct.unpack(">I", socket.inet_aton(LOOPBACK))
        assert {client.recv(100) for client in (first, second)} == {beacon(origin)}
        bench.tell(server, beacon(5))
        assert {client.recv(100) for client in (first, second)} == {beacon(5)}


def test_a_client_that_is_gone_disturbs_no_other(bench: Bench) -> None:
    with datagram_socket() as gone:
        bench.tell(gone, b"")
    with datagram_socket() as client, datagram_socket() as server:
        bench.tell(client, b"")
        assert HEADER.unpack(client.recv(100))[0] == CONFIRM
        for _ in range(3):
            bench.tell(server, beacon(5))
            assert client.recv(100) == beacon(5)
