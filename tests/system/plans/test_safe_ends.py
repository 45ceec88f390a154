"""If these fail, a plan that ends badly leaves laser or X-rays on the sample."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.support.disturbed_plans import (
    TO_DEVICES,
    abort_at,
    assert_shut,
    disturb,
    fail_at,
    pause_at,
    places,
)
from tests.support.quick_plans import PLANS, quick_plan
from tests.support.recorded_runs import RecordedRuns

PLACES = 9


@pytest.mark.parametrize("name", PLANS)
def test_a_disturbed_plan_leaves_the_shutters_shut(name: str, tmp_path: Path) -> None:
    """Some places of each plan; the one below has all of them."""
    found = places(name, tmp_path, TO_DEVICES)
    found = found[1:] or found
    some = found[:: len(found) // PLACES + 1]
    disturb(name, tmp_path, zip(itertools.cycle([fail_at, abort_at, pause_at]), some))


@pytest.mark.parametrize("name", PLANS)
def test_a_document_that_cannot_be_stored_leaves_both_shut(name: str, tmp_path: Path) -> None:
    """Whatever fails that is not a device: the disk, or somebody's callback. The first and the last documents."""
    with RecordedRuns(tmp_path) as runs:
        runs.run(quick_plan(runs.line, name))
        number = len(runs.documents)
    for place in sorted({*range(1, number + 1)[:3], *range(1, number + 1)[-2:]}):
        with RecordedRuns(tmp_path) as runs:

            def refuse(kind: str, doc: Any, runs: RecordedRuns = runs, place: int = place) -> None:
                if len(runs.documents) == place:
                    raise OSError("disk full")

            runs.engine.subscribe(refuse)
            with pytest.raises(OSError, match="disk full"):
                runs.run(quick_plan(runs.line, name))
            assert_shut(runs, name, f"after document {place}")
