"""If these fail, a plan and the catalogue import at once, and the first scan of a session ends with an ImportError."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from storage.catalogue_writer import CatalogueWriter
from tests.support.waiting import WAIT_S


class Opening:
    """A catalogue whose opening lasts until `goes_on` is set."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.goes_on = threading.Event()
        self.times = 0
        self.over = False

    def __call__(self) -> Any:
        self.times += 1
        self.begun.set()
        self.goes_on.wait(WAIT_S)
        self.over = True
        return self

    def connect(self) -> None:
        """Return no client: nothing is written."""


@pytest.fixture
def writers() -> Iterator[Callable[[Any], CatalogueWriter]]:
    made: list[CatalogueWriter] = []

    def make(opening: Any) -> CatalogueWriter:
        journal: Any = None
        made.append(CatalogueWriter(opening, journal, flush_period_s=60.0))
        return made[-1]

    yield make
    for writer in made:
        writer.close()


def test_a_plan_begins_after_the_catalogue_was_opened(writers: Callable[[Any], CatalogueWriter]) -> None:
    opening = Opening()
    opening.goes_on.set()
    writer = writers(opening)
    writer.open_ahead()
    assert opening.over
    writer.open_ahead()
    assert opening.times == 1


def test_a_line_at_the_prompt_waits_for_an_opening_that_has_begun(writers: Callable[[Any], CatalogueWriter]) -> None:
    opening = Opening()
    writer = writers(opening)
    writer.wait_while_opening()  # returns at once, as nothing has begun
    plan = threading.Thread(target=writer.open_ahead)
    plan.start()
    assert opening.begun.wait(WAIT_S)
    found: list[bool] = []

    def line() -> None:
        writer.wait_while_opening()
        found.append(opening.over)

    waiting = threading.Thread(target=line)
    waiting.start()
    waiting.join(0.2)
    assert found == []
    opening.goes_on.set()
    for thread in (waiting, plan):
        thread.join(WAIT_S)
    assert found == [True]


def test_a_catalogue_that_cannot_be_opened_keeps_no_plan_from_running(
    writers: Callable[[Any], CatalogueWriter], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise OSError("no such server")

    writers(fail).open_ahead()
    assert "The catalogue cannot be opened (no such server)" in caplog.text
