"""If this fails, resuming after a crash disturbs a run that is still being measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from errors import InputError
from storage import open_store
from tests.support.live_runs import delay_run
from tests.support.stored_runs import StoredRuns
from trxas.session.resume import resume_run


def test_a_run_that_is_being_measured_is_not_resumed(tmp_path: Path) -> None:
    """Lost: two processes that measure the same points, and a dataset with each of them twice."""
    stored = StoredRuns(tmp_path)
    stored.write(delay_run("under-way")[:30])

    def measure(_plan: Any) -> str:
        raise AssertionError("it moved the beamline")

    with open_store(tmp_path, recover_runs=False) as store:
        session = cast("Any", SimpleNamespace(store=store, beamline=None, measure=measure))
        with pytest.raises(InputError, match="Run under-way is still being measured by another process"):
            resume_run(session, "under-way")
    stored.close()
