"""Ports for the Channel Access servers of one pytest process."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

LOOPBACK = "127.0.0.1"

FIRST_PORT = 20_480
LAST_PORT = 30_720
"""Below the ports that Linux hands out by itself (32768 and up), so that no client's socket takes one of these."""

BLOCK = 16
"""Ports per pytest process."""


class CaPorts:
    """A block of ports that no other pytest process uses; its first one is held bound as the sign of that."""

    def __init__(self) -> None:
        blocks = range(FIRST_PORT, LAST_PORT, BLOCK)
        start = os.getpid() % len(blocks)
        for first in [*blocks[start:], *blocks[:start]]:
            self._lock = socket.socket()
            if _bound(self._lock, first) and all(_free(port) for port in range(first + 1, first + BLOCK)):
                break
            self._lock.close()
        else:
            raise RuntimeError(f"no {BLOCK} free ports in a row from {FIRST_PORT} to {LAST_PORT}")
        self.repeater = first + 1
        self.servers = list(range(first + 2, first + BLOCK))
        self._unclaimed = list(self.servers)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[int]:
        """A port for one server; libca in this process searches there."""
        port = self._unclaimed.pop(0)
        try:
            yield port
        finally:
            self._unclaimed.append(port)

    def environment(self) -> dict[str, str]:
        """What a Channel Access client needs to find all servers of this block, and no others."""
        return {
            "EPICS_CA_ADDR_LIST": " ".join(f"{LOOPBACK}:{port}" for port in self.servers),
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_REPEATER_PORT": str(self.repeater),
            "EPICS_CA_MAX_ARRAY_BYTES": "10000000",
        }

    def release(self) -> None:
        """Let other processes have the block."""
        self._lock.close()


def _bound(sock: socket.socket, port: int) -> bool:
    try:
        sock.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


def _free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bound(tcp, port) and _bound(udp, port)
