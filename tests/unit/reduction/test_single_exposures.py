"""If these fail, maps and axis scans keep an outlier, a laser that drifts, or a dead time that other scans correct."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.xas.dependence import DependenceSums
from reduction.xas.dependence_outliers import screened_dependence
from reduction.xas.results import DependenceResults
from reduction.xas.single_exposures import live_pulses
from tests.support.types import Documents

PULSES = 50_000_000
PHOTONS = 0.02
CHANGE = 0.03
POINTS = 8
SCHEME = {"bunch_period_ps": 153_439.0, "probes_per_pump": 3, "pumped_probe": 0, "unpumped_probe": 2,
          "irf_sigma_ps": 45.0, "pump_overlap": [1.0], "gate_delays_ps": [0.0, 153_439.0, 306_878.0],
          "pump_period_ps": 3 * 153_439.0}  # fmt: skip


def axis_run(
    seed: int, *, passes: int = 5, power: Any = lambda *_: 1.0, share: float = 0.0, level: Any = lambda *_: 1.0
) -> Documents:
    """A scan of a magnet in several passes, all points with the same transient; callbacks get pass and point."""
    rng = np.random.default_rng(seed)
    start = {
        "uid": "axis", "time": 0.0, "plan_name": "axis_scan", "sample": "s", "edge": "Br K", "modes": ["spc"],
        "grid": {"axis": "field_t", "points": list(range(POINTS))}, "repeats": passes, "fluence_mj_cm2": 8.0,
        "pumped_probe": 0, "unpumped_probe": 2, "reference_probes": [2], "probes_per_pump": 3,
        "laser_power_w_per_mj_cm2": 0.1, "reduction": {**SCHEME, "dead_time_share": share},
        "detectors": {"diodes": {"kind": "spc", "role": "fluorescence", "weights": [1.0, 1.0],
                                 "fields": {"counts": "spc_counts", "pulses": "spc_pulses"}}},
    }  # fmt: skip
    documents: Documents = [("start", start), ("descriptor", {"uid": "d", "name": "primary", "run_start": "axis"})]
    for scan in range(passes):
        for point in range(POINTS):
            now = power(scan, point)
            jet = rng.normal(1.0, 0.01)
            flux = rng.normal(1.0, 0.02)
            rate = PHOTONS * jet * flux * np.array([(1.0 + CHANGE * now) * level(scan, point), 1.0, 1.0])
            fires = -np.expm1(-rate)
            seen = fires * (1.0 - share * fires[[2, 0, 1]])
            data = {
                "point_index": point, "scan_index": scan, "field_t": float(point), "laser_shutter": 1, "quality": "",
                "marks": "", "exposure_s": 10.0, "i0": 1e7 * flux, "spc_pulses": [PULSES] * 3, "fluence_mj_cm2": 8.0,
                "delay_ps": 100.0, "energy_ev": 13_472.0, "laser_power_w": 0.8 * now,
                "exposure_id": 100 + scan * POINTS + point, "spc_counts": rng.binomial(PULSES, seen, (2, 3)),
            }  # fmt: skip
            documents.append(("event", {"descriptor": "d", "seq_num": len(documents), "time": 0.0, "data": data}))
    return [*documents, ("stop", {"run_start": "axis", "exit_status": "success"})]


def summed(documents: Documents) -> DependenceSums:
    sums = DependenceSums()
    for name, doc in documents:
        sums(name, doc)
    return sums


def one_bad(scan: int, point: int) -> float:
    return 1.1 if (scan, point) == (2, 3) else 1.0


def test_a_single_outlier_is_cut_and_named() -> None:
    """A gate that lost its trigger during one exposure: 10 % of one point in one of five passes."""
    results = reduce_run(axis_run(1, level=one_bad))
    assert isinstance(results, DependenceResults)
    assert [cut.exposure_ids for cut in results.cuts] == [(119,)]
    assert "pass 3, point = 4, laser on" in results.table()
    assert results.change == pytest.approx(math.log(1 + CHANGE), abs=5 * results.sigma.max())
    kept = reduce_run(axis_run(1, level=one_bad), keep_all=True)
    assert isinstance(kept, DependenceResults)
    assert kept.change[3] - math.log(1 + CHANGE) > 10 * kept.sigma[3]


def test_undisturbed_scans_and_two_passes_are_left_as_they_are() -> None:
    for seed in range(20):
        sums = summed(axis_run(seed))
        assert screened_dependence(sums).sums is sums
    two = summed(axis_run(1, passes=2, level=one_bad))
    assert screened_dependence(two).sums is two


def test_what_is_left_without_an_exposure_is_the_sum_of_the_others() -> None:
    documents = axis_run(2)
    rest = [one for one in documents if one[0] != "event" or one[1]["data"]["exposure_id"] != 119]
    first, second = summed(documents).without({19}).photons(), summed(rest).photons()
    np.testing.assert_allclose(first.pumped, second.pumped)
    np.testing.assert_allclose(first.unpumped_variance, second.unpumped_variance)
    np.testing.assert_allclose(first.positions, second.positions)


def test_transients_are_those_of_the_nominal_power() -> None:
    documents = axis_run(3, power=lambda _scan, point: 1.0 + 0.05 * (point - 3.5))
    results = reduce_run(documents)
    assert isinstance(results, DependenceResults)
    assert np.abs((results.change - math.log(1 + CHANGE)) / results.sigma).max() < 4.0
    assert "transients are corrected to 100 %" in results.table()
    assert "The laser power varies by" in results.table()
    plain = reduce_run(documents, correct_power=False)
    assert isinstance(plain, DependenceResults)
    assert (plain.change[-1] - plain.change[0]) / plain.sigma[0] > 10
    assert plain.power is None


def test_transients_are_those_of_a_laser_that_points_at_the_x_rays() -> None:
    documents = axis_run(3)
    centred = reduce_run(documents)
    documents[0][1]["laser_overlap"] = 0.9
    beside = reduce_run(documents)
    assert isinstance(centred, DependenceResults)
    assert isinstance(beside, DependenceResults)
    assert np.expm1(beside.change) == pytest.approx(np.expm1(centred.change) / 0.9, rel=1e-6)


def test_readings_that_cannot_be_right_correct_nothing() -> None:
    documents = axis_run(4)
    for name, doc in documents:
        if name == "event":
            doc["data"]["laser_power_w"] *= 0.3
    results = reduce_run(documents)
    assert "not corrected" in results.table()


def test_a_dead_time_beyond_a_bunch_is_corrected_as_in_other_scans() -> None:
    """With a tenth of the counts blinding the next bunch, gates after brighter ones lose more."""
    share = 0.5
    found = summed(axis_run(5, share=share)).photons()
    assert found.pumped / found.unpumped == pytest.approx(1 + CHANGE, abs=5 * found.sigma.max())
    expected = PHOTONS * 2 * PULSES * 5
    assert found.unpumped.mean() == pytest.approx(expected, rel=0.02)
    counts = np.full((2, 3), 10.0)
    assert live_pulses(counts, np.full(3, 100.0), 0.0, (None, 0, 1)) is None
    live = live_pulses(counts, np.full(3, 100.0), 0.5, (None, 0, 1))
    assert live is not None
    np.testing.assert_allclose(live, np.array([[100.0, 95.0, 95.0]] * 2))
