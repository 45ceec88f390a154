"""If these fail, a user group takes home files that their tools cannot open, or that hold other numbers."""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from nexusformat.nexus import nxload
from nexusformat.nexus.validate import validate_application, validate_file

from errors import InputError, ReductionError, StorageError
from reduction.image_references import ImageReference
from reduction.kinds import reduce_run
from reduction.run_kind import RunResults
from reduction.xas.results import FluenceResults, SpectrumResults, TraceResults
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from storage import Store, load_run, open_store
from storage.export.nexus import write_nexus
from storage.export.runs import export_runs
from storage.export.source import run_export
from storage.export.text_files import xdi_text
from tests.support.live_runs import delay_run, energy_run, fluence_run
from tests.support.stored_runs import StoredRuns, later
from tests.support.tplm.runs import map_documents


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    stored = StoredRuns(tmp_path_factory.mktemp("data"))
    given = {"sample": "CsPbBr3: vial 7 / µ", "scan_id": 12, "versions": {"trxas": "0.2.0"}}
    stored.write(later(energy_run("energy-1", overrides=given), 0.0))
    stored.write(later(energy_run("energy-2", seed=2, overrides={**given, "scan_id": 13}), 500.0))
    stored.write(later(delay_run("delay-3", overrides={"scan_id": 14}), 1000.0))
    stored.write(later(fluence_run("fluence-4", overrides={"scan_id": 15}), 2000.0))
    stored.close()
    with open_store(stored.root, recover_runs=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def results(store: Store) -> dict[str, RunResults]:
    """The results of each run, reduced once."""
    return {uid: reduce_run(load_run(store, uid)) for uid in ("energy-1", "delay-3", "fluence-4")}


@pytest.fixture(scope="module")
def spectra(results: dict[str, RunResults]) -> SpectrumResults:
    found = results["energy-1"]
    assert isinstance(found, SpectrumResults)
    return found


def columns(text: str) -> dict[str, np.ndarray[Any, Any]]:
    """The table of an XDI file, read by the rules of the format."""
    lines = text.splitlines()
    assert re.fullmatch(r"# XDI/1\.0( \S+)*", lines[0])
    end = next(number for number, line in enumerate(lines) if re.fullmatch(r"#\s*-{3,}", line))
    fields = lines[1 : lines.index("# ///")]
    assert all(re.fullmatch(r"# [A-Za-z]\w*\.\w+: .*", line) for line in fields if line != "")
    labels = lines[end + 1].lstrip("# ").split()
    listed = [match[1] for line in fields if (match := re.match(r"# Column\.\d+: (\S+)", line))]
    assert labels == listed
    table = np.array([line.split() for line in lines[end + 2 :]], dtype=float)
    return dict(zip(labels, table.T, strict=True))


def test_xdi_gives_back_every_digit(store: Store, spectra: SpectrumResults, tmp_path: Path) -> None:
    """Lost: a spectrum in Athena or Larch, or its last digits."""
    boxcar, spc = sorted(export_runs(store, ["energy-1"], "xdi", tmp_path))
    assert (boxcar.name, spc.name) == ("00012_energy_scan_Br-K_boxcar.xdi", "00012_energy_scan_Br-K_spc.xdi")
    for path, spectrum in zip((boxcar, spc), spectra.spectra, strict=True):
        text = path.read_text(encoding="ascii")
        found = columns(text)
        assert np.array_equal(found["energy"], spectrum.energy_ev)
        for name in ("off", "on", "transient"):
            assert np.array_equal(found[name], getattr(spectrum, name))
        assert np.array_equal(found["transient_sigma"], spectrum.sigma)
        assert np.array_equal(found["on_sigma"], spectrum.on_sigma)
        assert "# Element.symbol: Br\n# Element.edge: K\n" in text
        assert "# Sample.name: CsPbBr3; vial 7 / ?\n" in text
        assert "# Trxas.delay: " in text


def test_nexus_is_valid_and_plots_its_transient(store: Store, spectra: SpectrumResults, tmp_path: Path) -> None:
    """Lost: the run in NeXpy, DAWN or a catalogue that reads NeXus."""
    (path,) = export_runs(store, ["energy-1"], "nexus", tmp_path)
    logging.getLogger("NXValidate").setLevel(logging.CRITICAL)
    assert validate_file(str(path)) == (0, 0)
    root = nxload(path)
    entries = [f"{name}_{mode}" for name in ("off", "on", "transient") for mode in ("boxcar", "spc")]
    assert sorted(root) == sorted([*entries, "transient_best_boxcar", "transient_best_spc"])
    plotted = root[root.default].data
    assert root.default == "transient_best_spc"
    spectrum = spectra.spectra[-1]
    assert np.array_equal(plotted.nxsignal.nxvalue, spectrum.transient)
    assert np.array_equal(plotted.nxerrors.nxvalue, spectrum.sigma)
    assert np.array_equal(plotted.nxaxes[0].nxvalue, spectrum.energy_ev)
    assert plotted.energy.attrs["units"] == "eV"
    assert (float(plotted.delay), plotted.delay.attrs["units"]) == (load_run(store, 12)[0][1]["delay_ps"], "ps")
    laser = root["transient_spc/instrument/laser"]
    assert (laser.nxclass, str(laser.type)) == ("NXsource", "Optical Laser")
    assert str(root["on_spc/sample/name"]) == "CsPbBr3: vial 7 / µ"
    assert json.loads(str(root["on_spc/run/data"]))["uid"] == "energy-1"
    for mode in ("boxcar", "spc"):
        assert str(root[f"off_{mode}/definition"]) == "NXxas"
        assert validate_application(str(path), path=f"/off_{mode}") == (0, 0)


@pytest.mark.parametrize(("key", "axis"), [("delay-3", "delay_ps"), ("fluence-4", "fluence_mj_cm2")])
def test_other_scans_have_their_own_axis(
    store: Store, results: dict[str, RunResults], tmp_path: Path, key: str, axis: str
) -> None:
    (path,) = export_runs(store, [key], "nexus", tmp_path)
    logging.getLogger("NXValidate").setLevel(logging.CRITICAL)
    assert validate_file(str(path)) == (0, 0)
    found = results[key].tables()[-1]
    root = nxload(path)
    data = root[root.default].data
    assert data.nxaxes[0].nxname == axis
    assert np.array_equal(data.nxaxes[0].nxvalue, found.axis.values)


def test_a_run_without_xrays_claims_none(tmp_path: Path) -> None:
    """Lost: a photoluminescence map that says it was measured at a synchrotron."""
    setting = Setting(power_nw=10.0, repetition_rate_mhz=40.0)
    documents = map_documents(load_film(), setting, np.random.default_rng(1), temperature_k=150.0, scan_id=1)
    write_nexus(tmp_path / "map.nxs", run_export(documents))
    with h5py.File(tmp_path / "map.nxs") as file:
        entry = file["mean_square_displacement"]
        assert "source" not in entry["instrument"]
        assert "mode" not in entry["data"]
        assert entry["data"].attrs["signal"] == "detector"
        assert entry["data/detector"].shape == entry["data/delay_ns"].shape == entry["data/detector_errors"].shape
        assert entry["data/detector"].attrs["long_name"] == "mean_square_displacement (nm2)"
        assert entry["sample/temperature"][()] == 150
        assert entry["sample/temperature"].attrs["units"] == "K"


def test_csv_and_hdf5_have_units_and_every_digit(store: Store, spectra: SpectrumResults, tmp_path: Path) -> None:
    _, spc = export_runs(store, ["energy-1"], "csv", tmp_path)
    lines = [line for line in spc.read_text().splitlines() if not line.startswith("#")]
    table = np.array(list(csv.reader(lines[1:])), dtype=float)
    # The first columns are those of earlier versions, by name and place: scripts of users read them.
    assert lines[0].startswith("energy_ev (eV),off,off_sigma,on,on_sigma,transient,transient_sigma,")
    assert lines[0].endswith(",transient_best,transient_best_sigma")
    assert np.array_equal(table[:, 5], spectra.spectra[-1].transient)
    (path,) = export_runs(store, ["energy-1"], "hdf5", tmp_path)
    with h5py.File(path) as file:
        assert np.array_equal(file["spc/transient_sigma"], spectra.spectra[-1].sigma)
        assert file["boxcar/energy_ev"].attrs["units"] == "eV"
        assert json.loads(file.attrs["start"])["scan_id"] == 12


def test_a_series_is_one_file(store: Store, spectra: SpectrumResults, tmp_path: Path) -> None:
    """Lost: the combined spectrum of a night, point by point with its errors."""
    (path,) = export_runs(store, ["energy-1", 13], "nexus", tmp_path, combine=True)
    assert path.name == "00012_energy_scan_Br-K_2-runs.nxs"
    root = nxload(path)
    assert str(root[root.default].entry_identifier) == "energy-1 energy-2"
    single = spectra.tables()[-1]
    errors = root[root.default].data.nxerrors.nxvalue
    assert single.columns[-1].sigma is not None
    assert np.median(errors) < 0.8 * np.median(single.columns[-1].sigma)


def test_files_are_not_overwritten(store: Store, tmp_path: Path) -> None:
    first = export_runs(store, ["fluence-4"], "hdf5", tmp_path)
    second = export_runs(store, ["fluence-4"], "hdf5", tmp_path)
    assert [path.name for path in (*first, *second)] == ["00015_fluence_scan_Br-K.h5", "00015_fluence_scan_Br-K-2.h5"]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_exported_has_a_reason(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="XDI holds spectra over the energy"):
        export_runs(store, ["fluence-4"], "xdi", tmp_path)
    with pytest.raises(InputError, match="nexus, xdi, hdf5, csv"):
        export_runs(store, ["energy-1"], "doc", tmp_path)
    with pytest.raises(InputError, match="No runs are given"):
        export_runs(store, [], "csv", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        export_runs(store, ["energy-1"], "csv", tmp_path / "file")
    with pytest.raises(ReductionError, match="have no curves"):
        RunResults(kind="other").to_dataframe()


def test_results_as_xarray_and_pandas(results: dict[str, RunResults], spectra: SpectrumResults) -> None:
    """Lost: the results in the tools in which people analyse them."""
    data = spectra.to_xarray()
    assert dict(data.sizes) == {"detector": 2, "energy_ev": 44}
    assert np.array_equal(data.transient.sel(detector="spc"), spectra.spectra[-1].transient)
    assert data.energy_ev.attrs["units"] == "eV"
    assert data.transient.attrs["units"] == "post-edge = 1"
    frame = spectra.to_dataframe()
    assert list(frame.columns[:3]) == ["detector", "energy_ev", "off"]
    spc = frame[frame.detector == "spc"]
    assert np.array_equal(spc.transient_sigma, spectra.spectra[-1].sigma)
    assert frame.attrs["units"]["energy_ev"] == "eV"
    trace = results["delay-3"]
    assert isinstance(trace, TraceResults)
    assert trace.to_xarray().sizes["delay_ps"] == 48
    fluence = results["fluence-4"]
    assert isinstance(fluence, FluenceResults)
    assert "on_sigma" not in fluence.to_dataframe().columns


def test_images_leave_with_their_run(tmp_path: Path, store: Store) -> None:
    """Lost: diffraction images, which stay at the beamline when the file goes home."""
    path = tmp_path / "detector.h5"
    truth = np.arange(4 * 6 * 5, dtype="<i4").reshape(4, 6, 5)
    with h5py.File(path, "w") as file:
        file["/entry/data/data"] = truth
    images = tuple(
        ImageReference(field="pilatus_image", path=path, index=index, spec="AD_HDF5", frames=1, events=index + 1)
        for index in (0, 2, 7)
    )
    export = replace(run_export(load_run(store, "energy-1")), images=images)
    write_nexus(tmp_path / "run.nxs", export)
    with h5py.File(tmp_path / "run.nxs") as file:
        entry = file["images"]
        np.testing.assert_array_equal(entry["data/data"], truth[[0, 2]])
        assert entry["data/data"].dtype == truth.dtype
        assert list(entry["data/exposure"]) == [1, 3]
        assert entry["missing/data"][()].decode().startswith("exposure 8: ")


def test_the_lattice_spacing_is_exported_where_it_is_recorded(tmp_path: Path, store: Store) -> None:
    export = run_export(load_run(store, "energy-1"))
    known = replace(export, start={**export.start, "mono_d_spacing_angstrom": 2.05948})
    write_nexus(tmp_path / "run.nxs", known)
    with h5py.File(tmp_path / "run.nxs") as file:
        spacings = [file[f"{name}/instrument/monochromator/crystal/d_spacing"][()] for name in file]
    assert set(spacings) == {2.05948}
    assert "# Mono.d_spacing: 2.05948\n" in xdi_text(known, known.tables[0])
    assert "Mono.d_spacing" not in xdi_text(export, export.tables[0])
