"""A detector of any ophyd class: its readings are stored at every point, unchanged."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, final

import numpy as np
from ophyd import Device
from ophyd.signal import EpicsSignalBase
from ophyd.status import Status, StatusBase
from ophyd.utils.errors import InvalidState

from devices.configuration.listed_detectors import DeviceDetector
from errors import AcquisitionError

ANSWER_TIMEOUT_S = 1.0
"""Longest wait for one signal, s."""

logger = logging.getLogger("trxas.devices")


@final
class AnyDevice:
    """Reader of a device of any class; `device` is the ophyd device itself, which has the name of the entry.

    `limit_s` is the time after which an exposure no longer waits for it. A class from outside trxas may raise any
    error, which costs only the values of this device.
    """

    def __init__(self, entry: DeviceDetector, *, prefix: str, limit_s: float = 3600.0) -> None:
        self.limit_s = limit_s
        self.entry = entry
        self.name = entry.name
        module, _, name = entry.class_path.rpartition(".")
        self.device: Device = getattr(import_module(module), name)(prefix + entry.pv, name=entry.name)
        self._keys: dict[str, dict[str, Any]] = {}
        self._signals: dict[str, Any] = {}

    def begin_run(self) -> bool:
        """Find the signals to store and their data keys, and return whether they answer; raises nothing."""
        try:
            fields = [self._attribute(field) for field in self.entry.fields] or [self.device]
            found = {key: data_key for field in fields for key, data_key in field.describe().items()}
            # A class may describe objects that no event can hold; those are left out instead of refusing the detector.
            self._keys = {key: data_key for key, data_key in found.items() if data_key["dtype"] in _STORABLE}
            self._signals = {walked.item.name: walked.item for walked in self.device.walk_signals()}
            self.values()
        except Exception as error:  # noqa: BLE001  # a class of somebody else may raise anything
            logger.debug("%s cannot be read: %r", self.name, error)
            return False
        return bool(self._keys)

    def values(self) -> dict[str, Any]:
        """Return the values by event field, requested from the server; raises AcquisitionError if one is missing."""
        try:
            return {self._field(key): self._value(key) for key in self._keys}
        except Exception as error:  # as above: the reason becomes the error of this detector
            raise AcquisitionError(f"it cannot be read: {error!r}.") from error

    def empty(self) -> dict[str, Any]:
        """Return zeros, or empty strings, in the shapes of the data keys."""
        return {self._field(key): _zero(data_key) for key, data_key in self._keys.items()}

    def fields(self) -> dict[str, str]:
        """Return the event fields by their names."""
        return {self._field(key).removeprefix(f"{self.name}_"): self._field(key) for key in self._keys}

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys as the device itself gives them."""
        return {self._field(key): data_key for key, data_key in self._keys.items()}

    def trigger(self) -> StatusBase:
        """Start it with an exposure; the status is done when it has ended or failed, or after `limit_s` seconds."""
        ended = Status(timeout=None)
        # A detector alongside must never hold the exposure: at the limit its status ends as done, and the read-out
        # finds no value.
        limit = threading.Timer(self.limit_s, _finish, [ended])
        limit.daemon = True
        limit.start()
        ended.add_callback(lambda _: limit.cancel())
        try:
            started = self.device.trigger()
        except Exception as error:  # noqa: BLE001  # a class of somebody else may raise anything
            logger.warning("%s could not be triggered: %r", self.name, error)
            _finish(ended)
            return ended
        started.add_callback(lambda _: _finish(ended))
        return ended

    def _attribute(self, dotted: str) -> Any:
        found: Any = self.device
        for name in dotted.split("."):
            found = getattr(found, name)
        return found

    def _field(self, key: str) -> str:
        """Return the event field for a name of the device, without characters that other packages use as separators."""
        return key if key.startswith(f"{self.name}_") else f"{self.name}_{key}"

    def _value(self, key: str) -> Any:
        # A value from a monitor's cache may be that of the previous exposure, so PVs are requested. Other signals have
        # no cache.
        signal = self._signals.get(key)
        if isinstance(signal, EpicsSignalBase):
            return signal.get(use_monitor=False, timeout=ANSWER_TIMEOUT_S, connection_timeout=ANSWER_TIMEOUT_S)
        return self.device.read()[key]["value"] if signal is None else signal.get()


def _finish(status: Status) -> None:
    """End a status unless it has ended already."""
    with contextlib.suppress(InvalidState):
        status.set_finished()


_STORABLE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "number": lambda _: 0.0,
    "integer": lambda _: 0,
    "string": lambda _: "",
    "array": lambda key: np.zeros(key["shape"]),
}
"""Kinds of data that an event can hold, with the value that stands for none."""


def _zero(data_key: dict[str, Any]) -> Any:
    return _STORABLE[data_key["dtype"]](data_key)
