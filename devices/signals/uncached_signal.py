"""Read-backs asked for anew: never from the monitor cache, and many at once in one round trip.

Put completion overtakes monitors, so a monitored value read after it can belong to the point before.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from epics import ca
from ophyd import EpicsSignal, EpicsSignalRO
from ophyd.utils import DisconnectedError

from errors import NotConnectedError

CHANNEL_ERRORS = (
    ca.ChannelAccessException, ca.ChannelAccessGetFailure, ca.CASeverityException, DisconnectedError,
)  # fmt: skip
"""What reading or writing a PV raises in the moment in which its connection breaks."""

# Of an answer that does not come in time NotConnectedError says more than pyepics' warning.
warnings.filterwarnings("ignore", r"ca\.get\('.*'\) timed out", UserWarning)

READ_TIMEOUT_S = 5.0
"""How long a connected PV may take to answer a read or a write (ophyd's own default is 2 s)."""


class FreshSignalRO(EpicsSignalRO):
    """A read-only PV whose value can be requested first and collected later."""

    def request(self) -> None:
        """Ask the server for the value; returns at once. Raises NotConnectedError if the PV is not there."""
        if not self.connected:
            raise NotConnectedError([self.pvname], 0.0)
        _join_context(self._read_pv.context)
        try:
            ca.get_with_metadata(self._read_pv.chid, wait=False)
        except CHANNEL_ERRORS as error:
            self._forget_request()
            raise NotConnectedError([self.pvname], 0.0) from error

    def collect(self, timeout_s: float) -> Any:
        """The value asked for by `request`; raises NotConnectedError if it does not come in time."""
        try:
            # pyepics only warns of a request that was never sent, because the channel was just being lost.
            sent = ca.isConnected(self._read_pv.chid)
            reply = ca.get_complete_with_metadata(self._read_pv.chid, timeout=timeout_s) if sent else None
        except CHANNEL_ERRORS as error:
            raise NotConnectedError([self.pvname], timeout_s) from error
        if reply is None:
            self._forget_request()
            raise NotConnectedError([self.pvname], timeout_s)
        return reply["value"]

    def _forget_request(self) -> None:
        """Let the next request be sent.

        pyepics (3.5.10) takes one that could not be sent, because the channel was just being lost, for pending ever
        after, and would never again ask for the value.
        """
        entry = ca.get_cache(self.pvname)
        if entry is not None:
            with entry.lock:
                entry.get_results.clear()


def read_together(signals: Mapping[str, FreshSignalRO], timeout_s: float = READ_TIMEOUT_S) -> dict[str, Any]:
    """Read all `signals` in one round trip; returns their values by the same keys.

    Raises NotConnectedError with the PV that did not answer.
    """
    for signal in signals.values():
        signal.request()
    deadline = time.monotonic() + timeout_s
    return {key: signal.collect(max(deadline - time.monotonic(), 0.01)) for key, signal in signals.items()}


def _join_context(context: object) -> None:
    """Let this thread work on the PVs of `context`; it stays joined, as joining anew for every read costs time."""
    current = ca.current_context()
    if current == context:
        return
    if current is not None:
        ca.detach_context()
    ca.attach_context(context)


def put_with_completion(signal: EpicsSignal, value: float | str, done: Callable[..., None]) -> None:
    """Write `value`; `done` is called when the server says that it is carried out.

    Raises NotConnectedError at once if the PV is not there.
    """
    if not signal.connected:
        raise NotConnectedError([signal.pvname], 0.0)
    try:
        signal.put(value, use_complete=True, callback=done)
    except (TimeoutError, *CHANNEL_ERRORS) as error:
        raise NotConnectedError([signal.pvname], 0.0) from error


def put_and_wait(signal: EpicsSignal, value: float | str, timeout_s: float = READ_TIMEOUT_S) -> None:
    """Write `value` and wait until the server has taken or refused it; raises NotConnectedError without an answer."""
    done = threading.Event()
    put_with_completion(signal, value, lambda **_: done.set())
    if not done.wait(timeout_s):
        raise NotConnectedError([signal.setpoint_pvname], timeout_s)


def disconnected_names(signals: Iterable[Any]) -> list[str]:
    """PV names of those `signals` that are not connected."""
    names = []
    for signal in signals:
        if not signal.connected:
            names += [name for name in (getattr(signal, "pvname", ""), getattr(signal, "setpoint_pvname", "")) if name]
    return sorted(set(names))
