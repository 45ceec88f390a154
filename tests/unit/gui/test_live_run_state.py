"""If these fail, the window shows numbers that the stored run does not have, or the numbers of another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.suspension import STREAM, Suspension
from errors import ReductionError
from gui.live.finished_runs import EARLIER_RUNS
from gui.live.history import ExposureHistory
from gui.live.run_state import REJECTIONS, RunState
from gui.live.suspended import Suspended
from reduction.accumulator import accumulate, joined
from reduction.xas.spc_energy import spc_spectrum
from tests.support.live_runs import BEGAN_S, EXPOSURE_S, delay_run, energy_run


def fed(*runs: list[tuple[str, dict[str, Any]]]) -> RunState:
    state = RunState()
    for documents in runs:
        for name, doc in documents:
            state(name, doc)
    return state


def test_sums_are_those_of_the_stored_run() -> None:
    documents = energy_run()
    state = fed(documents)
    stored = spc_spectrum(accumulate(documents))
    np.testing.assert_array_equal(spc_spectrum(state.within("mean")).transient, stored.transient)
    assert (state.events, state.rejected, state.exit_status) == (len(documents) - 3, 0, "success")
    assert state.latest == documents[-2][1]["data"]


def test_the_current_scan_is_the_latest_one_alone() -> None:
    documents = energy_run(scans=3)
    state, events = fed(documents), [pair for pair in documents if pair[0] == "event"]
    last = [(name, doc) for name, doc in events if doc["data"]["scan_index"] == 2]
    alone = accumulate([*documents[:2], *last])
    np.testing.assert_array_equal(state.within("scan").counts, alone.counts[2:])
    assert state.within("scan") is state.within("scan")


def test_a_series_continues_over_runs_of_one_measurement_only() -> None:
    first, second = energy_run("a", seed=1), energy_run("b", seed=2, scans=2)
    state = fed(first, delay_run("between"), second)
    assert [run.metadata.uid for run in state.series] == ["a"]
    both = joined([accumulate(first), accumulate(second)])
    np.testing.assert_array_equal(state.within("series").counts, both.counts)
    other = fed(first, energy_run("c", overrides={"series": "b"}))
    assert other.series == ()
    hotter = fed(first, energy_run("c", overrides={"fluence_mj_cm2": 3.0}))
    assert hotter.series == ()


def test_a_series_names_the_runs_that_another_calibration_keeps_out() -> None:
    """Lost: a mean over two runs of five, and nobody in the hutch knows that three are missing, or why."""
    now = {"energy_calibration_offset_ev": 0.7, "time_zero_raw_ps": 169_780.0}
    state = fed(
        energy_run("same", overrides=now),
        energy_run("shifted", overrides={**now, "energy_calibration_offset_ev": -2.3, "scan_id": 12}),
        energy_run("late", overrides={**now, "time_zero_raw_ps": 169_746.0}),
        energy_run("hotter", overrides={**now, "time_zero_raw_ps": 169_746.0, "fluence_mj_cm2": 3.0}),
        delay_run("other kind", overrides={"time_zero_raw_ps": 169_746.0}),
        energy_run("now", overrides=now),
    )
    assert [run.metadata.uid for run in state.series] == ["same"]
    assert [run.text for run in state.left_out] == [
        "scan 12 (energy calibration differs by -3 eV)",
        "run late (time zero differs by -34 ps)",
    ]


def test_a_run_that_is_replayed_is_not_its_own_series() -> None:
    """A replay that is wound back begins with the same start document again."""
    state = fed(energy_run("a"), energy_run("a"))
    assert state.series == ()
    assert state.events == len(energy_run("a")) - 3


def test_memory_of_earlier_runs_is_bounded() -> None:
    state = fed(*(energy_run(str(number), scans=1)[:10] for number in range(EARLIER_RUNS + 5)))
    assert len(state.series) == EARLIER_RUNS


def test_event_pages_count_like_events() -> None:
    documents = energy_run()
    events = [doc for name, doc in documents if name == "event"]
    page = {
        "descriptor": events[0]["descriptor"],
        "seq_num": [event["seq_num"] for event in events],
        "time": [event["time"] for event in events],
        "data": {key: [event["data"][key] for event in events] for key in events[0]["data"]},
    }
    state = fed([*documents[:2], ("event_page", page), documents[-1]])
    assert state.events == len(events)
    np.testing.assert_array_equal(state.within("mean").counts, fed(documents).within("mean").counts)
    np.testing.assert_array_equal(state.history.column("time_s"), fed(documents).history.column("time_s"))


def test_a_snapshot_does_not_change_while_events_arrive() -> None:
    documents = energy_run()
    state = fed(documents[:20])
    snapshot = state.snapshot()
    before = snapshot.within("mean").counts.copy(), snapshot.history.column("i0").copy(), snapshot.events
    for name, doc in documents[20:]:
        state(name, doc)
    np.testing.assert_array_equal(snapshot.within("mean").counts, before[0])
    np.testing.assert_array_equal(snapshot.history.column("i0"), before[1])
    assert (snapshot.events, snapshot.exit_status) == (before[2], None)


def test_documents_of_other_runs_and_streams_are_left_alone() -> None:
    documents, other = energy_run("a"), energy_run("b")
    baseline = ("descriptor", {"uid": "base", "run_start": "a", "name": "baseline"})
    reading = ("event", {"descriptor": "base", "seq_num": 1, "time": 0.0, "data": {"i0": 1.0}})
    state = fed([*other[2:5], *documents[:5], baseline, reading, *other[1:4], other[-1]])
    assert (state.events, state.exit_status) == (3, None)


def test_a_run_is_suspended_between_the_two_events_of_a_suspension() -> None:
    """Lost: a window that shows LIVE, or STALE, during a beam dump."""
    documents = energy_run("a")
    stream = ("descriptor", {"uid": "sus", "run_start": "a", "name": STREAM})

    def suspension(suspended: int, reason: str) -> tuple[str, dict[str, Any]]:
        data = {"suspended": suspended, "reason": reason, "waited_s": 0.0}
        assert data.keys() == Suspension().describe().keys()
        return "event", {"descriptor": "sus", "seq_num": 1, "time": 5.0, "data": data}

    state = fed([*documents[:5], stream, suspension(1, "ring current")])
    assert state.suspension == Suspended(reason="ring current", since_s=5.0)
    assert state.events == 3
    state(*suspension(0, ""))
    assert state.suspension is None
    state(*suspension(1, "jet"))
    state(*documents[-1])
    assert state.suspension is None


def test_bad_points_are_counted_and_an_invalid_event_is_reported() -> None:
    documents = energy_run()
    documents[3][1]["data"]["quality"] = "jet"
    documents[4][1]["data"]["i0"] = float("nan")
    state = fed(documents)
    assert state.rejected == 1
    assert "not finite" in state.problem
    assert state.within("mean").exposures.sum() == state.events - 2


def test_a_run_without_transients_reports_it() -> None:
    state = fed([("start", {"uid": "count", "plan_name": "count", "time": 0.0})])
    with pytest.raises(ReductionError, match=r"This run \(count\) has no transients"):
        state.within("mean")
    with pytest.raises(ReductionError, match="no run yet"):
        RunState().scans()
    with pytest.raises(ReductionError, match="first point"):
        fed(energy_run()[:2]).within("series")


def test_the_latest_image_is_found_through_its_documents() -> None:
    documents: list[tuple[str, dict[str, Any]]] = [
        ("start", {"uid": "xrd", "plan_name": "diffraction", "time": 0.0}),
        ("descriptor", {"uid": "d", "run_start": "xrd", "name": "primary"}),
        ("resource", {"uid": "r", "run_start": "xrd", "root": "/data", "resource_path": "a/b.h5", "spec": "AD_HDF5",
                      "resource_kwargs": {"frame_per_point": 2}}),
        ("datum", {"datum_id": "r/0", "resource": "r", "datum_kwargs": {"point_number": 0}}),
        ("event", {"descriptor": "d", "time": 1.0, "data": {"pilatus_image": "r/0", "sample": "x"}}),
        ("datum_page", {"datum_id": ["r/1"], "resource": "r", "datum_kwargs": {"point_number": [1]}}),
        ("event", {"descriptor": "d", "time": 2.0, "data": {"pilatus_image": "r/1"}}),
    ]  # fmt: skip
    image = fed(documents).image
    assert image is not None
    assert (image.field, image.path, image.index, image.frames) == ("pilatus_image", Path("/data/a/b.h5"), 1, 2)


def test_history_keeps_the_latest_rows_in_bounded_memory() -> None:
    history = ExposureHistory(limit=1000)
    for number in range(3500):
        history.append(float(number), {"i0": 2.0 * number, "quality": "jet" if number % 2 else ""})
        if number == 1500:
            early = history.column("i0")
            kept = early.copy()
    assert 500 <= len(history) <= 1000
    np.testing.assert_array_equal(history.column("time_s"), np.arange(3500 - len(history), 3500))
    np.testing.assert_array_equal(history.column("i0"), 2.0 * history.column("time_s"))
    np.testing.assert_array_equal(history.column("good"), history.column("time_s") % 2 == 0)
    assert np.isnan(history.column("temperature_c")).all()
    np.testing.assert_array_equal(early, kept)


def test_a_value_that_is_no_measurement_is_a_gap_in_its_trend() -> None:
    """Lost: the sight of a dead flow meter, which the last flow it knew would hide as a straight line."""
    history = ExposureHistory()
    history.append(0.0, {"jet_flow_ml_min": 240.0, "ring_current_ma": 102.0, "marks": ""})
    history.append(1.0, {"jet_flow_ml_min": 240.0, "ring_current_ma": 102.0, "marks": "i0_dip,jet_flow_ml_min_invalid"})
    np.testing.assert_array_equal(history.column("jet_flow_ml_min"), [240.0, np.nan])
    np.testing.assert_array_equal(history.column("ring_current_ma"), [102.0, 102.0])


def test_history_holds_the_time_of_each_event() -> None:
    history = fed(energy_run()).history
    np.testing.assert_allclose(history.column("time_s")[:2], BEGAN_S + EXPOSURE_S * np.array([2, 3]))


def test_every_rejected_point_keeps_its_reason_at_any_rate() -> None:
    """Frames come 30 times a second, exposures faster: the latest event alone would hide the others' reasons."""
    documents = energy_run()
    documents[3][1]["data"]["quality"] = "jet"
    documents[5][1]["data"]["quality"] = "i0,laser_lock"
    state = fed(documents[:10])
    assert [(one.event, one.scan, one.point, one.reasons) for one in state.rejections] == [
        (2, 1, 2, "jet"),
        (4, 1, 4, "i0,laser_lock"),
    ]
    for _ in range(2 * REJECTIONS):
        state(*documents[3])
    assert len(state.rejections) == REJECTIONS
    assert state.rejected == 2 + 2 * REJECTIONS
