"""The fake beamline with its engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.recorded_runs import RecordedRuns


@pytest.fixture
def recorded() -> Iterator[RecordedRuns]:
    """Runs of one test, without a Pilatus."""
    with RecordedRuns() as runs:
        yield runs
