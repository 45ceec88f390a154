"""If these fail, somebody else on the machine, or in the network, reads the data or moves the beamline."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.waiting import WAIT_S
from trxas.serve.keys import QUEUE_VARIABLE, TILED_VARIABLE
from trxas.serve.same_user import is_of_same_user

NOBODY = 65_534


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (TILED_VARIABLE, QUEUE_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, tuple[str, int]]]:
    """A client's socket, and the address it is connected to."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        yield client, server.getsockname()


def test_connections_of_other_users_are_distinguished_from_ours(
    connection: tuple[socket.socket, tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = connection
    address = client.getsockname()
    assert is_of_same_user(address, server)
    assert not is_of_same_user(("127.0.0.2", address[1]), server), "no such connection"
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert not is_of_same_user(address, server)


ASK = """
import encodings.idna, os, socket, sys
os.setuid(int(sys.argv[2]))
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30) as connection:
    connection.sendall(b"*1\\r\\n$4\\r\\nPING\\r\\n")
    print(connection.recv(100))
"""


@pytest.fixture
def redis_port() -> Iterator[str]:
    """The port of a stand-in for Redis, a process of its own."""
    command = [sys.executable, "-m", "trxas.serve.redis_stand_in"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rpartition(":")[2]
        process.communicate(timeout=WAIT_S)


def ask(port: str, user: int) -> str:
    """What the stand-in answers to a user, or why it does not."""
    command = [sys.executable, "-c", ASK, port, str(user)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_the_queue_in_memory_serves_its_own_user(redis_port: str) -> None:
    assert ask(redis_port, os.getuid()) == r"b'+PONG\r\n'"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can ask as somebody else")
def test_the_queue_in_memory_serves_nobody_else(redis_port: str) -> None:
    """Lost: anyone who fills the queue behind the queue server's back runs plans without its key."""
    refused = ask(redis_port, NOBODY)
    assert refused == "b''" or "ConnectionResetError" in refused
