"""If these fail, a campaign cannot be handed to an archive whole, or nobody can tell later whether it is."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path

import pytest

from errors import ConfigurationError, InputError
from processes.cluster import Cluster
from storage import list_runs, open_store
from storage.notes import RunNotes
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns, later
from trxas.results.bundle import write_bundle


def test_a_bundle_has_everything_and_its_checksums(tmp_path: Path) -> None:
    stored = StoredRuns(tmp_path / "data")
    stored.write(later(energy_run("energy-1", overrides={"scan_id": 3, "sample": "<b>"}), 0.0))
    # A run that was ended before anything could be reduced is in it, too.
    stored.write(later(energy_run("energy-2", overrides={"scan_id": 4}), 100.0)[:2])
    stored.close()
    RunNotes(tmp_path / "data").change("energy-1", comment="for the paper")
    steps: list[tuple[int, int]] = []
    with open_store(tmp_path / "data", recover_runs=False) as store:
        runs = list_runs(store, journals_only=True)
        folder = write_bundle(store, runs, tmp_path / "bundle", lambda *step: steps.append(step))
        with pytest.raises(InputError, match="exists already"):
            write_bundle(store, runs, folder, lambda *_: None)
        with pytest.raises(InputError, match="No runs fit"):
            write_bundle(store, [], tmp_path / "other", lambda *_: None)
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "data"]

    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"night.md", "night.csv", "night.html", "null-tests.csv", "index.html", "settings/notes.jsonl"} <= names
    assert {"reduced/00003_energy_scan_Br-K.nxs", "figures/00003_energy-1.png", "figures/00003_energy-1.pdf"} <= names
    assert sum(name.startswith("raw/") for name in names) == 2
    assert json.loads((folder / "settings/00003_energy-1.json").read_text())["uid"] == "energy-1"
    page = (folder / "index.html").read_text()
    assert "for the paper" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert 'src="figures/00003_energy-1.png"' in page
    with (folder / "null-tests.csv").open() as file:
        assert [row["test"] for row in csv.DictReader(file)] == ["unpumped - unpumped"]

    manifest = json.loads((folder / "manifest.json").read_text())
    assert {one["path"] for one in manifest["files"]} == names - {"manifest.json", "SHA256SUMS"}
    lines = [line.split("  ", 1) for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = {name: found for found, name in lines}
    assert sums.keys() == names - {"SHA256SUMS"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == found for name, found in sums.items())


def test_a_missing_dask_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match="Dask is not installed"):
        list(Cluster(scheduler="tcp://127.0.0.1:9").map(abs, [1]))


def test_items_are_answered_in_their_order_by_one_process() -> None:
    assert list(Cluster().map(abs, [-3, 2, -1])) == [3, 2, 1]
    with pytest.raises(InputError, match="at least 1"):
        Cluster(workers=0)
