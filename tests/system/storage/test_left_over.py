"""If these fail, a session killed while its catalogue was written costs that run its place in the catalogue."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bluesky import RunEngine

from storage import Store, load_run
from storage.run_writer import write_run
from tests.support.recorded_runs import uids_of


def test_arrays_without_an_entry_are_no_obstacle(
    store: Store, run_engine: RunEngine, scan: Callable[..., Any], tmp_path: Path
) -> None:
    """SIGKILL between the making of an array's folder and its entry in the database."""
    store.subscribe(run_engine)
    (uid,) = uids_of(run_engine(scan(3, 1)))
    store.wait()
    data = store.catalogue.data
    assert data is not None
    documents = load_run(store, uid)
    shutil.copytree(data / uid, tmp_path / "left over")
    store.catalogue.connect()[uid].delete(recursive=True, external_only=False)
    shutil.rmtree(data / uid, ignore_errors=True)
    shutil.copytree(tmp_path / "left over", data / uid)
    write_run(store.catalogue, documents)
    assert len(store.db[uid].table()) == 3
