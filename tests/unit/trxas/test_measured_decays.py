"""If these fail, sizes stay uncorrected although the decay lies in the same folder, or every look-up fits again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from errors import StorageError
from tests.support import live_runs
from tests.support.stored_runs import StoredRuns
from trxas.results import measured_decays
from trxas.results.measured_decays import MeasuredDecays


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """A folder with an energy scan, a delay scan after it, and one that is still measured."""
    runs = StoredRuns(tmp_path)
    runs.write(live_runs.energy_run("energy"))
    runs.write(live_runs.delay_run("delay"))
    runs.write(live_runs.delay_run("open", overrides={"fluence_mj_cm2": 8.8})[:-1])
    yield SimpleNamespace(root=tmp_path, images=tmp_path / "images")
    runs.close()


def test_the_delay_scan_of_the_same_sample_is_found_and_fitted_once(store: Any, monkeypatch: Any) -> None:
    """A scan that is still measured changes with every point: it would give another correction at every look."""
    fits: list[str] = []

    def counted(documents: Any) -> Any:
        fits.append(documents[0][1]["uid"])
        return SimpleNamespace(uid=fits[-1])

    monkeypatch.setattr(measured_decays, "decay_of", counted)
    decays = MeasuredDecays(lambda: store)
    start = live_runs.energy_run("energy")[0][1]
    found = [decays(start), decays(start)]
    assert [getattr(one, "uid", None) for one in found] == ["delay", "delay"]
    assert fits == ["delay"]
    assert decays({**start, "sample": "another"}) is None
    assert decays({**start, "sample": ""}) is None


def test_a_store_that_cannot_be_read_costs_the_correction_only(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Any:
        raise StorageError("The folder is gone. Mount it again.")

    assert MeasuredDecays(broken)(live_runs.energy_run()[0][1]) is None
    assert "The folder is gone" in caplog.text
