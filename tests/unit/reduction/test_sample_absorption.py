"""If these fail, a concentrated sample makes every transient too small, and nothing marks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.results import SpectrumResults
from reduction.xas.unpumped_size import transient_size
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points
from tests.support.simulated_runs import QUIET, SimulatedRuns

ENERGY_EV = energy_points()


def scan(step: float, noise: float = 2e-4) -> list[Document]:
    """A Br scan with a diode behind the sample, whose absorption rises by `step` over the edge."""
    rng = np.random.default_rng(1)
    edge = (br_static(ENERGY_EV) - 0.15) / 0.85
    beam = BeamTime(points=ENERGY_EV, static=br_static(ENERGY_EV), signal=br_signal(ENERGY_EV))

    def behind(data: dict[str, Any]) -> float:
        point = data["point_index"]
        slope = 1e-4 * (ENERGY_EV[point] - 13_470.0)
        return float(data["i0"] * np.exp(slope - step * edge[point] + noise * rng.standard_normal()))

    documents = beam.documents(rng)
    return [(name, {**doc, "data": {**doc["data"], "foil": behind(doc["data"])}}) if name == "event" else (name, doc)
            for name, doc in documents]  # fmt: skip


def test_the_absorption_of_the_sample_is_measured_and_a_large_one_marks_the_result() -> None:
    results = reduce_run(scan(0.09))
    assert isinstance(results, SpectrumResults)
    assert results.absorbed is not None
    assert results.absorbed.step.value == pytest.approx(0.09, abs=5 * results.absorbed.step.sigma + 1e-3)
    assert "% weaker above the edge (self-absorption)" in results.table()


def test_a_dilute_sample_is_stated_and_not_marked() -> None:
    results = reduce_run(scan(0.009))
    assert isinstance(results, SpectrumResults)
    assert results.absorbed is not None
    assert results.absorbed.loss.value == pytest.approx(0.0045, abs=3e-4)
    assert "absorption of sample   0.9" in results.table()
    assert "self-absorption" not in results.table()


def test_a_diode_that_shows_no_edge_says_nothing() -> None:
    results = reduce_run(scan(0.0, noise=1e-3))
    assert isinstance(results, SpectrumResults)
    assert results.absorbed is None


JET = {"depth_share": 0.5, "depth_share_error": 0.01}
GRID_EV = [13_450.0, 13_455.0, 13_460.0, *np.arange(13_465.0, 13_478.0, 1.0), *np.arange(13_480.0, 13_575.0, 15.0)]


def spectra(loss: float, jet: dict[str, float]) -> SpectrumResults:
    """Spectra of the paper's sample without noise, which weakens its fluorescence by `loss` times the usual."""
    runs = SimulatedRuns(effects=replace(QUIET, self_absorption=loss))
    runs.metadata = {"jet": jet} if jet else {}
    documents = runs.run("energy_ev", GRID_EV, dwell_s=18.0, delay_ps=100.0, fluence_mj_cm2=8.83)
    results = reduce_run(documents)
    assert isinstance(results, SpectrumResults)
    return results


def size(results: SpectrumResults) -> Value:
    return transient_size(results.spectra[-1])[1]


def test_a_known_jet_corrects_the_spectrum_with_its_error() -> None:
    """Lost: 5 % of every transient of a concentrated sample; the error of the correction must cover what is left."""
    thin = size(spectra(0.0, {}))
    assert abs(size(spectra(10.0, {})).value / thin.value - 1) > 0.04
    found = spectra(10.0, JET)
    assert size(found).value == pytest.approx(thin.value, rel=3e-3)
    assert found.spectra[-1].absorption_loss.value == pytest.approx(0.045, rel=0.05)
    assert size(found).sigma > size(spectra(0.0, {})).sigma
    assert "corrected: fluorescence was 4" in found.table()
    assert "This spectrum is corrected; amplitudes of delay scans" in found.table()


def test_without_a_diode_the_configured_concentration_corrects() -> None:
    thin = size(spectra(0.0, {}))
    runs = SimulatedRuns(effects=replace(QUIET, self_absorption=10.0))
    runs.metadata = {"jet": {**JET, "expected_step": 0.085, "expected_step_error": 0.0085}, "foil_in_beam": "Br"}
    results = reduce_run(runs.run("energy_ev", GRID_EV, dwell_s=18.0, delay_ps=100.0, fluence_mj_cm2=8.83))
    assert isinstance(results, SpectrumResults)
    assert size(results).value == pytest.approx(thin.value, rel=0.01)
    assert "by its concentration" in results.table()


def test_the_edge_of_a_foil_of_the_same_element_is_not_that_of_the_sample() -> None:
    """Lost: the size of every transient at the edge of the foil that stands behind the jet."""
    documents = scan(0.6)
    assert isinstance(thick := reduce_run(documents), SpectrumResults)
    assert thick.absorbed is None
    stated = [("start", {**documents[0][1], "foil_in_beam": "Br"}), *scan(0.09)[1:]]
    assert isinstance(named := reduce_run(stated), SpectrumResults)
    assert named.absorbed is None
