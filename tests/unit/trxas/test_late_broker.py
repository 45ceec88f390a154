"""If these fail, `db` of the prompt is something else than databroker's Broker, or slows down its start."""

from __future__ import annotations

from typing import Any

from trxas.prompt.late_broker import LateBroker


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
