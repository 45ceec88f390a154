"""The verdict on the delay axis, printed when the last run of a self-test has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devices.configuration import BeamlineConfiguration
from plans.xas.delay_self_test import KEY, self_test_arms
from reduction.types import NamedDocument


class SelfTestJudge:
    """A subscriber that collects the runs of a self-test, and judges them once every arm has one.

    A run of another series begins a new collection.
    """

    def __init__(self, configuration: BeamlineConfiguration, say: Callable[[str], object] = print) -> None:
        self._arms = {arm.name for arm in self_test_arms(configuration)}
        self._say = say
        self._series = ""
        self._runs: dict[str, list[NamedDocument]] = {}
        self._open: list[NamedDocument] | None = None

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of any run."""
        if name == "start":
            self._begin(doc)
        elif self._open is not None:
            self._open.append((name, doc))
            if name == "stop":
                self._end()

    def _begin(self, start: Mapping[str, Any]) -> None:
        self._open = None
        if KEY not in start:
            return
        # All arms of one self-test share a series. A self-test that was aborted leaves runs of some arms behind; the
        # next one has another series and begins from nothing, so that arms of two tests are never judged together.
        if start["series"] != self._series:
            self._series = str(start["series"])
            self._runs = {}
        self._open = [("start", start)]

    def _end(self) -> None:
        """Collect the run that has ended, and judge the axis if it was the last one missing."""
        run = self._open
        assert run is not None  # only an open run ends
        self._open = None
        self._runs[str(run[0][1][KEY]["arm"])] = run
        if self._runs.keys() == self._arms:
            # Imported here, as in every reduction that the start of a session does not need.
            from trxas.session.self_test_verdict import verdict_text

            self._say(verdict_text(self._runs))
            self._runs = {}
