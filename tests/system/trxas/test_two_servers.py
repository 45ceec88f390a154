"""If these fail, `trxas doctor` calls a beamline sound whose names two IOCs answer for."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from trxas.commands.two_servers import find_servers, two_servers


@pytest.fixture
def server() -> Iterator[Callable[..., str]]:
    """Function that starts a server, which answers searches for all PVs but those it lacks, and returns its address."""
    sockets: list[socket.socket] = []

    def start(lacks: int) -> str:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", 0))
        sockets.append(one)
        port = one.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    datagram, client = one.recvfrom(65536)
                    place = 16
                    while place < len(datagram):
                        _, size, _, _, _, number = struct.unpack_from("!HHHHII", datagram, place)
                        place += 16 + size
                        if number != lacks:
                            answer = struct.pack("!HHHHIIQ", 6, 8, port, 0, 0xFFFFFFFF, number, 0)
                            one.sendto(answer, client)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{port}"

    yield start
    for one in sockets:
        one.close()


def test_pvs_of_two_servers_are_a_fault(server: Callable[..., str]) -> None:
    """If this fails, a session moves the axes of a test IOC that somebody forgot to stop, or those of the beamline."""
    first, second = server(lacks=-1), server(lacks=0)
    names = [f"7idd:a:name:of:usual:length:{number}" for number in range(100)]
    found = find_servers(names, f"{first} {second} 127.0.0.1:1")
    assert found[names[0]] == {first}
    assert all(found[name] == {first, second} for name in names[1:])
    (trouble,) = two_servers(found)
    assert f"both answer for {names[1]} and 98 more" in trouble.text
    assert trouble.is_fault
    assert list(two_servers({"a": {first}})) == []
