"""If these fail, exposures are counted twice, lost, or added to the wrong point."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from tests.support.processor_time import processor_s


def as_stored(value: Any) -> Any:
    """Return a document as it is after a round trip through JSON."""
    return json.loads(json.dumps(value, default=lambda v: v.tolist()))


def paged(documents: list[tuple[str, dict[str, Any]]], size: int) -> list[tuple[str, dict[str, Any]]]:
    events = [doc["data"] for name, doc in documents if name == "event"]
    pages = []
    for first in range(0, len(events), size):
        chunk = events[first : first + size]
        columns = {key: [data[key] for data in chunk] for key in chunk[0]}
        pages.append(("event_page", {"descriptor": "d", "seq_num": list(range(len(chunk))), "data": columns}))
    return [*documents[:2], *pages, documents[-1]]


def sums(accumulator: RunAccumulator) -> np.ndarray:
    return np.concatenate(
        [
            accumulator.counts.reshape(-1),
            accumulator.pulses.reshape(-1),
            accumulator.boxcar_integral.reshape(-1),
            accumulator.boxcar_integral_variance.reshape(-1),
            accumulator.i0.reshape(-1),
            accumulator.exposure_s.reshape(-1),
            accumulator.mean_readback("energy_ev"),
        ]
    )


def test_stored_run_reduces_to_exactly_what_the_live_window_showed(br_energy_scan: Any) -> None:
    documents = br_energy_scan(shutter_reference="point").documents(np.random.default_rng(1))
    live = sums(accumulate(documents))
    assert np.array_equal(live, sums(accumulate(as_stored(documents))))
    assert np.array_equal(live, sums(accumulate(paged(documents, 7))))


def test_every_number_lands_in_its_own_cell(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=3, shutter_reference="point").documents(np.random.default_rng(2))
    run = accumulate(documents)
    for name, doc in documents:
        if name == "event":
            data = doc["data"]
            cell = data["scan_index"], data["point_index"], data["laser_shutter"]
            assert np.array_equal(run.counts[cell], data["spc_counts"])
            assert np.array_equal(run.pulses[cell], data["spc_pulses"])
            assert run.boxcar_integral[cell] == pytest.approx(data["boxcar_mean"] * data["exposure_s"])
            assert run.boxcar_integral_variance[cell] == pytest.approx(
                data["boxcar_variance"] * data["exposure_s"] ** 2
            )
            assert run.i0[cell] == data["i0"]
            assert run.exposures[cell] == 1


def test_repeated_exposures_add_up_and_bad_ones_are_only_counted(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(3))
    event = documents[2][1]
    bad = event | {"data": event["data"] | {"quality": "beam_lost", "i0": float("nan")}}
    run = accumulate([*documents[:3], ("event", event), ("event", bad)])
    assert run.exposures[0, 0].tolist() == [0, 2]
    assert run.rejected[0, 0].tolist() == [0, 1]
    assert np.array_equal(run.counts[0, 0, 1], 2 * event["data"]["spc_counts"])
    assert run.mean_readback("energy_ev")[0] == pytest.approx(event["data"]["energy_ev"], abs=1e-9)


def test_unfinished_scan_leaves_the_rest_at_zero(br_energy_scan: Any) -> None:
    beam_time = br_energy_scan(scans=5)
    run = accumulate(beam_time.documents(np.random.default_rng(4))[: 2 + len(beam_time.points) + 4])
    assert run.scans == 2
    assert run.exposures[0, :, 1].all()
    assert run.exposures[1, :, 1].sum() == 4
    assert run.exit_status is None


def test_other_streams_are_ignored(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(5))
    monitor = [("descriptor", {"uid": "m", "name": "ring"}), ("event", {"descriptor": "m", "data": {"current": 100.0}})]
    assert accumulate([*documents[:2], *monitor, *documents[2:]]).exposures.sum() == 44


def test_memory_does_not_grow_with_repeated_exposures(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(6))
    run = accumulate(documents[:-1])
    before = run.nbytes
    for _ in range(20):
        for name, doc in documents[2:-1]:
            run(name, doc)
    assert run.nbytes == before


def test_an_event_costs_tens_of_microseconds(br_energy_scan: Any) -> None:
    """Lost: a window that keeps up with 10 ms exposures; an event takes 14 us."""
    documents = br_energy_scan(scans=8, shutter_reference="point").documents(np.random.default_rng(7))

    def take() -> None:
        run = accumulate(documents[:2])
        for name, doc in documents[2:]:
            run(name, doc)

    assert processor_s(take) / (len(documents) - 2) < 100e-6


@pytest.mark.parametrize("key", ["reduction", "grid", "repeats", "delay_ps", "modes", "edge"])
def test_start_document_without_a_key_is_refused_by_name(br_energy_scan: Any, key: str) -> None:
    start = br_energy_scan().start()
    del start[key]
    with pytest.raises(ReductionError, match=key):
        accumulate([("start", start)])


@pytest.mark.parametrize("key", ["pump_overlap", "pre_edge_ev", "unpumped_probe"])
def test_start_document_without_a_reduction_setting_is_refused_by_name(br_energy_scan: Any, key: str) -> None:
    start = br_energy_scan().start()
    del start["reduction"][key]
    with pytest.raises(ReductionError, match=key):
        accumulate([("start", start)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scan_index": 99}, "scan_index = 99"),
        ({"point_index": -1}, "point_index = -1"),
        ({"laser_shutter": 2}, "laser_shutter = 2"),
        ({"i0": float("nan")}, "not finite"),
        ({"i0": 0.0}, "not above 0"),
        ({"spc_counts": [1, 2, 3]}, "shape"),
        ({"spc_pulses": "many"}, "shape or type"),
        ({"spc_pulses": [None] * 5}, "not finite"),
    ],
)
def test_event_that_makes_no_sense_is_refused(br_energy_scan: Any, change: dict[str, Any], message: str) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(8))
    event = documents[2][1]
    with pytest.raises(ReductionError, match=message):
        accumulate([*documents[:2], ("event", event | {"data": event["data"] | change})])


def test_event_without_the_data_of_a_declared_mode_is_refused(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(9))
    del documents[2][1]["data"]["boxcar_mean"]
    with pytest.raises(ReductionError, match="boxcar_mean"):
        accumulate(documents)


def test_documents_out_of_order_are_refused(br_energy_scan: Any) -> None:
    documents = br_energy_scan(scans=1).documents(np.random.default_rng(10))
    with pytest.raises(ReductionError, match="No start document"):
        _ = RunAccumulator().counts
    with pytest.raises(ReductionError, match="before its descriptor"):
        accumulate([documents[0], documents[2]])
    with pytest.raises(ReductionError, match="second start"):
        accumulate([documents[0], documents[0]])
