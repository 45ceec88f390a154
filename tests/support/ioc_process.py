"""Simulated IOCs and the Channel Access repeater as processes."""

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

from tests.support.ca_ports import LOOPBACK, CaPorts

REPOSITORY = Path(__file__).parents[2]

START_TIMEOUT_S = 240.0
STOP_TIMEOUT_S = 120.0


@contextlib.contextmanager
def running_repeater(port: int) -> Iterator[None]:
    """Run a Channel Access repeater; without one libca would fork a process to start it."""
    command = [sys.executable, "-m", "trxas.channel_access.repeater", LOOPBACK]
    with socket.socket(type=socket.SOCK_DGRAM) as probe, subprocess.Popen(command) as repeater:
        probe.settimeout(0.1)
        try:
            _wait_for_repeater(probe, port)
            yield
        finally:
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


@contextlib.contextmanager
def running_ioc(ports: CaPorts, *command: str, at_port: int | None = None) -> Iterator[IocProcess]:
    """Run `python command... --port N` from the line with "ready" to the end of the context.

    The IOC gets a port of its own unless `at_port` gives that of an earlier one.
    """
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(ports.claimed()) if at_port is None else at_port
        process = stack.enter_context(_python(*command, "--port", str(port)))
        try:
            _wait_until_ready(process)
            yield IocProcess(process, port)
        finally:
            if process.poll() is None:
                process.kill()


def _python(*command: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
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
    raise RuntimeError(f"IOC {process.args!r} did not get ready; exit code {process.poll()}, last line {line!r}")
