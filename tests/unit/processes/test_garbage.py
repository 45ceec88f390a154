"""If these fail, searches for garbage stop a session in the middle of a step, or a user's own setting is lost."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from processes.garbage import NEW_OBJECTS, search_rarely


@pytest.fixture(autouse=True)
def own_thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((700, 10, 10), (NEW_OBJECTS, 10, 10)),
        ((10 * NEW_OBJECTS, 5, 5), (10 * NEW_OBJECTS, 5, 5)),
        ((0, 10, 10), (0, 10, 10)),
    ],
    ids=["Python's default", "more rarely", "never"],
)
def test_searches_become_rarer_and_never_more_frequent(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    gc.set_threshold(*before)
    search_rarely()
    assert gc.get_threshold() == after
