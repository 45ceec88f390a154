"""A RunEngine on the fake hardware, and every document it emitted."""

from __future__ import annotations

from typing import Any

from bluesky import RunEngine
from fake_beamline import FakeHardware


class RecordedRuns:
    """Runs plans of the fake beamline `line`; `documents` are those of all runs, in order."""

    def __init__(self) -> None:
        self.hardware = FakeHardware()
        self.line = self.hardware.beamline
        self.engine = RunEngine({}, call_returns_result=True)
        self.documents: list[tuple[str, dict[str, Any]]] = []
        self.engine.subscribe(lambda name, doc: self.documents.append((name, doc)))

    def run(self, plan: Any) -> Any:
        """Run `plan`; returns what it returns."""
        return self.engine(plan).plan_result

    @property
    def events(self) -> list[dict[str, Any]]:
        return [doc["data"] for name, doc in self.documents if name == "event"]

    @property
    def starts(self) -> list[dict[str, Any]]:
        return [doc for name, doc in self.documents if name == "start"]

    @property
    def stops(self) -> list[dict[str, Any]]:
        return [doc for name, doc in self.documents if name == "stop"]

    def moved(self, name: str) -> list[Any]:
        """Every setpoint that was put to the record called `name`, in order."""
        return [value for moved, value in self.hardware.moves if moved == name]

    def assert_untouched(self) -> None:
        """Nothing moved, no run began."""
        assert self.hardware.moves == []
        assert self.documents == []
