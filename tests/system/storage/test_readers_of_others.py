"""If these fail, a user group cannot open exported files in the programs that they use for spectra.

The programs are not part of the test extra: they bring 60 packages. `pip install nexpy xraylarch` installs them.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.xas.results import SpectrumResults
from storage import Store, load_run, open_store
from storage.export.runs import export_runs
from tests.support.live_runs import energy_run
from tests.support.stored_runs import StoredRuns
from tests.support.waiting import COMMAND_S

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    stored = StoredRuns(tmp_path_factory.mktemp("data"))
    facts = {"sample": "CsPbBr3: vial 7", "scan_id": 12, "mono_d_spacing_angstrom": 2.05948}
    stored.write(energy_run("energy-1", overrides=facts))
    stored.close()
    with open_store(stored.root, recover_runs=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def spectra(store: Store) -> SpectrumResults:
    found = reduce_run(load_run(store, "energy-1"))
    assert isinstance(found, SpectrumResults)
    return found


@pytest.mark.skipif(importlib.util.find_spec("larch") is None, reason="no Larch; `pip install xraylarch`")
def test_larch_reads_every_digit_of_xdi(store: Store, spectra: SpectrumResults, tmp_path: Path) -> None:
    from larch.io import read_xdi

    for path, spectrum in zip(sorted(export_runs(store, ["energy-1"], "xdi", tmp_path)), spectra.spectra, strict=True):
        group = read_xdi(str(path))
        usual = ["energy", "off", "off_sigma", "on", "on_sigma", "transient", "transient_sigma"]
        assert group.array_labels == [*usual, "transient_best", "transient_best_sigma"]
        np.testing.assert_array_equal(group.energy, spectrum.energy_ev)
        np.testing.assert_array_equal(group.transient, spectrum.transient)
        np.testing.assert_array_equal(group.transient_sigma, spectrum.sigma)
        assert (group.element, group.edge) == ("Br", "K")
        assert group.d_spacing == 2.05948


@pytest.mark.skipif(importlib.util.find_spec("nexpy") is None, reason="no NeXpy; `pip install nexpy`")
def test_nexpy_opens_and_draws_the_transient(store: Store, spectra: SpectrumResults, tmp_path: Path) -> None:
    """Its own main window, in a process of its own, as it takes the application and the exception hook for itself."""
    (path,) = export_runs(store, ["energy-1"], "nexus", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.in_nexpy", str(path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    spc = next(one for one in spectra.spectra if one.metadata.mode == "spc")
    assert shown["data"] == "/transient_best_spc/data"
    np.testing.assert_array_equal(shown["y"], spc.transient)
    np.testing.assert_array_equal(shown["errors"], spc.sigma)
    assert "eV" in shown["x_label"]
