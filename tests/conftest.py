"""Channel Access for tests: ports of their own, a repeater, and simulated IOCs as processes.

libca reads its environment once per process, at first use. So each pytest process (each xdist worker) reserves a block
of ports while it is being configured, before any test module is imported, and lists all of them as addresses.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.channels import open_channels, release_channels

REPOSITORY = Path(__file__).parent.parent
LOOPBACK = "127.0.0.1"

FIRST_PORT, LAST_PORT, BLOCK = 20_480, 30_720, 16
"""Below the ports that Linux hands out by itself (32768 and up), so that no client's socket takes one of ours."""

START_TIMEOUT_S = 240.0
STOP_TIMEOUT_S = 120.0

# The same examples every time, on a machine of any speed.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script: processes of the tests would inherit a Ctrl-C that does nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


PORTS = pytest.StashKey[CaPorts]()


def pytest_configure(config: pytest.Config) -> None:
    """Reserve ports, and tell libca and all child processes."""
    config.stash[PORTS] = CaPorts()
    os.environ.update(config.stash[PORTS].environment())


def pytest_unconfigure(config: pytest.Config) -> None:
    if PORTS in config.stash:
        config.stash[PORTS].release()


@pytest.fixture(scope="module", autouse=True)
def no_channel_is_left() -> Iterator[None]:
    """Release the channels of a module, whose servers have ended by then; else libca searches for them for ever."""
    yield
    release_channels()
    assert open_channels() == []


@pytest.fixture(scope="session")
def ca_ports(request: pytest.FixtureRequest) -> CaPorts:
    """Ports of this pytest process: `with ca_ports.claimed() as port:`."""
    return request.config.stash[PORTS]


@pytest.fixture(scope="session")
def ca_repeater(ca_ports: CaPorts) -> Iterator[None]:
    """A Channel Access repeater; without one libca would fork a process to start it."""
    command = [sys.executable, "-m", "trxas.channel_access.repeater", "127.0.0.1"]
    with socket.socket(type=socket.SOCK_DGRAM) as probe, subprocess.Popen(command) as repeater:
        probe.settimeout(0.1)
        _wait_for_repeater(probe, ca_ports.repeater)
        yield
        repeater.kill()


def _wait_for_repeater(probe: socket.socket, port: int) -> None:
    """Register as a client until the repeater confirms (Channel Access: message 24, answered by 17)."""
    for _ in range(int(START_TIMEOUT_S / 0.1)):
        probe.sendto(bytes([0, 24]) + bytes(14), (LOOPBACK, port))
        with contextlib.suppress(TimeoutError, ConnectionError):
            if probe.recv(16)[:2] == bytes([0, 17]):
                return
    raise TimeoutError(f"no Channel Access repeater on port {port} after {START_TIMEOUT_S:g} s")


@dataclass(frozen=True)
class IocProcess:
    """A running IOC: its process and its port."""

    process: subprocess.Popen[str]
    port: int

    def stop(self, stop_signal: signal.Signals = signal.SIGINT) -> int:
        """Ask the IOC to stop; returns its exit code."""
        self.process.send_signal(stop_signal)
        return self.process.wait(STOP_TIMEOUT_S)


StartIoc = Callable[..., AbstractContextManager[IocProcess]]


@pytest.fixture(scope="session")
def start_ioc(ca_ports: CaPorts, ca_repeater: None) -> StartIoc:
    """`with start_ioc(command, ...) as ioc:` runs `python command... --port N` until a line with "ready" comes.

    With `at_port` it comes back where another one was, else each gets a port of its own.
    """

    @contextlib.contextmanager
    def start(*command: str, at_port: int | None = None) -> Iterator[IocProcess]:
        with contextlib.ExitStack() as stack:
            port = stack.enter_context(ca_ports.claimed()) if at_port is None else at_port
            process = stack.enter_context(_python(*command, "--port", str(port)))
            try:
                _wait_until_ready(process)
                yield IocProcess(process, port)
            finally:
                if process.poll() is None:
                    process.kill()

    return start


def _python(*command: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment)


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = "nothing"
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(START_TIMEOUT_S):
            line = process.stdout.readline()
            if "ready" in line:
                return
            if not line:
                break
    raise RuntimeError(f"IOC {process.args} did not get ready; exit code {process.poll()}, last line {line!r}")
