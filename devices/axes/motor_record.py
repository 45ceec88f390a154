"""Fields of a motor record that other clients may change while a session is open: limits, calibration, mode.

Limits change what can be reached, offset and direction change what a position means, the mode stops every motion.
Therefore these fields are monitored, each change is logged with its field, old and new value, and they are requested
again before each move, as a monitor may have gone silent.
"""

from __future__ import annotations

import logging
import math
import threading

from ophyd import Component as Cpt
from ophyd import Device

from devices.signals.uncached_signal import FreshSignalRO, follow, read_together
from errors import MotionError, OutOfRangeError

MODES = ("Stop", "Pause", "Move", "Go")
"""Choices of SPMG."""

DIRECTIONS = ("Pos", "Neg")
"""Choices of DIR."""

MOVING_MODES = (2, 3)
"""Choices of SPMG in which a motor moves."""

logger = logging.getLogger("trxas.devices")


class MotorFields(Device):
    """Limits (HLM, LLM), calibration (OFF, DIR) and mode (SPMG) of the motor record that the prefix names."""

    # `_first` holds the fields as they were when the session opened, and never changes afterwards: it defines what the
    # positions of this session mean. `_latest` holds what the monitors and requests have delivered since. New limits
    # are accepted at once; a new offset or direction makes every move fail until it is set back; a mode that does not
    # move makes moves fail until it is Go again. Monitors call from threads of Channel Access, so `_latest` is replaced
    # as a whole under the lock and never modified in place. A request may deliver a change before its monitor does, so
    # the log compares with what the monitors have delivered, `_monitored`, alone.

    high = Cpt(FreshSignalRO, ".HLM", kind="omitted")
    low = Cpt(FreshSignalRO, ".LLM", kind="omitted")
    offset = Cpt(FreshSignalRO, ".OFF", kind="omitted")
    direction = Cpt(FreshSignalRO, ".DIR", kind="omitted")
    mode = Cpt(FreshSignalRO, ".SPMG", kind="omitted")

    def __init__(self, *args: object, **kwargs: object) -> None:
        self._first: dict[str, float] = {}
        self._latest: dict[str, float] = {}
        self._monitored: dict[str, float] = {}
        self._lock = threading.Lock()
        super().__init__(*args, **kwargs)

    def follow_changes(self) -> None:
        """Remember the fields as they are, and log every change from then on; does nothing when called again.

        Raises NotConnectedError if the record does not answer.
        """
        if self._first:
            return
        self._first = self._request()
        self._monitored = dict(self._first)
        for name, signal in self._fields().items():
            follow(signal, lambda value, name=name: self._changed(name, value))  # type: ignore[misc]

    def check(self, raw: float | None, *, fresh: bool = True) -> None:
        """Raise an error unless the motor moves as before in this session and `raw`, in its unit, is within its limits.

        Raises MotionError for a mode that does not move and for a changed calibration, OutOfRangeError for the limits,
        which are not checked if `raw` is None. Without `fresh` the monitored values are checked, which costs no round
        trip.
        """
        now = self._request() if fresh or not self._latest else self._latest
        # The first check of a session is the reference for all later ones.
        self._first = self._first or now
        if int(now["mode"]) not in MOVING_MODES:
            raise MotionError(
                f"{self.mode.pvname} is {MODES[int(now['mode'])]}, so the motor does not move. Another client has set "
                "it; find out why, then set it to Go."
            )
        for name in ("offset", "direction"):
            if now[name] != self._first[name]:
                raise MotionError(
                    f"{self.change(name)} while the session is open, so the same position has another meaning. Set it "
                    "back, or open a new session and calibrate."
                )
        # As in the record itself, equal limits mean that there are none.
        low = now["low"]
        high = now["high"]
        if raw is not None and low < high and not low <= raw <= high:
            changes = self.changes()
            remedy = f"{changes}. Another client has changed the limits of the record." if changes else ""
            raise OutOfRangeError(self.prefix, raw, low, high, self._unit(), remedy)

    def changes(self) -> str:
        """Return a sentence for every field that has changed since the session opened, with both values and unit."""
        return "; ".join(self.change(name) for name in self._latest if self._latest[name] != self._first.get(name))

    def change(self, name: str) -> str:
        """Return a sentence on the change of the field `name`, with the old and the new value in the motor's unit."""
        field = self._fields()[name].pvname
        return f"{field} changed from {self._words(name, self._first[name])} to {self._words(name, self._latest[name])}"

    def _request(self) -> dict[str, float]:
        values = {name: float(value) for name, value in read_together(self._fields()).items()}
        with self._lock:
            self._latest = values
        return values

    def _changed(self, name: str, value: float) -> None:
        """Log a new value of a field; called from a thread of Channel Access."""
        with self._lock:
            before = self._monitored[name]
            if math.isnan(value) or value == before:
                return
            self._monitored[name] = value
            self._latest = {**self._latest, name: value}
        field = self._fields()[name].pvname
        old = self._words(name, before)
        new = self._words(name, value)
        logger.warning("%s was changed by another client from %s to %s while the session is open", field, old, new)

    def _fields(self) -> dict[str, FreshSignalRO]:
        return {name: getattr(self, name) for name in ("high", "low", "offset", "direction", "mode")}

    def _unit(self) -> str:
        return str(self.high.metadata.get("units") or "")

    def _words(self, name: str, value: float) -> str:
        if name == "mode":
            return MODES[int(value)]
        if name == "direction":
            return DIRECTIONS[int(value)]
        return f"{value:g} {self._unit()}".rstrip()
