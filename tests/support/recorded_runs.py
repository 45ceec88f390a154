"""A RunEngine on the fake hardware, and every document it emitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from bluesky import RunEngine

from tests.support.fake_beamline import FakeHardware
from tests.support.waiting import WAIT_S


def uids_of(result: Any) -> tuple[str, ...]:
    """Return the uids of the runs of a RunEngine's call, which bluesky gives in two ways."""
    return tuple(getattr(result, "run_start_uids", result))


class RecordedRuns:
    """Runs plans of the fake beamline `line`, which has a Pilatus if there is a folder for its `images`.

    `documents` are those of all runs, in order. Close it, or use it in a `with`: the engine has a thread.
    """

    def __init__(self, images: Path | None = None) -> None:
        self.hardware = FakeHardware(images)
        self.line = self.hardware.beamline
        self.engine = RunEngine({}, call_returns_result=True)
        self.documents: list[tuple[str, dict[str, Any]]] = []
        self.engine.subscribe(lambda name, doc: self.documents.append((name, doc)))

    def close(self) -> None:
        """End the engine, and a plan that is paused."""
        if self.engine.state == "paused":
            self.engine.halt()
        loop = self.engine.loop
        loop.call_soon_threadsafe(loop.stop)
        self.engine._th.join(WAIT_S)
        loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, plan: Any) -> Any:
        """Run `plan`; returns what it returns."""
        result: Any = self.engine(plan)
        return result.plan_result

    @property
    def events(self) -> list[dict[str, Any]]:
        return [doc["data"] for name, doc in self.documents if name == "event"]

    @property
    def exposures(self) -> list[dict[str, Any]]:
        """The events but those of suspensions."""
        return [event for event in self.events if "suspended" not in event]

    @property
    def suspensions(self) -> list[dict[str, Any]]:
        return [event for event in self.events if "suspended" in event]

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
