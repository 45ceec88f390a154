"""A delay in memory that a read-out need not wait for: its server answers all requests when they are sent."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from devices.beamline import Beamline
from devices.signals.uncached_signal import FreshSignalRO, PvReading, read_with_alarms


class Answers:
    """Answers of a server that has answered before it did anything else."""

    def __init__(self, answers: dict[str, PvReading]) -> None:
        self._answers = answers

    def have_come(self) -> bool:
        return True

    def collect(self, **_: float) -> dict[str, PvReading]:
        return self._answers

    def drop(self) -> None:
        """Nothing is left to come."""


class AnsweredAtOnce:
    """Requests to a server that answers them when they are sent."""

    def __init__(self, signals: Mapping[str, FreshSignalRO]) -> None:
        self._signals = signals

    def send(self) -> Answers:
        return Answers(read_with_alarms(self._signals))


def answer_at_once(monkeypatch: pytest.MonkeyPatch, line: Beamline) -> None:
    """Let the delay of `line` move behind the requests of a read-out, as signals in memory are on no server."""
    monkeypatch.setattr("devices.exposure.exposing_reader.PreparedRequests", AnsweredAtOnce)
    monkeypatch.setattr("devices.exposure.exposing_reader.one_server", lambda _: True)
    monkeypatch.setattr(type(line.delay), "moves_during_read_out", True)
