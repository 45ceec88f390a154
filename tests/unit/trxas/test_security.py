"""If these fail, somebody else on the machine, or in the network, reads the data or moves the beamline."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from errors import StorageError
from tests.support.waiting import WAIT_S
from trxas.serve.keys import KEYS, QUEUE_VARIABLE, TILED_VARIABLE, keys_of
from trxas.serve.same_user import is_of_same_user

NOBODY = 65_534


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (TILED_VARIABLE, QUEUE_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    assert keys_of(tmp_path) == keys
    assert (tmp_path / KEYS).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEYS]
    assert len(keys.tiled) >= 64
    (tmp_path / "other").mkdir()
    assert keys_of(tmp_path / "other").tiled != keys.tiled
    assert keys_of(tmp_path / "other").queue_public != keys.queue_public


def test_keys_are_not_shown_by_whatever_prints_them(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    assert keys.tiled not in repr(keys)
    assert keys.queue_private not in repr(keys)


def test_keys_of_the_environment_come_first_and_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: a key that is kept elsewhere with care, to a file in a data folder."""
    private = zmq.curve_keypair()[1].decode()
    monkeypatch.setenv(TILED_VARIABLE, "kept elsewhere")
    monkeypatch.setenv(QUEUE_VARIABLE, private)
    keys = keys_of(tmp_path)
    assert (keys.tiled, keys.queue_private) == ("kept elsewhere", private)
    written = (tmp_path / KEYS).read_text()
    assert "kept elsewhere" not in written
    assert private not in written


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_keys_that_others_can_read_are_no_keys(tmp_path: Path, mode: int) -> None:
    keys_of(tmp_path)
    (tmp_path / KEYS).chmod(mode)
    with pytest.raises(StorageError, match=rf"read by others \(mode {mode:o}\)\. Remove the file"):
        keys_of(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tiled": "a", "queue_private": "short"}'])
def test_a_damaged_file_of_keys_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / KEYS
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(StorageError, match=r"cannot be read\. Remove the file"):
        keys_of(tmp_path)


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, tuple[str, int]]]:
    """A client's socket, and the address it is connected to."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        yield client, server.getsockname()


def test_connections_of_other_users_are_told_from_ours(
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
    """Lost: who fills the queue behind the queue server's back runs plans without its key."""
    refused = ask(redis_port, NOBODY)
    assert refused == "b''" or "ConnectionResetError" in refused
