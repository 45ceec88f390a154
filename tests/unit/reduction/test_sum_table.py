"""If these fail, a run of days fills the memory of the machine, or loses counts when it is kept small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import reduction.sum_table
from reduction.accumulator import RunAccumulator, accumulate
from reduction.sum_table import SumTable
from reduction.xas.grouping import scan_transients, scatter_ratio
from reduction.xas.screening import screened
from reduction.xas.spc_energy import spc_spectrum


@pytest.fixture
def two_points(monkeypatch: pytest.MonkeyPatch) -> SumTable:
    """A table of 2 points that holds 8 cells at most."""
    monkeypatch.setattr(reduction.sum_table, "MOST_CELLS", 8)
    return SumTable(2, 1)


def test_scans_are_added_up_beyond_the_limit(two_points: SumTable) -> None:
    for scan in range(21):
        for point in range(2):
            row = two_points.row_of(scan, 1)
            two_points.add((row, point, 1), np.array([100.0 * point + scan]), 2 * scan + point)
        two_points.reject((two_points.row_of(scan, 1), 0, 1))
    assert two_points.scans_per_row == 8
    assert two_points.sums.shape == (3, 2, 2, 1)
    assert two_points.sums[:, 0, 1, 0].tolist() == [sum(range(8)), sum(range(8, 16)), sum(range(16, 21))]
    assert two_points.sums[:, 1, 1, 0].sum() == 100 * 21 + sum(range(21))
    assert two_points.rejected[:, 0, 1].tolist() == [8, 8, 5]
    assert two_points.exposure_ids[:, 1, 1].tolist() == [15, 31, 41]
    assert two_points.exposure_ids[0, 0, 0] == -1


def test_a_page_lands_where_its_events_would(two_points: SumTable) -> None:
    """Lost: counts of two frames of one bin in one page, of which only the last would count."""
    values = np.array([[1.0], [2.0], [4.0], [8.0]])
    cells = np.array([0, 1, 0, 1]), np.array([0, 1, 0, 0]), np.array([1, 1, 1, 1])
    two_points.row_of(1, 1)
    two_points.add_all(cells, values, np.array([3, 4, 5, 6]))
    assert two_points.sums[:, :, 1, 0].tolist() == [[5.0, 0.0], [8.0, 2.0]]
    assert two_points.exposure_ids[:, :, 1].tolist() == [[5, -1], [6, 4]]
    two_points.take_out((cells[0][:2], cells[1][:2], cells[2][:2]), values[:2], slice(0, 1))
    assert two_points.sums[:, :, 1, 0].tolist() == [[4.0, 0.0], [8.0, 0.0]]


def test_a_run_beyond_the_limit_has_the_same_spectrum(br_energy_scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the errors of a run of days. Its sums are the same; the scatter is that of fewer, longer passes."""
    documents = br_energy_scan(scans=12).documents(np.random.default_rng(3))
    full = accumulate(documents)
    monkeypatch.setattr(reduction.sum_table, "MOST_CELLS", 44 * 4)
    small = accumulate(documents)
    assert (full.scans, small.scans, small.scans_per_row) == (12, 3, 4)
    assert np.array_equal(small.counts.sum(axis=0), full.counts.sum(axis=0))
    spectra = [spc_spectrum(run) for run in (small, full)]
    # Pile-up is corrected in the sums of each cell, so scans of different jets give a little more in one sum.
    assert np.abs(spectra[0].transient - spectra[1].transient).max() < 0.01 * spectra[1].sigma.min()
    assert spectra[0].sigma == pytest.approx(spectra[1].sigma, rel=1e-3)
    scatter = scatter_ratio(*scan_transients(small, "spc"))
    assert abs(scatter.ratio - 1) < 4.4 * scatter.sigma


def test_a_cut_names_all_passes_of_its_row(br_energy_scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = br_energy_scan(scans=12).documents(np.random.default_rng(3))
    for _, event in documents[2 + 44 * 5 + 7 : 2 + 44 * 5 + 8]:
        event["data"]["spc_counts"] = event["data"]["spc_counts"] * np.array([9, 1, 1, 1, 1])
    monkeypatch.setattr(reduction.sum_table, "MOST_CELLS", 44 * 6)
    (cut, *_) = screened(accumulate(documents)).cuts
    assert cut.place.startswith("passes 5 to 6, ")


def test_a_state_of_the_shutter_that_is_not_used_takes_no_memory(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=40).documents(np.random.default_rng(3))
    run = accumulate(documents[:2])
    for name, doc in documents[2:]:
        run(name, doc)
    assert run.nbytes == 40 * 44 * (run._table.sums.shape[3] + 2) * 8
    assert not run.exposures[:, :, 0].any()


def test_a_snapshot_does_not_follow_its_run(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=2).documents(np.random.default_rng(3))
    run = RunAccumulator()
    for name, doc in documents[:60]:
        run(name, doc)
    snapshot = run.snapshot()
    before = snapshot.counts.sum()
    for name, doc in documents[60:]:
        run(name, doc)
    assert snapshot.counts.sum() == before < run.counts.sum()
