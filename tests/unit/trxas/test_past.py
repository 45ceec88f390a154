"""If these fail, a spectrum of an earlier beam time is made of the wrong columns, or of points that should be cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import ConfigurationError
from plans.edges import edge_preset
from reduction.kinds import reduce_run
from reduction.xas.results import SpectrumResults, TraceResults
from reduction.xas.transient import Spectrum
from storage.export.source import run_export
from tests.support import past_files as old
from tests.support.beam_time import energy_points
from trxas.configuration import DEFAULT_CONFIGURATION, Configuration, load_configuration
from trxas.past.cleaning import in_order
from trxas.past.facts import PastFacts
from trxas.past.importing import past_runs
from trxas.past.reading import read_past_file
from trxas.past.run import PastRun
from trxas.past.scan import PastFileError

CONFIGURATION = load_configuration(DEFAULT_CONFIGURATION)
SPEC_NAMES = replace(
    CONFIGURATION,
    past=replace(
        CONFIGURATION.past, energy=("Energy",), spc_on=("TFY_on",), spc_off=("TFY_off",), boxcar_on=("on_6s",),
        boxcar_off=("off_6s",), boxcar_exposures_s=(6.0,), i0=("I0",),
    ),
)  # fmt: skip


def facts(**changes: Any) -> PastFacts:
    given: dict[str, Any] = {
        "sample": "CsPbBr3",
        "edge": edge_preset("Br K", CONFIGURATION.beamline),
        "delay_ps": 100.0,
    }
    return PastFacts(**given | {"fluence_mj_cm2": 8.8} | changes)


def imported(
    files: Sequence[Path], configuration: Configuration = CONFIGURATION, *, together: bool = True, **changes: Any
) -> PastRun:
    (run,) = past_runs(files, facts(**changes), configuration, together=together)
    return run


def spectra(run: PastRun) -> dict[str, Spectrum]:
    """The transients of a run by their mode."""
    results = reduce_run(run.documents, keep_all=True)
    assert isinstance(results, SpectrumResults), results.table()
    return {one.metadata.mode: one for one in results.spectra}


def written(folder: Path, *scans: old.OldScan) -> list[Path]:
    paths = []
    for place, scan in enumerate(scans):
        paths.append(folder / f"scan_{place:04d}.asc")
        paths[-1].write_text(old.text_form(scan))
    return paths


def assert_is_known_transient(found: Spectrum) -> None:
    """The main feature has the size with which the files were drawn, on the scale of the edge step."""
    at = int(np.argmin(np.abs(found.energy_ev - 13_472.0)))
    # Counting scales the pumped spectrum by its own integral, the boxcar by that of the unpumped one.
    expected = -0.0183 if found.metadata.mode == "spc" else -0.0194
    assert abs(found.transient[at] - expected) < 4 * found.sigma[at] + 5e-4
    assert found.sigma[at] < 0.004


def test_the_three_formats_of_one_scan_give_the_same_spectrum(tmp_path: Path) -> None:
    scan = old.br_scan()
    (text,) = written(tmp_path, scan)
    mda = tmp_path / "7idd_0130.mda"
    mda.write_bytes(old.mda_file([scan]))
    spec = tmp_path / "old.spec"
    spec.write_text(old.spec_file([scan]))
    first = spectra(imported([text]))
    assert_is_known_transient(first["spc"])
    assert_is_known_transient(first["boxcar"])
    for others in (spectra(imported([mda])), spectra(imported([spec], SPEC_NAMES))):
        for mode, found in first.items():
            np.testing.assert_allclose(others[mode].transient, found.transient, atol=2e-6)
            np.testing.assert_allclose(others[mode].energy_ev, found.energy_ev, atol=1e-4)


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    """Lost: detectors moved from column to column between runs, and the transient was that of I0."""
    scan = old.br_scan()
    moved = replace(scan, detectors=scan.detectors[::-1])
    results = [spectra(imported(written(tmp_path, one)))["spc"].transient for one in (scan, moved)]
    np.testing.assert_array_equal(results[0], results[1])


def test_the_six_second_columns_are_used_and_those_of_three_seconds_not_added(tmp_path: Path) -> None:
    scan = old.br_scan()
    run = imported(written(tmp_path, scan))
    assert "boxcar on: 7idb:userCalc14.VAL" in run.report[0]
    short = old.without(scan, old.BOXCAR_OFF_6, old.BOXCAR_ON_6)
    assert "boxcar on: 7idb:userCalc12.VAL" in imported(written(tmp_path, short)).report[0]


def test_a_boxcar_column_without_its_partner_is_not_used(tmp_path: Path) -> None:
    run = imported(written(tmp_path, old.without(old.br_scan(), old.BOXCAR_OFF_6)))
    assert any("7idb:userCalc14 has no partner and is not used" in line for line in run.report)
    assert "boxcar on: 7idb:userCalc12.VAL" in run.report[0]


def test_a_boxcar_that_goes_negative_is_turned(tmp_path: Path) -> None:
    run = imported(written(tmp_path, old.br_scan()))
    assert any("negative-going" in line for line in run.report)
    both = spectra(run)
    at = np.argmin(np.abs(both["spc"].energy_ev - 13472.0))
    assert both["boxcar"].transient[at] == pytest.approx(both["spc"].transient[at], abs=5 * both["spc"].sigma[at])


def test_a_scan_without_counts_is_reduced_from_its_boxcar_and_reports_that(tmp_path: Path) -> None:
    run = imported(written(tmp_path, old.without(old.br_scan(), old.SPC_ON, old.SPC_OFF)))
    assert any("no counts (SPC)" in line for line in run.report)
    found = spectra(run)
    assert list(found) == ["boxcar"]
    assert_is_known_transient(found["boxcar"])


def test_counts_and_boxcar_are_never_mixed(tmp_path: Path) -> None:
    counted = old.without(old.br_scan(), old.BOXCAR_ON_3, old.BOXCAR_OFF_3, old.BOXCAR_ON_6, old.BOXCAR_OFF_6)
    analog = old.without(old.br_scan(2), old.SPC_ON, old.SPC_OFF)
    with pytest.raises(PastFileError, match="Import them separately"):
        imported(written(tmp_path, counted, analog))


def test_bad_rows_are_cut_with_their_reasons_and_stay_in_the_run(tmp_path: Path) -> None:
    scan = old.br_scan()
    i0 = scan.column(old.I0)
    i0[10] *= 1.05
    i0[20:22] *= 0.01
    scan.column(old.SPC_ON)[30] = np.nan
    scan.positioner[1][3] += 0.05
    run = imported(written(tmp_path, scan))
    qualities = [doc["data"]["quality"] for name, doc in run.documents if name == "event"]
    assert {place: one for place, one in enumerate(qualities) if one} == {
        3: "out_of_order", 10: "i0_outlier", 20: "beam_lost", 21: "beam_lost", 30: "not_a_number",
    }  # fmt: skip
    assert any(line.startswith("  cut 2: I0 is far below that of the pass") for line in run.report)
    assert run.documents[0][1]["imported"]["report"] == list(run.report)
    assert_is_known_transient(spectra(run)["spc"])


def test_a_pass_that_was_aborted_has_the_points_that_it_measured(tmp_path: Path) -> None:
    scan = old.br_scan(energy_ev=energy_points()[:30])
    scan.planned = 44
    path = tmp_path / "aborted.mda"
    path.write_bytes(old.mda_file([scan]))
    (read,) = read_past_file(path)
    assert read.rows == 30
    assert "30 of 44 points were measured" in read.remarks


def test_passes_with_slightly_other_energies_are_merged_and_their_shift_is_reported(tmp_path: Path) -> None:
    energies = energy_points()
    scans = [old.br_scan(1), old.br_scan(2, energy_ev=energies + 0.2)]
    run = imported(written(tmp_path, *scans))
    start = run.documents[0][1]
    np.testing.assert_allclose(start["grid"]["points"], energies + 0.1, atol=1e-5)
    assert start["repeats"] == 2
    assert sum("shifted by" in line for line in run.report) == 2
    assert_is_known_transient(spectra(run)["spc"])


def test_energies_that_were_measured_twice_are_added_up_and_named(tmp_path: Path) -> None:
    energies = np.insert(energy_points(), 12, energy_points()[12])
    run = imported(written(tmp_path, old.br_scan(energy_ev=energies)))
    assert any(line.startswith(f"  measured more than once, and added up: {energies[12]:.8g}") for line in run.report)
    assert len(run.documents[0][1]["grid"]["points"]) == len(energies) - 1


def test_neighbours_on_a_fine_grid_stay_two_points(tmp_path: Path) -> None:
    """Lost: half of the resolution of a scan with steps of 0.2 eV, as `merge_ev` is 0.25 eV."""
    rng = np.random.default_rng(1)
    energies = np.concatenate(
        [np.arange(13_440.0, 13_465.0), np.arange(13_465.0, 13_485.0, 0.2), np.arange(13_485.0, 13_571.0)]
    )
    again = np.insert(energies, 60, energies[60]) + 0.004 * rng.standard_normal(len(energies) + 1)
    run = imported(written(tmp_path, old.br_scan(energy_ev=again)))
    assert len(run.documents[0][1]["grid"]["points"]) == len(energies)
    assert sum("measured more than once" in line for line in run.report) == 1
    assert any(line.startswith("steps are as short as 0.19") for line in run.report)


def test_an_unknown_delay_is_asked_for_and_an_unknown_fluence_is_not_exported(tmp_path: Path) -> None:
    """Lost: a spectrum at 0 ps, and one that was pumped with 0 mJ/cm2, in the table and in exported files."""
    files = written(tmp_path, old.br_scan())
    with pytest.raises(PastFileError, match=r"delay of the spectrum is not known. Give it, with --delay-ps"):
        imported(files, delay_ps=None)
    assert "fluence_mj_cm2" not in run_export(imported(files, fluence_mj_cm2=0.0).documents).start
    assert run_export(imported(files).documents).start["fluence_mj_cm2"] == 8.8


def test_the_report_names_the_read_back_whose_values_are_used(tmp_path: Path) -> None:
    run = imported(written(tmp_path, old.br_scan()))
    assert "energy: 7ida:BraggERdbkAO," in run.report[0]


def test_the_passes_of_an_outer_scan_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "outer.mda"
    path.write_bytes(old.mda_file([old.br_scan(1), old.br_scan(2)], outer=("7idd:repeat", [1.0, 2.0])))
    first, second = read_past_file(path)
    assert (first.extras["7idd:repeat"], second.extras["7idd:repeat"]) == ("1", "2")
    assert (first.number, second.number) == ("130.1", "130.2")
    assert imported([path]).documents[0][1]["repeats"] == 2


def test_a_delay_scan_becomes_a_trace_on_the_signed_delay_axis(tmp_path: Path) -> None:
    delays_ps = np.concatenate([np.arange(-500.0, 500.0, 50.0), np.arange(500.0, 5000.0, 500.0)])
    settings = CONFIGURATION.beamline.delay
    raw_s = settings.coarse_sign * (delays_ps + settings.time_zero_raw_ps) * 1e-12
    scan = old.br_scan(energy_ev=np.full(len(delays_ps), 13_472.0))
    energy = ((old.ENERGY[0], "E"), np.full(len(raw_s), 13.472))
    moved = replace(scan, positioner=(old.DELAY, raw_s), detectors=[energy, *scan.detectors])
    run = imported(written(tmp_path, moved))
    start = run.documents[0][1]
    assert start["grid"]["axis"] == "delay_ps"
    np.testing.assert_allclose(start["grid"]["points"], delays_ps, atol=1.0)
    assert start["energy_ev"] == pytest.approx(13_472.0)
    assert isinstance(reduce_run(run.documents), TraceResults)


def test_the_same_file_is_the_same_run(tmp_path: Path) -> None:
    """Lost: a file that is imported twice counts twice in every mean."""
    (path,) = written(tmp_path, old.br_scan())
    again = tmp_path / "copy.asc"
    again.write_bytes(path.read_bytes())
    assert imported([path]).uid == imported([again]).uid
    assert imported([path]).uid != imported([path], delay_ps=200.0).uid


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((old.I0,), "no column for i0"),
        ((old.SPC_ON, old.BOXCAR_ON_3, old.BOXCAR_ON_6), "neither the counts nor the boxcar"),
    ],
)
def test_a_file_without_what_is_needed_is_refused_with_what_it_has(
    tmp_path: Path, names: tuple[old.Names, ...], message: str
) -> None:
    with pytest.raises(PastFileError, match=message) as refused:
        imported(written(tmp_path, old.without(old.br_scan(), *names)))
    assert "[past]" in str(refused.value)
    assert "7ida:BraggEAO" in str(refused.value)


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    whole = old.mda_file([old.br_scan()])
    path = tmp_path / "damaged"
    for content in (b"", b"hello\n", b"\x3f\xa6\x66\x66" + b"\xff" * 40, whole[: len(whole) // 2], whole[:30]):
        path.write_bytes(content)
        with pytest.raises(PastFileError):
            read_past_file(path)
    with pytest.raises(PastFileError, match="cannot be read"):
        read_past_file(tmp_path / "none")


def test_two_different_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    scan = old.br_scan()
    doubled = replace(scan, detectors=[*scan.detectors, (old.I0, 2.0 * scan.column(old.I0))])
    with pytest.raises(PastFileError, match="2 different columns"):
        imported(written(tmp_path, doubled))
    equal = replace(scan, detectors=[*scan.detectors, (old.I0, scan.column(old.I0))])
    assert any("2 times, with equal numbers" in line for line in imported(written(tmp_path, equal)).report)


def test_a_glitch_of_the_motor_does_not_cut_the_scan_after_it() -> None:
    good = np.ones(7, dtype=bool)
    kept = in_order(np.array([0.0, 1, 9, 2, 3, 4, 5]), good, 0.1)
    assert np.nonzero(~kept)[0].tolist() == [2]
    assert in_order(np.array([5.0, 4, 3, 3.05, 2, 1, 0]), good, 0.1).all(), "scans go down too"


def test_faults_of_the_names_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('extends = "7ID-D"\n[past]\nboxcar_on = ["a"]\nmerge_ev = -1.0\n')
    with pytest.raises(ConfigurationError, match="merge_ev"):
        load_configuration(path)
    path.write_text('extends = "7ID-D"\n[past]\nboxcar_on = ["a"]\n')
    with pytest.raises(ConfigurationError, match=r"2 exposures for 1 columns with laser and 2 without"):
        load_configuration(path)
