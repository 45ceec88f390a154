"""If these fail, one bad exposure spoils a whole run, or the reduction cuts what the sample really did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.kinds import RunReduction, reduce_run
from reduction.sum_table import NO_EXPOSURE
from reduction.types import FloatArray
from reduction.xas.i0_glitches import i0_glitches, off_curve
from reduction.xas.pass_outliers import deviations, limits, pass_outliers
from reduction.xas.results import SpectrumResults
from reduction.xas.robust import column_medians
from reduction.xas.screening import screened
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

ENERGY_EV = energy_points()
FEATURE = int(np.argmin(np.abs(ENERGY_EV - 13_472.0)))


def drawn(seed: int = 1, **settings: Any) -> list[Document]:
    """Documents of a Br scan of 5 passes."""
    given: dict[str, Any] = {
        "points": ENERGY_EV,
        "static": br_static(ENERGY_EV),
        "signal": br_signal(ENERGY_EV),
        "scans": 5,
    }
    return BeamTime(**given | settings).documents(np.random.default_rng(seed))


def event(documents: list[Document], scan: int, point: int) -> dict[str, Any]:
    """The data of one exposure with the laser on."""
    data = (doc["data"] for name, doc in documents if name == "event")
    place = (scan, point, 1)
    return next(one for one in data if (one["scan_index"], one["point_index"], one["laser_shutter"]) == place)


def spectrum_of(documents: list[Document], *, keep_all: bool = False) -> FloatArray:
    """The transient by photon counting."""
    results = reduce_run(documents, keep_all=keep_all)
    assert isinstance(results, SpectrumResults)
    return next(one.transient for one in results.spectra if one.metadata.mode == "spc")


def test_one_bad_exposure_is_cut_and_listed_and_the_raw_data_stay() -> None:
    documents = drawn()
    bad = event(documents, 2, FEATURE)
    bad["spc_counts"] = (bad["spc_counts"] * np.array([1.2, 1, 1, 1, 1])).astype(int)
    before = bad["spc_counts"].copy()
    results = reduce_run(documents)
    (cut,) = results.cuts
    assert cut.exposure_ids == (bad["exposure_id"],)
    assert "pass 3" in cut.place
    assert "13472" in cut.place
    assert cut.quantity == "gate 0 over unpumped, spc"
    assert cut.text in results.table()
    assert (bad["spc_counts"] == before).all()
    # The other passes alone give what is left; with the bad exposure the size would be 4 % off.
    kept = reduce_run(documents, keep_all=True)
    assert not kept.cuts
    spoiled = spectrum_of(documents, keep_all=True)
    clean = spectrum_of(documents)
    assert spoiled[FEATURE] - clean[FEATURE] > 0.03
    assert clean[FEATURE] == pytest.approx(spectrum_of(drawn())[FEATURE], abs=0.01)


def test_an_exposure_through_a_bubble_is_cut_by_its_unpumped_signal() -> None:
    documents = drawn()
    bad = event(documents, 1, 30)
    bad["boxcar_mean"] = 0.6 * bad["boxcar_mean"]
    bad["spc_counts"] = (0.6 * bad["spc_counts"]).astype(int)
    (cut,) = reduce_run(documents).cuts
    assert cut.quantity.startswith("unpumped signal")
    assert cut.value == pytest.approx(60, abs=5)


def test_an_undisturbed_run_is_reduced_as_it_is() -> None:
    """20 runs: nothing is cut, and the sums are the very same object."""
    for seed in range(20):
        run = accumulate(drawn(seed, scans=3 + seed % 4))
        found = screened(run)
        assert found.sums is run
        assert not found.cuts
        assert not found.remarks


@pytest.mark.parametrize("passes", [3, 4, 5, 8])
def test_the_limits_keep_the_rate_of_false_cuts(passes: int) -> None:
    """300 runs of 50 points at 50 times the nominal rate: at most a rate of 5 %; measured are 0 to 1 %."""
    rng = np.random.default_rng(passes)
    measured = np.ones((passes, 1, 50), dtype=bool)
    limit = limits(measured.sum(axis=0), measured.size // 50)  # as if 50 times fewer values were compared
    cut = 0
    for _ in range(300):
        deviation, _ = deviations(rng.standard_normal(measured.shape), np.ones(measured.shape), measured)
        cut += bool((np.abs(deviation) > limit).any())
    assert cut <= 15


def test_a_signal_that_fades_from_pass_to_pass_is_not_cut() -> None:
    """A sample that is damaged is not an outlier, whether its signal falls steadily or is gone after the first pass."""
    for course in (np.linspace(1.0, 0.0, 6), np.array([1.0, 0.05, 0.02, 0.0, 0.0, 0.0])):
        documents = drawn(3, scans=6, signal=0 * br_signal(ENERGY_EV), dwell_s=5.0)
        rng = np.random.default_rng(4)
        wide = np.exp(-(((ENERGY_EV - 13_476.0) / 6.0) ** 2))
        for name, doc in documents:
            if name == "event":
                data = doc["data"]
                change = 1 - 0.1 * course[data["scan_index"]] * wide[data["point_index"]]
                data["spc_counts"][:, 0] = rng.binomial(data["spc_counts"][:, 0], change)
                data["boxcar_mean"][0] *= change
        found = screened(accumulate(documents))
        assert not found.cuts
        assert found.sums.exposures[..., 1].all()
    assert any("Pass 1 differs" in remark for remark in found.remarks)


def test_two_passes_decide_nothing() -> None:
    documents = drawn(scans=2)
    event(documents, 1, FEATURE)["spc_counts"][:, 0] //= 2
    assert not screened(accumulate(documents)).cuts


def test_a_pass_that_differs_everywhere_is_named_and_stays() -> None:
    documents = drawn()
    for point in range(20, 26):
        bad = event(documents, 3, point)
        bad["spc_counts"] = (bad["spc_counts"] * np.array([1.3, 1, 1, 1, 1])).astype(int)
    found = screened(accumulate(documents))
    assert not found.cuts
    assert "Pass 4 differs from the others at 6 of its" in found.remarks[0]


def glitching(documents: list[Document], points: list[int], level: float) -> list[Document]:
    """The same run with only a part of the flux at some points."""
    for name, doc in documents:
        if name == "event" and doc["data"]["point_index"] in points:
            data = doc["data"]
            data["i0"] *= level
            data["spc_counts"] = (level * data["spc_counts"]).astype(int)
            data["boxcar_mean"] = level * data["boxcar_mean"]
    return documents


@pytest.mark.parametrize("scans", [1, 4])
def test_a_glitch_of_the_monochromator_is_left_out_and_named(scans: int) -> None:
    documents = glitching(drawn(scans=scans), [20, 21], 0.6)
    results = reduce_run(documents)
    assert [cut.quantity for cut in results.cuts] == ["I0", "I0"]
    assert f"all passes, {ENERGY_EV[20]:.2f} eV" in results.table()
    assert results.cuts[0].value == pytest.approx(60, abs=5)
    assert len(results.cuts[0].exposure_ids) == scans
    assert spectrum_of(documents).size == ENERGY_EV.size - 2
    assert spectrum_of(documents, keep_all=True).size == ENERGY_EV.size


def test_a_smooth_i0_has_no_glitch() -> None:
    """Neither its noise of 1 % (500 curves), nor a peak of the undulator, nor a step or a ramp of the flux."""
    rng = np.random.default_rng(8)
    x = np.arange(60.0)
    found = sum(off_curve(x, 0.01 * rng.standard_normal(60)).any() for _ in range(500))
    assert found <= 3
    for curve in (-((x - 30) ** 2) / 2000, 0.1 * (x > 30), 0.005 * x):
        assert not off_curve(x, curve + 0.003 * rng.standard_normal(60)).any()


def test_the_only_points_of_an_interval_stay_although_they_glitch() -> None:
    documents = drawn()
    before = [index for index, energy in enumerate(ENERGY_EV) if energy <= 13_462]
    documents[0][1]["reduction"]["pre_edge_ev"] = [13_455.0, 13_457.0]
    glitches = i0_glitches(accumulate(glitching(documents, [before[2]], 0.5)))
    assert not glitches.points.any()
    assert "Choose another grid" in glitches.remarks[0]


def test_an_overexposed_gate_is_reported_by_the_reduction_and_not_by_the_search_for_outliers() -> None:
    documents = drawn()
    saturated = event(documents, 0, 3)
    saturated["spc_counts"][0, 0] = saturated["spc_pulses"][0]
    assert not pass_outliers(accumulate(documents)).cuts
    assert "saturated" in reduce_run(documents).table()


def test_sums_without_cells_leave_the_others_as_they_are() -> None:
    run: RunAccumulator = accumulate(drawn(scans=2))
    cells = np.zeros(run.exposures.shape, dtype=bool)
    cells[0, 5] = True
    less = run.without(cells)
    assert less.exposures[0, 5].tolist() == [0, 0]
    assert run.exposures[0, 5, 1] == 1
    assert (less.counts[1] == run.counts[1]).all()
    assert run.exposure_ids[0, 5].tolist() == [NO_EXPOSURE, 5]
    with pytest.raises(ReductionError, match="shape"):
        run.without(cells[:1])


def test_a_curve_of_a_run_leaves_out_what_its_results_leave_out() -> None:
    documents = glitching(drawn(), [20], 0.5)
    reduction = RunReduction(documents[0][1])
    for name, doc in documents:
        reduction(name, doc)
    assert reduction.curve().x.size == ENERGY_EV.size - 1


def test_medians_of_columns_with_gaps() -> None:
    table = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan], [8.0, 7.0, np.nan]])
    assert column_medians(table)[:2].tolist() == [3.0, 6.0]
    assert np.isnan(column_medians(table)[2])
    assert np.isnan(column_medians(np.zeros((0, 2)))).all()
