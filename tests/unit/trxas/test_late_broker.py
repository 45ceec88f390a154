"""If these fail, `db` of the prompt is something else than databroker's Broker, or slows down its start."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from errors import StorageError
from trxas.prompt.late_broker import LateBroker, broker_of


class FakeBroker:
    """What is used of a Broker, over two runs."""

    name = "fake"

    def __init__(self) -> None:
        self.runs = ["first", "second"]

    def __getitem__(self, key: int) -> str:
        return self.runs[key]

    def __call__(self, **query: Any) -> list[str]:
        return [run for run in self.runs if run == query["sample"]]

    def __iter__(self) -> Any:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)


def test_it_is_made_when_it_is_used_and_then_like_the_broker() -> None:
    """Lost: seconds of every start, or the runs behind `db[-1]`, `db(sample=...)` and `db.v2`."""
    made: list[FakeBroker] = []

    def make() -> Any:
        made.append(FakeBroker())
        return made[-1]

    broker = LateBroker(make)
    assert "Broker" in repr(broker)
    assert not made
    assert broker[-1] == "second"
    assert broker(sample="first") == ["first"]
    assert list(broker) == ["first", "second"]
    assert len(broker) == 2
    assert broker.name == "fake"
    assert "runs" in dir(broker)


class BusyStore:
    """A store whose documents are on their way to the catalogue, or stuck there."""

    def __init__(self, *, stuck: bool) -> None:
        self.db = FakeBroker()
        self.db.runs.pop()
        self._stuck = stuck

    def wait(self, timeout_s: float) -> None:
        if self._stuck:
            raise StorageError(f"The catalogue did not take all documents within {timeout_s:g} s.")
        self.db.runs.append("second")


def test_the_run_that_has_just_ended_is_found() -> None:
    """Lost: `db[-1]` right after a scan, which would be the run before, or none."""
    store: Any = BusyStore(stuck=False)
    assert LateBroker(lambda: broker_of(store))[-1] == "second"


def test_a_catalogue_that_lags_is_shown_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Lost: all earlier runs, as long as the newest cannot be catalogued."""
    store: Any = BusyStore(stuck=True)
    caplog.set_level(logging.WARNING, "trxas")
    assert list(LateBroker(lambda: broker_of(store))) == ["first"]
    assert "`db` may lack runs" in caplog.text
