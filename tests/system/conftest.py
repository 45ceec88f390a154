"""Clients and waiting for tests over Channel Access."""

from __future__ import annotations

import ast
import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ca_ports import CaPorts
from tests.support.channels import open_channels, release_channels
from tests.support.ioc_process import StartIoc, running_ioc, running_repeater
from tests.support.preloaded.popen import COLD_STARTS
from tests.support.tiled_routes import share_routes
from tests.support.waiting import WAIT_S

RECORD_IOC = ("-m", "tests.support.record_ioc")
"""Arguments of Python for an IOC with single records."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and "start_ioc" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.channel_access)


@pytest.fixture(scope="session", autouse=True)
def shared_routes() -> Iterator[None]:
    """Catalogues that the tests of this pytest process open have one set of routes."""
    with pytest.MonkeyPatch.context() as patch:
        share_routes(patch)
        yield


@pytest.fixture
def cold_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Child processes that a test starts import all libraries themselves, as at a user's."""
    monkeypatch.setenv(COLD_STARTS, "1")


@pytest.fixture(scope="session")
def ca_repeater(ca_ports: CaPorts) -> Iterator[None]:
    """A Channel Access repeater for this pytest process."""
    with running_repeater(ca_ports.repeater):
        yield


@pytest.fixture(scope="session")
def start_ioc(ca_ports: CaPorts, ca_repeater: None) -> StartIoc:
    """`with start_ioc(command, ...) as ioc:` runs an IOC, see `running_ioc`."""
    return functools.partial(running_ioc, ca_ports)


PLAIN_PVS: dict[str, Any] = {}
"""Connected PVs without monitors of the test module under way, by name."""


@pytest.fixture(scope="module", autouse=True)
def no_channel_is_left() -> Iterator[None]:
    """Release the channels of a module, whose servers have ended by then; else libca searches for them forever."""
    yield
    PLAIN_PVS.clear()
    release_channels()
    assert open_channels() == []


@pytest.fixture(scope="module")
def bench(start_ioc: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """Prefix of an IOC with single records (tests.support.record_ioc), one per test module."""
    prefix = f"{request.module.__name__.rpartition('.')[2]}:"
    with start_ioc(*RECORD_IOC, "--prefix", prefix):
        yield prefix


class Recorder:
    """Values of one PV in the order in which its monitor brought them."""

    def __init__(self, name: str) -> None:
        import epics

        self.values: list[Any] = []
        self._changed = threading.Condition()
        self.pv = epics.PV(name, auto_monitor=True, callback=self._record)
        assert self.pv.wait_for_connection(WAIT_S), f"{name} did not connect"
        self.wait(lambda values: len(values) > 0)

    def _record(self, value: Any = None, **_: Any) -> None:
        with self._changed:
            self.values.append(value)
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self.values.clear()

    def wait(self, condition: Callable[[list[Any]], bool]) -> None:
        with self._changed:
            fulfilled = self._changed.wait_for(lambda: condition(self.values), WAIT_S)
        assert fulfilled, f"{self.pv.pvname}: saw only {self.values}"


@pytest.fixture
def recorder() -> Callable[[str], Recorder]:
    """`recorder(name)` connects to a PV and keeps every value its monitor brings."""
    return Recorder


def plain_pv(name: str) -> Any:
    """Return a connected PV without a monitor, apart from those that ophyd and pyepics share among themselves."""
    import epics

    if name not in PLAIN_PVS:
        PLAIN_PVS[name] = epics.PV(name, auto_monitor=False)
    pv = PLAIN_PVS[name]
    assert pv.wait_for_connection(WAIT_S), f"{name} did not connect"
    return pv


@pytest.fixture
def get() -> Callable[[str], Any]:
    """`get(name)` asks the server for a value now, past all monitors."""

    def get_now(name: str) -> Any:
        value = plain_pv(name).get(use_monitor=False, timeout=WAIT_S)
        assert value is not None, f"{name} did not answer"
        return value

    return get_now


@pytest.fixture
def put() -> Callable[..., None]:
    """`put(name, value)` waits for put completion; `wait=False` does not."""

    def put_now(name: str, value: Any, *, wait: bool = True) -> None:
        assert plain_pv(name).put(value, wait=wait, timeout=WAIT_S) == 1, f"{name} did not complete"

    return put_now


@pytest.fixture
def start() -> Callable[[str, Any], threading.Event]:
    """`start(name, value)` puts without waiting; the event it returns is set at put completion."""

    def start_now(name: str, value: Any) -> threading.Event:
        completed = threading.Event()
        plain_pv(name).put(value, callback=lambda **_: completed.set())
        return completed

    return start_now


@pytest.fixture
def caproto_put(ca_repeater: None) -> Callable[[str, object], str]:
    """`caproto_put(name, value)` writes with caproto's client over a connection of its own; returns the refusal, or "".

    libca does not say why a server refused a value. A string that is not a literal of Python is sent as it is.
    """
    from caproto import ErrorResponseReceived
    from caproto.sync.client import read_write_read

    def run(name: str, value: object) -> str:
        data = value
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                data = ast.literal_eval(value)
        try:
            # As its command line does: it reads before and after, for the type of the value.
            read_write_read(name, data, notify=True, timeout=WAIT_S, repeater=False)
        except ErrorResponseReceived as refusal:
            return str(refusal)
        return ""

    return run
