"""If these fail, a run that is too long for the memory reduces to something else than a short one, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from reduction.kinds import reduce_run
from storage.stored_run import StoredRun, with_start
from tests.support.beam_time import BeamTime, br_signal, br_static, energy_points


class Journal:
    """Documents, and how often they were looked through."""

    def __init__(self, documents: list[Any]) -> None:
        self.documents = documents
        self.times = 0

    def read(self) -> Iterator[Any]:
        self.times += 1
        return iter(self.documents)


@pytest.fixture
def journal() -> Journal:
    energy = energy_points()
    run = BeamTime(points=energy, static=br_static(energy), signal=br_signal(energy), scans=2)
    return Journal(run.documents(np.random.default_rng(1)))


def test_it_is_read_as_a_list_would_be(journal: Journal) -> None:
    run = StoredRun(journal.read)
    whole = journal.documents
    assert run[0] is whole[0]
    assert run
    assert run[-1] is whole[-1]
    assert len(run) == len(whole)
    assert run[3] is whole[3]
    assert run[-2] is whole[-2]
    assert run[1:4] == whole[1:4]
    assert list(run) == whole
    with pytest.raises(IndexError, match="no document 1000"):
        _ = run[1000]
    assert not StoredRun(lambda: iter(()))


def test_the_end_is_known_after_one_reading(journal: Journal) -> None:
    """Lost: minutes, for each question to a run of a million events."""
    run = StoredRun(journal.read)
    for _ in run:
        pass
    assert run[-1] is journal.documents[-1]
    assert len(run) == len(journal.documents)
    assert journal.times == 1


def test_it_reduces_to_the_same_results_with_another_start(journal: Journal) -> None:
    start = {**journal.documents[0][1], "sample": "another"}
    runs = [with_start(run, start) for run in (StoredRun(journal.read), journal.documents)]
    assert isinstance(runs[0], StoredRun)
    assert list(runs[0]) == list(runs[1])
    assert reduce_run(runs[0]).table() == reduce_run(runs[1]).table()
