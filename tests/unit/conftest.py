"""The rules of unit tests: no process, no socket, less than a second of processor time.

A test that breaks one belongs in `tests/system`. Processor time and not elapsed time is measured, so that no test fails
because the machine has much else to do.
"""

from __future__ import annotations

import importlib
import socket
import sys
import time
from collections.abc import Generator, Iterator
from typing import Any

import coverage
import epics
import pytest
import zmq

from tests.support.processor_time import slowness

CPU_LIMIT_S = 4.0
"""Limit of the processor time of all threads while the test function runs.

A unit test takes less than a second on a free core. The same work costs up to twice the processor time on a core that
is shared with others (measured at a load of 10 per core), and the first import of a library, up to a second, falls on
whichever test comes first; so only beyond that is a test certainly too slow. Libraries that take longer are loaded
before all tests. On a slow machine the limit is longer by as much as that takes for everything.
"""

PROCESS_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"})
SOCKET_EVENTS = frozenset({"socket.bind", "socket.connect", "socket.sendto"})
"""Audit events of Python (PEP 578)."""


class OutsideError(Exception):
    """A unit test reached outside its process."""


class Guard:
    """Refuses processes and sockets while `test` names a unit test; an audit hook cannot be removed again.

    `broken` has every refusal, because the code under test may swallow the error.
    """

    def __init__(self) -> None:
        self.test: str | None = None
        self.broken: list[str] = []

    def refuse(self, what: str) -> None:
        """Raise OutsideError if a unit test is under way."""
        if self.test is not None:
            self.broken.append(what)
            raise OutsideError(f"{self.test} is a unit test and uses {what}: move it to tests/system")

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Judge one audit event of Python."""
        if event in PROCESS_EVENTS or (event in SOCKET_EVENTS and arguments[0].family != socket.AF_UNIX):
            self.refuse(event)


GUARD = Guard()
sys.addaudithook(GUARD.audit)


@pytest.fixture(scope="session", autouse=True)
def loaded_libraries() -> None:
    """Load libraries that start a process when they are imported, and one that takes long.

    The former find out in this way on which machine they are. lmfit costs 3 s of processor time on a busy core, which
    would fall on whichever test fits first.
    """
    for library in ("ophyd", "h5py", "lmfit"):
        importlib.import_module(library)


@pytest.fixture(autouse=True)
def nothing_outside_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse processes and sockets of Python, of 0MQ (but "inproc:") and of Channel Access."""
    bind, connect = zmq.Socket.bind, zmq.Socket.connect

    def guarded(name: str, method: Any) -> Any:
        def call(self: zmq.Socket[bytes], address: str, *more: Any) -> Any:
            if not str(address).startswith("inproc:"):
                GUARD.refuse(f"a 0MQ socket ({name})")
            return method(self, address, *more)

        return call

    monkeypatch.setattr(zmq.Socket, "bind", guarded("bind", bind))
    monkeypatch.setattr(zmq.Socket, "connect", guarded("connect", connect))
    monkeypatch.setattr(epics.ca, "create_channel", lambda name, *_, **__: GUARD.refuse(f"Channel Access ({name})"))
    GUARD.test = request.node.nodeid
    GUARD.broken.clear()
    yield
    GUARD.test = None
    assert GUARD.broken == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test whose function takes more than `CPU_LIMIT_S`, unless coverage slows it down.

    Tests marked `long` repeat short ones for all plans or values, and only `make test-all` runs them.
    """
    began = time.process_time()
    yield
    if item.get_closest_marker("long") is not None:
        return
    used = time.process_time() - began
    if used > CPU_LIMIT_S:
        used /= max(1.0, slowness())
    if used > CPU_LIMIT_S and coverage.Coverage.current() is None:
        remedy = "make it cheaper or move it to tests/system"
        pytest.fail(f"took {used:.2f} s of processor time, at most {CPU_LIMIT_S:g} s are allowed: {remedy}")
