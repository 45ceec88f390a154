"""Axes during an exposure: one that jumps away and back again is where it should be at both ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from devices.axes.axis import Axis
from devices.signals.uncached_signal import FreshSignalRO, read_together


class AxisWatch:
    """Follows the read-backs of `axes`, by event field, with their monitors; those only that something is expected of.

    `on_failure` is called when one goes astray during an exposure.
    """

    def __init__(self, axes: Mapping[str, Axis]) -> None:
        self._axes = dict(axes)
        self._raw: dict[str, dict[str, float]] = {}
        self._expected: dict[str, float] = {}
        self._found: dict[str, float] = {}
        self._exposing = False
        self._lock = threading.Lock()
        self.on_failure: Callable[[], None] = lambda: None

    def expect(self, positions: Mapping[str, float]) -> None:
        """From now on the axes have to be at these `positions`; the others do not matter.

        Raises NotConnectedError if a read-back that is followed for the first time does not answer.
        """
        for key in positions.keys() - self._raw.keys():
            self._follow(key)
        with self._lock:
            self._expected, self._exposing = dict(positions), False

    def astray(self) -> dict[str, float]:
        """Positions of those axes that are not where they should be now, as the monitors say."""
        return {key: position for key in self._expected if not self._holds(key, position := self._position(key))}

    def begin(self) -> None:
        """An exposure starts: forget who was astray before, and note who is now."""
        with self._lock:
            self._found, self._exposing = self.astray(), True

    def end(self, raw: Mapping[str, Any]) -> dict[str, float]:
        """Positions of axes that were astray at any time since `begin`, as seen first.

        `raw` as for `take`: a monitor may have gone silent.
        """
        self.take(raw)
        with self._lock:
            self._exposing = False
            return self.astray() | self._found

    def take(self, raw: Mapping[str, Any]) -> None:
        """Read-backs asked for anew, by "axis name.attribute", in place of what the monitors said."""
        with self._lock:
            for key, known in self._raw.items():
                known |= {name: float(raw[f"{self._axes[key].name}.{name}"]) for name in known}

    def _position(self, key: str) -> float:
        return self._axes[key].value_from_raw(self._raw[key])

    def _holds(self, key: str, position: float) -> bool:
        return abs(position - self._expected[key]) <= self._axes[key].tolerance

    def _follow(self, key: str) -> None:
        signals = self._axes[key].fresh_signals()
        self._raw[key] = {attribute: float(value) for attribute, value in read_together(signals).items()}
        for attribute, signal in signals.items():
            self._subscribe(key, attribute, signal)

    def _subscribe(self, key: str, attribute: str, signal: FreshSignalRO) -> None:
        def changed(value: Any = None, **_: Any) -> None:
            if value is None:
                return
            with self._lock:
                self._raw[key][attribute] = float(value)
                watched = self._exposing and key in self._expected and key not in self._found
                strayed = watched and not self._holds(key, position := self._position(key))
                if strayed:
                    self._found[key] = position
            if strayed:
                self.on_failure()

        signal.subscribe(changed, run=False)
