"""If these fail, the numbers of a campaign depend on where it was reduced."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ConfigurationError
from processes.cluster import Cluster
from storage import list_runs, open_store
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns, later
from trxas.results.bundle import write_bundle

pytestmark = pytest.mark.long


def _names_and_numbers(folder: Path) -> dict[str, bytes]:
    """Content of all files whose bytes depend on the runs alone: figures and HDF5 files hold times of their making."""
    paths = [path for path in folder.rglob("*") if path.suffix in {".csv", ".json", ".md", ".html", ".msgpack"}]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.name != "manifest.json"}


def _stored(root: Path, number: int) -> Path:
    stored = StoredRuns(root)
    for scan_id in range(number):
        documents = energy_run(f"energy-{scan_id}", seed=scan_id, overrides={"scan_id": scan_id})
        stored.write(later(documents, 100.0 * scan_id))
    stored.close()
    (root / "columns.py").write_text("def exposures(run):\n    return len(run.documents)\n", encoding="utf-8")
    return root


def _bundles(root: Path, folder: Path, clusters: dict[str, Cluster]) -> dict[str, Path]:
    made = {}
    for name, cluster in clusters.items():
        (root / "rows.jsonl").unlink(missing_ok=True)
        with open_store(root, recover_runs=False) as store:
            runs = list_runs(store, journals_only=True)
            made[name] = write_bundle(store, runs, folder / name, lambda *_: None, cluster)
    return made


def test_several_processes_give_the_same_bundle_to_the_last_bit(tmp_path: Path) -> None:
    root = _stored(tmp_path / "data", 6)
    made = _bundles(root, tmp_path, {"one": Cluster(), "three": Cluster(workers=3)})
    assert _names_and_numbers(made["one"]) == _names_and_numbers(made["three"])
    assert len(list(made["three"].glob("reduced/*.nxs"))) == 6


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="no Dask; `pip install distributed`")
    monkeypatch.setattr("processes.cluster.CONNECT_S", 0.1)
    with pytest.raises(ConfigurationError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(Cluster(scheduler="tcp://127.0.0.1:9").map(abs, [1]))


def test_a_dask_cluster_gives_the_same_bundle_to_the_last_bit(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="no Dask; `pip install distributed`")
    root = _stored(tmp_path / "data", 6)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as cluster:
        clusters = {"here": Cluster(), "dask": Cluster(scheduler=cluster.scheduler_address)}
        made = _bundles(root, tmp_path, clusters)
    assert _names_and_numbers(made["here"]) == _names_and_numbers(made["dask"])
