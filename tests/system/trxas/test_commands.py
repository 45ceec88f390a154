"""If these fail, people wait for an answer that a command has at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storage import list_runs, open_store
from storage.table.night_table import NightTable
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns, later

SLOW = {
    "bluesky",
    "databroker",
    "IPython",
    "lmfit",
    "matplotlib",
    "ophyd",
    "pandas",
    "qtpy",
    "scipy",
    "sqlalchemy",
    "tiled",
    "xarray",
    "xraydb",
}
"""Libraries that take a few tenths of a second to several seconds to import."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a run whose row is saved, and without a run to recover."""
    stored = StoredRuns(tmp_path_factory.mktemp("data"))
    stored.write(later(energy_run("energy-1", overrides={"plan_name": "energy_scan"}), 0.0))
    stored.close()
    with open_store(stored.root) as store:
        NightTable(store).rows(list_runs(store))
    return stored.root


@pytest.mark.parametrize(
    ("command", "answer", "slow"),
    [
        (["--help"], "Commands:", SLOW | {"numpy", "rich"}),
        (["plugins"], "", SLOW),
        (["alerts", "test", "--data", "DATA"], "", SLOW),
        (["runs", "list", "--data", "DATA"], "energy-1"[:8], SLOW),
        (["runs", "note", "-1", "a good run", "--data", "DATA"], "a good run", SLOW),
    ],
)
def test_a_light_command_loads_no_slow_library(
    data: Path, command: list[str], answer: str, slow: set[str], cold_starts: None
) -> None:
    """Lost: an answer in a second; bluesky, Tiled and their libraries take up to twelve to import."""
    arguments = [str(data) if one == "DATA" else one for one in command]
    code = f"import sys; from trxas.commands.main import main; main({arguments!r}); print('LOADED', *sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer in said
    assert set(said.partition("LOADED")[2].split()) & slow == set()
