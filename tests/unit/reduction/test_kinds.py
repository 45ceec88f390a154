"""If these fail, prompt, report, browser and window may reduce one run differently, or a stored run not at all."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.lib.pretty import pretty

from devices.foil_references import FoilReferences
from reduction.kinds import RunReduction, curve_of, kind_of, reduce_run, summed
from reduction.powder.diffraction import integrate
from reduction.types import Documents
from reduction.values import Value
from reduction.xas.delay_axis import judge_delay_axis
from reduction.xas.result_text import kinetics_lines
from reduction.xas.results import (
    AttenuatorResults,
    FluenceResults,
    FoilResults,
    OverlapResults,
    SelfTestResults,
    SpectrumResults,
    StaticResults,
    TimeZeroResults,
    TraceResults,
)
from storage.records import read_contents

# pyFAI starts a process when it is first imported, which must not happen inside a unit test.
assert integrate is not None

FOLDER = Path(__file__).parents[2] / "data" / "runs_0_1_0"
"""Runs that version 0.1.0 measured on the simulated beamline, and the numbers that it reduced them to."""

NUMBERS: Mapping[str, Any] = json.loads((FOLDER / "numbers.json").read_text(encoding="utf-8"))
RUNS = sorted(path.name.removesuffix(".journal.xz") for path in FOLDER.glob("*.journal.xz"))
ARMS = [name for name in RUNS if name.startswith("self_test")]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Read a recorded run by its name."""

    def read(name: str) -> Documents:
        path = tmp_path / f"{name}.journal"
        path.write_bytes(lzma.decompress((FOLDER / f"{name}.journal.xz").read_bytes()))
        return read_contents(path).documents

    return read


def same(found: Any, known: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(known, dtype=float), rtol=rtol, atol=1e-15)


def same_arrays(found: Any, known: Mapping[str, Any]) -> None:
    for name, values in known.items():
        same(getattr(found, name), values)


def test_spectra_of_version_0_1_0_stay(run: Any) -> None:
    results = reduce_run(run("energy"))
    assert isinstance(results, SpectrumResults)
    assert [spectrum.metadata.mode for spectrum in results.spectra] == ["boxcar", "spc"]
    for spectrum in results.spectra:
        same_arrays(spectrum, NUMBERS["energy"][spectrum.metadata.mode])
    # That version stated 0.050, without the errors of offsets and scales.
    assert "of the variance of two gates, which give -2.198 ± 0.051 %" in results.table()


def test_traces_and_kinetics_of_version_0_1_0_stay(run: Any) -> None:
    results = reduce_run(run("delay"))
    assert isinstance(results, TraceResults)
    same_arrays(results.trace, NUMBERS["delay"]["trace"])
    for name, value in NUMBERS["delay"]["fit"].items():
        same(getattr(results.fit, name), value, rtol=1e-5)


def test_fluence_scans_of_version_0_1_0_stay(run: Any) -> None:
    """Their boxcar slopes stay what they were: relative to signal plus electronic zero, which the result states."""
    results = reduce_run(run("fluence"))
    assert isinstance(results, FluenceResults)
    ((boxcar, line),) = results.others
    assert line is not None
    same_arrays(boxcar, NUMBERS["fluence"]["dependence"])
    same(line.slope, NUMBERS["fluence"]["slope"])
    assert results.dependence.metadata.mode == "spc"
    assert "not the slope of the sample" in "\n".join(results.lines())


def test_foils_and_static_spectra_of_version_0_1_0_stay(run: Any) -> None:
    foil, static = reduce_run(run("foil")), reduce_run(run("static"))
    assert isinstance(foil, FoilResults)
    assert foil.foil is not None
    same(foil.foil.edge_ev, NUMBERS["foil"]["edge_ev"], rtol=1e-8)
    assert isinstance(static, StaticResults)
    known = NUMBERS["static"]
    same(static.spectrum.normalised.energy_ev, known["energy_ev"])
    same(static.spectrum.normalised.intensity, known["intensity"])
    same(static.spectrum.normalised.sigma, known["sigma"])
    same(static.spectrum.temperature_c, known["temperature_c"])


def test_time_zero_and_self_test_of_version_0_1_0_stay(run: Any) -> None:
    results = reduce_run(run("time_zero"))
    assert isinstance(results, TimeZeroResults)
    assert results.time_zero is not None
    same_arrays(results.trace, NUMBERS["time_zero"]["trace"])
    same(results.time_zero.t0_ps, NUMBERS["time_zero"]["t0_ps"], rtol=1e-4)
    judged = judge_delay_axis([run(name) for name in ARMS])
    for name, (verdict, t0_ps, sigma_ps) in NUMBERS["self_test"].items():
        assert judged[name].verdict == verdict
        same([judged[name].t0_ps, judged[name].t0_sigma_ps], [t0_ps, sigma_ps], rtol=1e-4)


def test_an_arm_of_the_self_test_reduces_to_its_rise(run: Any) -> None:
    for name in ARMS:
        results = reduce_run(run(name))
        assert isinstance(results, SelfTestResults)
        assert results.time_zero is not None
        same(results.time_zero.t0_ps.value, NUMBERS["self_test"][results.arm][1], rtol=1e-4)


def test_an_overlap_scan_reduces_to_its_centre(run: Any) -> None:
    """The simulated laser hits the sample at 0 um with a spot of 50 um."""
    results = reduce_run(run("overlap"))
    assert isinstance(results, OverlapResults)
    assert results.fit is not None
    assert results.fit.center_um == pytest.approx(0.0, abs=4 * results.fit.center_sigma_um)
    assert results.fit.fwhm_um == pytest.approx(50.0, abs=4 * results.fit.fwhm_sigma_um)
    assert "centre of the overlap" in results.table()


def test_a_calibration_of_the_attenuator_reduces_to_its_powers(run: Any) -> None:
    results = reduce_run(run("attenuator"))
    assert isinstance(results, AttenuatorResults)
    assert len(results.power_w) == 13
    assert "smallest power" in results.table()


def test_powder_images_that_are_not_there_are_a_reason_not_a_crash(run: Any) -> None:
    results = reduce_run(run("diffraction"))
    assert results.kind == "powder pattern"
    assert results.table().startswith("Cannot be reduced: ")


@pytest.mark.parametrize("name", RUNS)
def test_every_stored_run_reduces_to_something_or_reports_why(run: Any, name: str) -> None:
    """A reduction without a number and without a reason leaves a scientist with nothing to do next."""
    documents = run(name)
    assert reduce_run(documents).table().strip()
    assert kind_of(documents[0][1]).name != "other"
    if name != "diffraction":
        assert curve_of(documents).x.size > 1


@pytest.mark.parametrize("name", RUNS)
def test_a_run_cut_off_anywhere_is_reduced_or_reports_why(run: Any, name: str) -> None:
    documents = run(name)
    for end in (1, 4):
        assert reduce_run(documents[:end]).table().strip()


def test_live_and_stored_results_are_the_same(run: Any) -> None:
    documents = run("overlap")
    live = RunReduction(documents[0][1])
    for name, doc in documents:
        live(name, doc)
    assert live.results().table() == summed(documents).results().table()


def test_a_fit_that_determines_nothing_is_marked(run: Any) -> None:
    """Lost: tau1 = 200 +- 1500 ps and a fraction of 1 +- 27, published as a result."""
    results = reduce_run(run("delay"))
    assert isinstance(results, TraceResults)
    assert results.fit is not None
    assert results.fit.undetermined == ()
    second, share = results.fit.tau2_ps, results.fit.fraction2
    vague = replace(results.fit, lifetimes_ps=(Value(200.0, 1500.0), second), fractions=(Value(1.0, 27.0), share))
    assert vague.undetermined == ("tau1_ps", "fraction1")
    text = "\n".join(kinetics_lines(vague))
    assert "1500  (not determined)" in text
    assert "do not determine tau1_ps, fraction1" in text


def test_time_zero_is_stated_on_the_raw_delay_too(run: Any) -> None:
    """Lost: an axis that is shifted twice by one result."""
    results = reduce_run(run("time_zero"))
    assert isinstance(results, TimeZeroResults)
    assert results.time_zero is not None
    assert results.time_zero_raw_ps is not None
    assert results.time_zero_raw_ps.value == pytest.approx(169_780.0 + results.time_zero.t0_ps.value)
    assert "time zero, raw" in results.table()


def test_the_edge_of_a_foil_is_stated_without_the_calibration_too(run: Any) -> None:
    """Lost: an energy axis that is corrected twice by one foil scan."""
    documents = run("foil")
    calibrated = [("start", {**documents[0][1], "energy_calibration_offset_ev": 2.5}), *documents[1:]]
    results = reduce_run(calibrated)
    assert isinstance(results, FoilResults)
    assert results.foil is not None
    assert results.uncalibrated_edge_ev is not None
    assert results.uncalibrated_edge_ev.value == pytest.approx(results.foil.edge_ev.value - 2.5)
    assert "energy calibration +2.5 eV" in results.table()


def test_a_foil_states_steepest_point_and_edge_by_the_reference_that_it_records(run: Any) -> None:
    """The foil of version 0.1.0 was steepest at its tabulated edge; compared with real lead it is 5.6 eV too low."""
    documents = run("foil")
    old = reduce_run(documents)
    assert isinstance(old, FoilResults)
    assert old.offset_ev is None
    assert "records no reference" in old.table()
    reference = FoilReferences().of("Pb L3")
    found = reduce_run([("start", {**documents[0][1], "foil_reference": reference}), *documents[1:]])
    assert isinstance(found, FoilResults)
    assert found.foil == old.foil
    assert found.foil is not None
    assert found.offset_ev is not None
    assert found.offset_ev.value == pytest.approx(13_040.64 - found.foil.edge_ev.value, abs=1e-6)
    for text in ("steepest point", "edge Pb L3, aligned", "offset to apply", "0.5 eV"):
        assert text in found.table()
    broken = reduce_run([("start", {**documents[0][1], "foil_reference": {"kind": "curve"}}), *documents[1:]])
    assert "No aligned edge" in broken.table()


def test_a_fluence_scan_states_which_fluence_is_meant(run: Any) -> None:
    """A slope per mJ/cm2 is 0.69 of another one if it is per fluence at the centre of the spot."""
    documents = run("fluence")
    assert "probed spot" not in reduce_run(documents).table()
    later = reduce_run([("start", {**documents[0][1], "probed_fluence_share": 0.685}), *documents[1:]])
    assert "the probed spot has 0.685 of it" in later.table()


def test_results_typed_at_the_prompt_show_their_table(run: Any) -> None:
    """Lost: pages of arrays where a person wants to see a lifetime. Subclasses have a `__repr__` of their own."""
    results = reduce_run(run("delay"))
    assert pretty(results) == f"{results.kind}\n{results.table()}"


def test_a_run_of_a_stock_plan_is_refused_with_a_reason() -> None:
    results = reduce_run([("start", {"uid": "u", "plan_name": "rel_scan"})])
    assert results.kind == "other"
    assert "No reduction is known for this run (rel scan)" in results.table()
    assert "no start document" in reduce_run([]).table()
