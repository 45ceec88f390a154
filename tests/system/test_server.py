"""If these fail, the simulated IOC takes another server's port, answers late, or does not end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from sim.clock import BeamClock
from sim.errors import PortTakenError, SimulationInputError
from sim.ioc.channel_access.sockets import ANY_PORT, Address, bind_sockets
from tests.support.waiting import COMMAND_S, WAIT_S

RECORD_IOC = ("-m", "tests.support.record_ioc")

NAGLE_DELAY_S, BATCH_DELAY_S = 0.040, 0.010
"""What a reply or a monitor of caproto's stock server waits (measured: 44 ms, 13 ms)."""


def seconds(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def test_taken_port_is_an_error_with_a_remedy(start_ioc: Any) -> None:
    """A second beamline on one port would answer in place of the first, now and then."""
    with start_ioc(*RECORD_IOC, "--prefix", "first:") as ioc:
        command = [sys.executable, *RECORD_IOC, "--port", str(ioc.port), "--prefix", "second:"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    assert second.returncode == 3
    assert re.search(rf"port 127\.0\.0\.1:{ioc.port} is not available .*stop it, choose another port", second.stderr)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_port_must_be_free_for_searches_and_circuits(kind: socket.SocketKind) -> None:
    """Half a port is none: with searches going elsewhere the PVs would be invisible."""
    with socket.socket(type=kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(PortTakenError):
            bind_sockets(Address(port=other.getsockname()[1]))


def test_port_zero_finds_one_for_both() -> None:
    """Several beamlines can start side by side without anybody choosing ports."""
    pairs = bind_sockets(ANY_PORT) + bind_sockets(ANY_PORT)
    ports = [(tcp.getsockname()[1], udp.getsockname()[1]) for tcp, udp in pairs]
    for sockets in pairs:
        for sock in sockets:
            sock.close()
    assert all(tcp == udp for tcp, udp in ports)
    assert len(set(ports)) == 2


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_busy_server_quietly(start_ioc: Any, put: Any, capfd: Any, stop_signal: signal.Signals) -> None:
    """Ctrl-C during a move, with clients waiting, ends with code 0, soon, without a traceback."""
    prefix = f"{stop_signal.name}:"
    with start_ioc(*RECORD_IOC, "--prefix", prefix) as ioc:
        put(f"{prefix}m1", 10.0, wait=False)
        put(f"{prefix}scaler1.CNT", 1, wait=False)
        capfd.readouterr()
        assert seconds(lambda: _stopped(ioc, stop_signal)) < WAIT_S / 4
    assert "Traceback" not in capfd.readouterr().err


def _stopped(ioc: Any, stop_signal: signal.Signals) -> None:
    assert ioc.stop(stop_signal) == 0


def test_replies_do_not_wait_for_acknowledgements(bench: str, put: Any, recorder: Any) -> None:
    """With Nagle's algorithm on, a reply behind a monitor waits 40 ms for its acknowledgement.

    Stock: 44 ms or more for each of 31, so that one quick reply says enough, however busy the machine is.
    """
    monitors = [recorder(f"{bench}m2.{field}") for field in ("DMOV", "RBV", "VAL")]
    moves = [seconds(lambda n=n: put(f"{bench}m2", float(n % 2))) for n in range(31)]  # type: ignore[misc]
    monitors[0].wait(lambda values: values.count(1) > len(moves))
    assert min(moves) < NAGLE_DELAY_S / 2


def test_monitors_are_not_held_back(bench: str, put: Any, recorder: Any) -> None:
    """EpicsMotor waits for the second of two monitors, which the stock server holds for 10 ms at least."""
    done = recorder(f"{bench}m2.DMOV")
    pauses = []
    for n in range(31):
        done.clear()
        put(f"{bench}m2", float(n % 2), wait=False)
        pauses.append(seconds(lambda: done.wait(lambda values: values == [0, 1])))
    assert min(pauses) < BATCH_DELAY_S / 2


def test_reads_continue_while_a_put_is_pending(bench: str, get: Any, start: Any, put: Any) -> None:
    """Read-out overlaps the next move: a pending completion must not slow reads (stock server: over 1 ms each)."""
    idle = min(seconds(lambda: get(f"{bench}m1.DMOV")) for _ in range(50))
    completed = start(f"{bench}m1", 10.0)
    moving = min(seconds(lambda: get(f"{bench}m1.DMOV")) for _ in range(50))
    assert not completed.is_set()
    put(f"{bench}m1.STOP", 1)
    assert completed.wait(WAIT_S)
    assert moving < idle + 0.7e-3


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_clock_refuses_a_senseless_speed(speed: float) -> None:
    """A beam that stands still would hang every exposure."""
    with pytest.raises(SimulationInputError, match="finite number above 0"):
        BeamClock(speed)
