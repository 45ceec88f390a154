"""Read-backs requested from the server: never from the monitor cache, and many at once in one round trip.

Put completion overtakes monitors, so a monitored value read after it can belong to the previous point. A value comes
with its alarm: a record that has lost its device shows the last value that it knew, in INVALID alarm, and that is not a
measurement.

Three peculiarities of Channel Access shape this module. A request and its answer are two calls, so that many requests
travel together and a read-out of twenty PVs costs one round trip. A thread must belong to the context of the channels
that it uses, and attaching it costs time, so a thread is attached once and stays attached. A channel can break between
any two calls: every call may raise one of CHANNEL_ERRORS, and all of them become NotConnectedError with the PV's name.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from epics import ca
from ophyd import EpicsSignal, EpicsSignalRO
from ophyd.utils import DisconnectedError

from devices.signals.monitor import subscribe
from devices.signals.put_batch import Write, is_number, write_batch
from devices.signals.read_batch import ReadBatch
from devices.types import FloatArray
from errors import AcquisitionError, InvalidReadingError, NotConnectedError

CHANNEL_ERRORS = (
    ca.ChannelAccessException, ca.ChannelAccessGetFailure, ca.CASeverityException, DisconnectedError,
)  # fmt: skip
"""Errors of reading or writing a PV at the moment its connection breaks."""

# NotConnectedError explains an answer that does not come in time better than pyepics' warning.
warnings.filterwarnings("ignore", r"ca\.get\('.*'\) timed out", UserWarning)

PvValue = float | str | FloatArray
"""Value that a PV takes: a number, a text, or the numbers of an array."""

READ_TIMEOUT_S = 5.0
"""Longest time in which a connected PV answers a read or a write, s (ophyd's own default is 2 s)."""

BATCH_S = 0.25
"""Longest wait for the answers of a batch, s; after that, PVs are read one by one, and errors name them."""

INVALID = 3
"""Alarm severity of a value that is not a measurement."""

ALARM_STATUS = (
    "NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE", "COS", "COMM", "TIMEOUT", "HWLIMIT", "CALC",
    "SCAN", "LINK", "SOFT", "BAD_SUB", "UDF", "DISABLE", "SIMM", "READ_ACCESS", "WRITE_ACCESS",
)  # fmt: skip
"""Names of EPICS' alarm conditions, in the order of their numbers."""

COMM = ALARM_STATUS.index("COMM")
"""Alarm condition of a record that cannot talk to its device."""


class PvReading(NamedTuple):
    """One answer of a server: the value with its alarm, and the time stamp of its record, s since the epoch."""

    value: Any
    severity: int = 0
    status: int = 0
    stamp_s: float = 0.0

    @property
    def valid(self) -> bool:
        """Whether the value is a measurement: neither INVALID, nor from a device that cannot be reached."""
        return is_valid(self.severity, self.status)

    @property
    def alarm(self) -> str:
        """Name of the alarm condition, as EPICS spells it; its number if it is unknown."""
        return ALARM_STATUS[self.status] if 0 <= self.status < len(ALARM_STATUS) else str(self.status)

    def number(self) -> float:
        """Return the value as a float in the PV's unit, NaN if it is not valid: no limit or tolerance accepts NaN."""
        return float(self.value) if self.valid else math.nan


def is_valid(severity: int | None, status: int | None) -> bool:
    """Return whether a value with this alarm is a measurement; `severity` in EPICS' numbers, 0 to 3."""
    # COMM counts whatever its severity, which the support of each device chooses.
    return (severity or 0) < INVALID and status != COMM


class FreshSignalRO(EpicsSignalRO):
    """A read-only PV whose value is requested first and collected later."""

    def request(self) -> None:
        """Request the value from the server without waiting; raises NotConnectedError if the PV is not connected."""
        # The request goes out with the type that carries alarm and time stamp: one answer holds value and severity, so
        # that both belong to the same moment. The answer arrives in pyepics' cache, from where `collect` takes it.
        if not self.connected:
            raise NotConnectedError([self.pvname], 0.0)
        _join_context(self._read_pv.context)
        try:
            ca.get_with_metadata(self._read_pv.chid, ftype=self._timed_type(), wait=False)
        except CHANNEL_ERRORS as error:
            self._forget_request()
            raise NotConnectedError([self.pvname], 0.0) from error

    def collect(self, timeout_s: float) -> PvReading:
        """Return the answer to `request`; raises NotConnectedError if it does not come within `timeout_s` seconds."""
        try:
            # pyepics only warns about a request that was never sent because the channel broke at that moment.
            sent = ca.isConnected(self._read_pv.chid)
            reply = self._answer(timeout_s) if sent else None
        except CHANNEL_ERRORS as error:
            raise NotConnectedError([self.pvname], timeout_s) from error
        if reply is None:
            self._forget_request()
            raise NotConnectedError([self.pvname], timeout_s)
        return PvReading(reply["value"], int(reply["severity"]), int(reply["status"]), float(reply["timestamp"]))

    def _answer(self, timeout_s: float) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = ca.get_complete_with_metadata(
            self._read_pv.chid, ftype=self._timed_type(), timeout=timeout_s
        )
        return answer

    def _timed_type(self) -> int:
        """Return the channel's type with alarm and time stamp."""
        return int(ca.promote_type(self._read_pv.chid, use_time=True))

    def _forget_request(self) -> None:
        """Forget a request that was not sent, so that the next one is.

        If the channel breaks at that moment, pyepics (3.5.10) considers the request pending forever, and would never
        request the value again.
        """
        entry = ca.get_cache(self.pvname)
        if entry is not None:
            with entry.lock:
                entry.get_results.clear()


class LimitedSignal(EpicsSignal):
    """A setpoint whose record has limits that other clients may change."""

    def fresh_limits(self, timeout_s: float = READ_TIMEOUT_S) -> tuple[float, float]:
        """Return the record's control limits requested from the server, in its unit; 0 to 0 means none.

        Raises NotConnectedError if it does not answer.
        """
        if not self.connected:
            raise NotConnectedError([self.setpoint_pvname], 0.0)
        _join_context(self._write_pv.context)
        try:
            fields = ca.get_ctrlvars(self._write_pv.chid, timeout=timeout_s)
        except CHANNEL_ERRORS as error:
            raise NotConnectedError([self.setpoint_pvname], timeout_s) from error
        if not fields:
            raise NotConnectedError([self.setpoint_pvname], timeout_s)
        return float(fields.get("lower_ctrl_limit", 0.0)), float(fields.get("upper_ctrl_limit", 0.0))


def read_together(signals: Mapping[str, FreshSignalRO], timeout_s: float = READ_TIMEOUT_S) -> dict[str, Any]:
    """Read all `signals` in one round trip and return their values by the same keys.

    Raises NotConnectedError with the PV that did not answer, InvalidReadingError with one in INVALID alarm.
    """
    return {key: reading.value for key, reading in valid_readings(signals, timeout_s).items()}


def valid_readings(signals: Mapping[str, FreshSignalRO], timeout_s: float = READ_TIMEOUT_S) -> dict[str, PvReading]:
    """Read all `signals` in one round trip and return their answers by the same keys.

    Raises the same errors as `read_together`.
    """
    readings = read_with_alarms(signals, timeout_s)
    for key, reading in readings.items():
        require_valid(signals[key].pvname, reading)
    return readings


def read_with_alarms(signals: Mapping[str, FreshSignalRO], timeout_s: float = READ_TIMEOUT_S) -> dict[str, PvReading]:
    """Read all `signals` in one round trip and return their values with alarms by the same keys.

    Raises NotConnectedError with the PV that did not answer.
    """
    return PreparedRequests(signals).send().collect(timeout_s)


class PreparedRequests:
    """Requests of the values of `signals`, ready to be sent once by any thread."""

    def __init__(self, signals: Mapping[str, FreshSignalRO]) -> None:
        self.signals = dict(signals)
        self._batches: list[Batch] = []
        by_context: dict[Any, dict[str, Any]] = {}
        for key, signal in self.signals.items():
            if isinstance(signal, FreshSignalRO) and signal.connected:
                by_context.setdefault(signal._read_pv.context, {})[key] = signal._read_pv.chid
        for context, channels in by_context.items():
            _join_context(context)
            self._batches.append(Batch(context, channels, ReadBatch(channels.values())))

    def send(self) -> RequestedReadings:
        """Send the requests in one packet; raises NotConnectedError with a PV that is not connected."""
        batches = self._batches
        self._batches = []
        for batch in batches:
            _join_context(batch.context)
            batch.requests.send()
        return RequestedReadings(self.signals, batches)


class Batch(NamedTuple):
    """The requests of the channels of one context of libca; the channels are by the keys of their signals."""

    context: Any
    channels: Mapping[str, Any]
    requests: ReadBatch


class RequestedReadings:
    """Values of `signals` that were requested in `batches`, and are collected later by any thread."""

    # All requests leave before the first answer is awaited, and share one deadline: a server that hangs costs the
    # time-out once, not once per PV. The batch answers nearly always. Types that it cannot read are requested one by
    # one, and so is later what has not come, which takes longer, and names the PV that does not answer.

    def __init__(self, signals: Mapping[str, FreshSignalRO], batches: Sequence[Batch]) -> None:
        """Request what is in no batch; raises NotConnectedError with a PV that is not connected."""
        self._signals = signals
        self._batches = batches
        sent = {
            key
            for batch in batches
            for key, channel in batch.channels.items()
            if channel.value in batch.requests.addresses
        }
        self._alone = signals.keys() - sent
        try:
            self._request(self._alone)
        except NotConnectedError:
            self.drop()
            raise

    def collect(self, timeout_s: float = READ_TIMEOUT_S, batch_s: float = BATCH_S) -> dict[str, PvReading]:
        """Return the answers by the keys of the signals, waiting at most `timeout_s` seconds from now.

        What has not come within `batch_s` seconds is requested again, and has then the value of that moment. Raises
        NotConnectedError with the PV that did not answer.
        """
        deadline = time.monotonic() + timeout_s
        found = self._found(min(timeout_s, batch_s))
        late = self._signals.keys() - found.keys()
        self._request(late - self._alone)
        found |= {key: self._signals[key].collect(max(deadline - time.monotonic(), 0.01)) for key in late}
        return {key: found[key] for key in self._signals}

    def have_come(self) -> bool:
        """Return whether all answers are there; false if some are requested one by one."""
        return not self._alone and all(batch.requests.is_answered for batch in self._batches)

    def drop(self) -> None:
        """End the requests without their answers."""
        for batch in self._batches:
            _join_context(batch.context)
            batch.requests.close()

    def _request(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._signals[key].request()

    def _found(self, timeout_s: float) -> dict[str, PvReading]:
        """Return the answers of the batches within `timeout_s` seconds, by the same keys."""
        found: dict[str, PvReading] = {}
        for batch in self._batches:
            _join_context(batch.context)
            answers = batch.requests.answers(timeout_s)
            found |= {
                key: PvReading(*answers[channel.value])
                for key, channel in batch.channels.items()
                if channel.value in answers
            }
        return found


def require_valid(pv_name: str, reading: PvReading) -> None:
    """Raise InvalidReadingError if the `reading` of `pv_name` is not a measurement."""
    if not reading.valid:
        raise InvalidReadingError(pv_name, reading.alarm, reading.value)


def served_number(pv_name: str, reading: PvReading) -> float:
    """Return the number that `pv_name` served, in its unit, whatever its alarm.

    Raises AcquisitionError if it is NaN or infinite, as there is nothing that could be stored.
    """
    number = float(reading.value)
    if not math.isfinite(number):
        raise AcquisitionError(
            f"{pv_name} shows {number:g} (alarm {reading.alarm}), which cannot be stored; the point is measured again. "
            "Check the device behind the record."
        )
    return number


def follow(signal: EpicsSignalRO, changed: Callable[[float], None]) -> None:
    """Call `changed` with every number that the monitor of `signal` delivers, NaN while its alarm is INVALID.

    Numbers are in the PV's unit. The calls come from a thread of Channel Access.
    """
    follow_stamped(signal, lambda value, _stamp_s: changed(value))


def follow_stamped(signal: EpicsSignalRO, changed: Callable[[float, float], None]) -> None:
    """Call `changed` as `follow` does, with the time stamp of the record, s since the epoch, as second argument."""
    channel: Any = getattr(signal, "_read_pv", None)
    if getattr(channel, "chid", None) is not None and signal.connected:
        _join_context(channel.context)
        if subscribe(channel.chid, lambda answer: changed(PvReading(*answer).number(), answer.stamp_s)):
            return

    def arrived(
        value: Any = None, severity: int | None = None, status: int | None = None, timestamp: float = 0.0, **_: Any
    ) -> None:
        if value is not None:
            changed(float(value) if is_valid(severity, status) else math.nan, timestamp)

    signal.subscribe(arrived, run=False)


def _join_context(context: object) -> None:
    """Attach this thread to the `context` of the PVs; it stays attached, as attaching for every read costs time."""
    current = ca.current_context()
    if current == context:
        return
    if current is not None:
        ca.detach_context()
    ca.attach_context(context)


def put_with_completion(signal: EpicsSignal, value: PvValue, done: Callable[..., None]) -> None:
    """Write `value` and call `done` when the server reports completion.

    Raises NotConnectedError at once if the PV is not connected.
    """
    put_together([(signal, value)], done)


def put_together(puts: Sequence[tuple[EpicsSignal, PvValue]], one_done: Callable[..., None]) -> None:
    """Write all values, in one packet if they are numbers, and call `one_done` at each completion.

    Raises NotConnectedError at once, writing nothing, if a PV is not connected.
    """
    if broken := [signal.pvname for signal, _ in puts if not signal.connected]:
        raise NotConnectedError(broken, 0.0)
    batches: dict[Any, list[Write]] = {}
    for signal, value in puts:
        channel = getattr(signal, "_write_pv", None)
        try:
            if channel is not None and is_number(channel.chid, value):
                # A function of its own for each write, by which its completion is known.
                batches.setdefault(channel.context, []).append(Write(channel.chid, float(value), lambda: one_done()))
            else:
                # Texts and arrays, and errors about access rights, are ophyd's.
                signal.put(value, use_complete=True, callback=one_done)
        except (TimeoutError, *CHANNEL_ERRORS) as error:
            raise NotConnectedError([signal.pvname], 0.0) from error
    for context, writes in batches.items():
        _join_context(context)
        try:
            write_batch(writes)
        except CHANNEL_ERRORS as error:
            raise NotConnectedError([signal.pvname for signal, _ in puts], 0.0) from error


def put_without_completion(signal: EpicsSignal, value: PvValue) -> None:
    """Write `value` and wait for nothing; raises NotConnectedError if the PV is not connected.

    For what stops an earlier write to the same PV. A server of EPICS carries out writes with completion to a PV one
    after the other: a second one waits until the first is complete, up to 60 s, and all other requests of this client
    wait behind it (rsrv of EPICS base, `write_notify_action`).
    """
    try:
        signal.put(value, use_complete=False)
    except (TimeoutError, *CHANNEL_ERRORS) as error:
        raise NotConnectedError([signal.setpoint_pvname], 0.0) from error


def put_and_wait(signal: EpicsSignal, value: PvValue, timeout_s: float = READ_TIMEOUT_S) -> None:
    """Write `value` and wait until the server has accepted or refused it; raises NotConnectedError if unanswered."""
    # A refused write completes like an accepted one, and pyepics reports no error. A caller that must know reads the
    # value back.
    done = threading.Event()
    put_with_completion(signal, value, lambda **_: done.set())
    if not done.wait(timeout_s):
        raise NotConnectedError([signal.setpoint_pvname], timeout_s)


def disconnected_names(signals: Iterable[Any]) -> list[str]:
    """Return the PV names of those `signals` that are not connected, sorted, read-backs and setpoints alike."""
    names = []
    for signal in signals:
        if not signal.connected:
            names += [name for name in (getattr(signal, "pvname", ""), getattr(signal, "setpoint_pvname", "")) if name]
    return sorted(set(names))
