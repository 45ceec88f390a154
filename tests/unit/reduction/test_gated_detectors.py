"""If these fail, kinetics come from another detector than the one chosen, or from one that sees no transient."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.all_bunches import all_bunches
from reduction.detector_view import seen_by, transient_detectors
from reduction.kinds import curve_of, reduce_run
from reduction.run_kind import CurveChoice
from reduction.xas.gate_rates import gate_rates
from reduction.xas.results import TraceResults
from reduction.xas.spc_time import spc_trace
from tests.support.detector_runs import DETECTORS, LIFETIME_PS, PULSES, delay_documents
from tests.support.gate_runs import energy_run


@functools.cache
def documents() -> list[tuple[str, dict[str, Any]]]:
    return delay_documents()


@functools.cache
def run() -> RunAccumulator:
    return accumulate(documents())


def fitted(detector: str | None, found: list[tuple[str, dict[str, Any]]] | None = None) -> TraceResults:
    results = reduce_run(found or documents(), kinetics="1", detector=detector)
    assert isinstance(results, TraceResults), results.table()
    assert results.fit is not None, results.table()
    return results


@pytest.mark.parametrize("name", ["diodes", "far", "drift"])
def test_every_gated_detector_gives_the_lifetime(name: str) -> None:
    """Lost: kinetics of the detector with the better signal, because another one is listed first."""
    results = fitted(name)
    assert results.fit is not None
    tau = results.fit.lifetimes_ps[0]
    assert abs(tau.value - LIFETIME_PS) < 4 * tau.sigma
    assert results.trace.metadata.detector == ("" if name == "diodes" else name)
    assert results.fit.chi_square / results.fit.degrees_of_freedom < 1.5


def test_the_default_is_the_first_that_counts_and_the_others_are_named() -> None:
    results = fitted(None)
    np.testing.assert_array_equal(results.trace.transient, fitted("diodes").trace.transient)
    assert results.others == ("drift", "far")
    assert "reduce(-1, detector='drift')" in results.table()


def test_without_a_counting_detector_the_first_gated_one_is_the_default() -> None:
    """Lost: every result of a beamline that has a drift detector and no photodiodes."""
    listed = {name: facts for name, facts in DETECTORS.items() if name not in ("diodes", "far")}
    found = delay_documents(detectors=listed, modes=())
    assert fitted(None, found).trace.metadata.detector == "drift"


def test_elements_are_combined_by_their_stated_weights() -> None:
    """Lost: kinetics in which a noisy diode counts as much as the good ones."""
    rates = gate_rates(seen_by(run(), "far"))
    first = np.array([doc["data"]["far_counts"] for name, doc in documents() if name == "event"], dtype=float)
    photons = -PULSES * np.log1p(-first / PULSES)
    np.testing.assert_allclose(rates.photons, photons[:, 0] + 0.5 * photons[:, 1])
    assert rates.variance == pytest.approx(first[:, 0] + 0.25 * first[:, 1], rel=0.1)


def test_a_detector_of_all_bunches_has_no_transient_but_a_signal() -> None:
    """Lost: the trust in a transient of 0 that no gate has measured."""
    assert [one.name for one in transient_detectors(run().metadata.detectors)] == ["diodes", "drift", "far"]
    with pytest.raises(ReductionError, match="total counts all bunches, pumped or not, so it sees no transient"):
        seen_by(run(), "total")
    shown = all_bunches(run(), "total")
    drift = seen_by(run(), "drift")
    gates = (drift.boxcar_integral[:, :, 1].sum(axis=-1) / drift.i0[..., 1]).sum(axis=0)
    pulls = (shown.signal - gates[np.argsort(shown.position)]) / shown.sigma
    assert np.abs(pulls).max() < 5
    assert "signal, total          counts all bunches, no transient" in fitted(None).table()
    with pytest.raises(ReductionError, match="not a detector that counts all bunches"):
        all_bunches(run(), "drift")


def test_values_of_all_bunches_never_fill_the_gates() -> None:
    """Lost: an old or damaged start document turns one number into equal gates, a transient of exactly 0."""
    listed = {**DETECTORS, "total": {**DETECTORS["total"], "gated": True}}
    found = reduce_run(delay_documents(detectors=listed), detector="total")
    assert "Cannot be reduced" in found.table()
    assert len(fitted(None, delay_documents(detectors=listed)).trace.transient) == len(fitted(None).trace.transient)


def test_curves_of_the_browser_are_those_of_the_chosen_detector() -> None:
    curve = curve_of(documents(), CurveChoice(mode="boxcar", detector="drift"))
    np.testing.assert_array_equal(curve.y, spc_trace(seen_by(run(), "drift")).transient)


def test_an_unknown_detector_is_a_remark_with_the_known_ones() -> None:
    found = reduce_run(documents(), detector="xmap")
    assert "The run has no detector 'xmap'. Choose one of: diodes, drift, far" in found.table()


def test_runs_without_a_list_have_no_choice_and_lose_nothing() -> None:
    old = energy_run(1)
    assert transient_detectors(old.metadata.detectors) == ()
    with pytest.raises(ReductionError, match="Choose one of: none"):
        seen_by(old, "spc")
