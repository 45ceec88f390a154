"""If these fail, a map or a scan of any axis uses fewer gates and exposures than it has, or another detector's."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from gui.live.run_state import RunState
from gui.requests.xas.transient_map import MapRequest
from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.dependence import DependenceSums
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.map_fit import MapFit, fit_map
from reduction.xas.transient_map import TransientMap
from tests.support.transient_maps import (
    DELAY_PS,
    EFFICIENCY,
    LATER_EFFICIENCIES,
    LIFETIMES_PS,
    SPECTRA,
    TIMING,
    drawn_map,
    map_run,
    with_later_gates,
)
from tests.support.types import Documents

GATES = np.array([1.05, 1.02, 1.00])
"""Efficiencies of the pumped gate and of both references."""

CHANGE = 0.03
PULSES = 100_000_000
PHOTONS = 0.01


def axis_run(seed: int, *, points: int = 6, shutter: bool = True, drift: bool = False) -> Documents:
    """A scan of a field over points with one change, a pumped gate and two references, each with the laser blocked."""
    rng = np.random.default_rng(seed)
    fields = {key: f"drift_{key}" for key in ("counts", "input_rate", "output_rate")}
    start = {
        "uid": "axis", "time": 0.0, "plan_name": "axis_scan", "sample": "s", "edge": "Fe K", "modes": ["spc"],
        "grid": {"axis": "field_t", "points": list(range(points))}, "repeats": 1,
        "pumped_probe": 0, "unpumped_probe": 2, "reference_probes": [1, 2], "probes_per_pump": 3,
        "detectors": {
            "diodes": {"kind": "spc", "role": "fluorescence", "weights": [1.0, 0.5],
                       "fields": {"counts": "spc_counts", "pulses": "spc_pulses"}},
            "drift": {"kind": "sdd", "role": "fluorescence", "weights": [1.0], "gated": True, "fields": fields},
        },
    }  # fmt: skip
    if not drift:
        del start["detectors"]["drift"]  # type: ignore[attr-defined]
    documents: Documents = [("start", start), ("descriptor", {"uid": "d", "name": "primary", "run_start": "axis"})]
    for point in range(points):
        for state in (1, 0) if shutter else (1,):
            rate = PHOTONS * GATES * rng.normal(1.0, 0.05) * np.array([1.0 + state * CHANGE, 1.0, 1.0])
            data = {
                "point_index": point, "scan_index": 0, "field_t": float(point), "laser_shutter": state, "quality": "",
                "marks": "", "exposure_s": 10.0, "i0": 1e6, "spc_pulses": [PULSES] * 3,
                "spc_counts": rng.binomial(PULSES, -np.expm1(-rate), (2, 3)),
                "drift_counts": [rng.poisson(0.5 * rate * PULSES)], "drift_input_rate": [1e5],
                "drift_output_rate": [1e5],
            }  # fmt: skip
            documents.append(("event", {"descriptor": "d", "seq_num": len(documents), "time": 0.0, "data": data}))
    return documents


def analog_run(seed: int, *, contains: str = "part") -> Documents:
    """The same scan with means of which one contains the other, noise of 1e-3 in each half."""
    rng = np.random.default_rng(seed)
    documents = axis_run(seed)
    whole = {"kind": "analog", "role": "fluorescence", "fields": {"mean": "whole_mean"}, "weights": [1.0]}
    part = {**whole, "fields": {"mean": "part_mean"}}
    listed = documents[0][1]["detectors"]
    listed |= {"part": part, "whole": {**whole, "contains": contains, "share": 0.5}} if contains else {"whole": whole}
    for name, doc in documents:
        if name == "event":
            level = GATES * np.array([1.0 + doc["data"]["laser_shutter"] * CHANGE, 1.0, 1.0])
            halves = level * (1.0 + 1e-3 * rng.standard_normal((2, 3)))
            doc["data"] |= {"part_mean": [halves[0]], "whole_mean": [halves.mean(axis=0)]}
    return documents


def summed(documents: Documents) -> DependenceSums:
    sums = DependenceSums()
    for name, doc in documents:
        sums(name, doc)
    return sums


def test_all_references_count() -> None:
    """Lost: half of the reference photons of a scheme with two gates before the pump."""
    documents = axis_run(1)
    both = summed(documents).photons()
    documents[0][1]["reference_probes"] = [2]
    one = summed(documents).photons()
    share = (both.unpumped_variance / both.unpumped**2) / (one.unpumped_variance / one.unpumped**2)
    assert share == pytest.approx(0.5, abs=0.02)
    assert both.pumped / both.unpumped == pytest.approx(GATES[0] / GATES[1:].mean() * (1 + CHANGE), rel=2e-3)


def test_blocked_exposures_take_the_gates_out_of_the_transient() -> None:
    """Lost: a scan whose transient is that of two unequal gates. Pulls of 40 scans, each point by itself."""
    pulls = []
    for seed in range(40):
        _, change, sigma = summed(axis_run(seed)).change()
        pulls.append((change - math.log(1 + CHANGE)) / sigma)
    assert float(np.sqrt(np.mean(np.square(pulls)))) == pytest.approx(1.0, abs=0.15)
    assert abs(float(np.mean(pulls))) < 4.4 / math.sqrt(40)


def test_without_blocked_exposures_the_gates_remain() -> None:
    found = summed(axis_run(1, shutter=False)).photons()
    assert found.efficiency is None
    assert found.change.mean() == pytest.approx(math.log(GATES[0] / GATES[1:].mean() * (1 + CHANGE)), abs=2e-3)


def test_a_scan_of_any_axis_can_be_seen_by_every_gated_detector() -> None:
    """Lost: the magnet's curve of the drift detector, whose signal is better."""
    documents = axis_run(3, drift=True)
    results: Any = reduce_run(documents, detector="drift")
    assert results.change.mean() == pytest.approx(math.log(1 + CHANGE), abs=4 * results.sigma[0])
    assert results.sigma[0] > 1.2 * reduce_run(documents).sigma[0]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(
        reduce_run(documents).change,  # type: ignore[attr-defined]
        reduce_run(documents, detector="diodes").change,  # type: ignore[attr-defined]
    )
    assert "no gated detector 'xmap'. Choose one of: diodes, drift" in reduce_run(documents, detector="xmap").table()


def test_means_of_a_signal_have_the_errors_of_their_parts() -> None:
    """Lost: scans of any axis by the boxcar's calc records. Pulls of 30 scans."""
    pulls = []
    for seed in range(30):
        _, change, sigma = summed(analog_run(seed)).seen_by("whole").change()
        pulls.append((change - math.log(1 + CHANGE)) / sigma)
    assert float(np.sqrt(np.mean(np.square(pulls)))) == pytest.approx(1.0, abs=0.2)
    found = reduce_run(analog_run(1, contains=""), detector="whole")
    assert "The errors of whole are not known in a scan of axes" in found.table()


def test_the_window_asks_for_the_map_of_the_chosen_detector() -> None:
    state = RunState()
    for name, doc in map_run(0):
        state(name, doc)
    assert MapRequest().compute(state).map.efficiency is None
    with pytest.raises(ReductionError, match="no gated detector 'drift'"):
        MapRequest(detector="drift").compute(state)


def test_an_event_without_counts_is_named() -> None:
    """Lost: the reason why a point of a scan has no value."""
    documents = axis_run(1)
    del documents[2][1]["data"]["spc_counts"]
    with pytest.raises(ReductionError, match="lacks a value, or has a wrong one: KeyError"):
        summed(documents)


def test_a_snapshot_does_not_grow() -> None:
    documents = axis_run(1)
    sums = summed(documents[:6])
    snapshot = sums.snapshot()
    before = snapshot.photons().pumped.copy()
    for name, doc in documents[6:]:
        sums(name, doc)
    np.testing.assert_array_equal(snapshot.photons().pumped, before)


LATE_PS = DELAY_PS[DELAY_PS > -100.0]


@functools.cache
def late_map(seed: int) -> tuple[TransientMap, MapFit]:
    """A map without a delay before the pump, whose gates were compared with the laser blocked, and its fit."""
    drawn = drawn_map(seed, delay_ps=LATE_PS)
    sigma = 3e-4
    blocked = Value(EFFICIENCY + sigma * np.random.default_rng([seed, 1]).standard_normal(), sigma)
    measured = replace(drawn, efficiency=blocked)
    return measured, fit_map(measured, TIMING, model=KineticModel.ONE_OFFSET)


def test_blocked_exposures_replace_the_delays_before_the_pump() -> None:
    """Lost: maps that spend a sixth of their time before the pump, although they know their gates."""
    measured, fit = late_map(1)
    with pytest.raises(ReductionError, match="measure with shutter_reference"):
        fit_map(replace(measured, efficiency=None), TIMING, model=KineticModel.ONE_OFFSET)
    assert abs(fit.efficiency.value - EFFICIENCY) < 4 * fit.efficiency.sigma < 4 * 3e-4
    assert abs(fit.lifetimes_ps[0].value - LIFETIMES_PS[0]) < 4 * fit.lifetimes_ps[0].sigma
    difference = fit.spectra[0] - SPECTRA[0]
    chi_square = float(difference @ np.linalg.solve(fit.spectra_covariance[0], difference))
    assert chi_square < 30  # 10 energies: once in 10 000 by chance
    assert measured.turned().efficiency == measured.efficiency


def test_the_rest_of_all_references_is_in_the_model() -> None:
    """Lost: a bias of the spectra where one of several references still sees the pump before."""
    both = replace(TIMING, reference_probes=(3, 4))
    measured = drawn_map(2)
    one, two = (fit_map(measured, timing, model=KineticModel.ONE_OFFSET) for timing in (TIMING, both))
    assert one.spectra[1] != pytest.approx(two.spectra[1], rel=1e-6)
    assert one.lifetimes_ps[0].value == pytest.approx(two.lifetimes_ps[0].value, rel=0.05)


def test_later_gates_halve_the_variance_of_the_spectra_of_a_map() -> None:
    """Lost: half of the beam time of a map. Pulls of 3 maps of 10 energies: 60 values, 9 % of the width."""
    pulls = []
    model = KineticModel.ONE_OFFSET
    for seed in range(3):
        measured = with_later_gates(drawn_map(seed), seed)
        whole, two = (fit_map(one, TIMING, model=model) for one in (measured, replace(measured, later=())))
        assert whole.probes == (0, 1, 2, 3)
        assert two.probes == (0,)
        ratio = np.mean((whole.spectra_sigma / two.spectra_sigma) ** 2, axis=1)
        assert ratio.max() < 0.65
        pulls.append((whole.spectra - SPECTRA) / whole.spectra_sigma)
        assert abs(whole.lifetimes_ps[0].value - LIFETIMES_PS[0]) < 4.4 * whole.lifetimes_ps[0].sigma
    assert 0.6 < float(np.sqrt(np.mean(np.square(pulls)))) < 1.4


def test_the_gates_of_a_stored_map_count_unless_they_see_nothing() -> None:
    """Lost: later gates of a run, or the fit of one whose later gates are switched off."""
    results: Any = reduce_run(map_run(1, all_gates=True), kinetics="1+offset")
    assert results.fit.probes == (0, 1, 2, 3)
    assert "gates of the fit       0, 1, 2, 3, and the unpumped" in results.table()
    turned = fit_map(results.map.turned(), results.timing, model=KineticModel.ONE_OFFSET)
    assert turned.lifetimes_ps[0].value == pytest.approx(results.fit.lifetimes_ps[0].value, rel=1e-6)
    without: Any = reduce_run(map_run(1), kinetics="1+offset")
    assert without.fit.probes == (0,)


def test_blocked_exposures_give_the_efficiencies_of_all_gates() -> None:
    """Lost: priors of the gates that count the noise of the unpumped one as often as there are gates."""
    measured = with_later_gates(drawn_map(5, delay_ps=LATE_PS), 5)
    efficiencies = (EFFICIENCY, *LATER_EFFICIENCIES)
    sigma = 3e-4
    # Half of the variance is that of the unpumped gate, which all ratios share.
    blocked = [Value(one, sigma * one) for one in efficiencies]
    later = tuple(replace(gate, efficiency=one) for gate, one in zip(measured.later, blocked[1:], strict=True))
    known = replace(measured, efficiency=blocked[0], blocked_variance=sigma**2 / 2, later=later)
    fit = fit_map(known, TIMING, model=KineticModel.ONE_OFFSET)
    places = [fit.parameters.index(name) for name in ("efficiency", "efficiency_1", "efficiency_2", "efficiency_3")]
    assert np.sqrt(np.diag(fit.covariance))[places].max() < sigma
    assert abs(fit.efficiency.value - EFFICIENCY) < 4.4 * fit.efficiency.sigma
    assert abs(fit.lifetimes_ps[0].value - LIFETIMES_PS[0]) < 4.4 * fit.lifetimes_ps[0].sigma
