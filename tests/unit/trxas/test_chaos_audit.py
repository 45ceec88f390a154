"""If these fail, `trxas chaos` calls a night clean that is not, or cannot be repeated."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from storage import open_store, primary_data
from tests.support.live_runs import delay_run
from tests.support.stored_runs import StoredRuns
from trxas.simulation import FaultKind
from trxas.validation.robustness import fault_schedule
from trxas.validation.robustness.audit import Audit, Comparison, audit, compare
from trxas.validation.robustness.chaos_result import ChaosResult
from trxas.validation.robustness.exposure_truth import NOMINAL, USUAL_DIVIDER, ExposureTruth
from trxas.validation.robustness.fault_schedule import LONGEST_S, SHORTEST_S, plan_faults

Events = list[dict[str, Any]]


def run() -> list[tuple[str, dict[str, Any]]]:
    """A trace; every event with its fluence, as real ones have."""
    return [
        (name, {**doc, "data": {**doc["data"], "fluence_mj_cm2": 8.83}} if name == "event" else dict(doc))
        for name, doc in delay_run()
    ]


def state_of(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the simulation writes about an undisturbed exposure; its delay has a hidden zero."""
    state = {
        **NOMINAL,
        "rate_divider": USUAL_DIVIDER,
        "current": 1.0,
        "flux": 0.99,
        "laser_shutter_open": bool(event["laser_shutter"]),
    }
    state |= {axis: event[axis] for axis in ("energy_ev", "fluence_mj_cm2")}
    return {**state, "delay_ps": event["delay_ps"] - 17.0, **changes}


def write_log(path: Path, events: Events, struck: dict[int, list[tuple[float, dict[str, Any]]]]) -> ExposureTruth:
    """The log of these exposures; `struck`: by position, other (seconds, changes of the state)."""
    lines = []
    for index, event in enumerate(events):
        states = [[s, state_of(event, **changes)] for s, changes in struck.get(index, [(6.0, {})])]
        counts = int(np.sum(event["spc_counts"]))
        known = {"exposure_id": int(event["exposure_id"]), "i0": int(event["i0"]), "counts": counts}
        lines.append(json.dumps({**known, "states": states}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return ExposureTruth(path)


@pytest.fixture
def events() -> Events:
    return [dict(event) for event in primary_data(run())]


def test_undisturbed_exposures_are_called_good(events: Events, tmp_path: Path) -> None:
    """Lost: the meaning of a 0, if calibration offsets were taken for faults."""
    assert set(write_log(tmp_path / "log", events, {}).judge(events)) == {""}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"current": 0.0}, "beam"), ({"chamber": 0.5}, "chamber"), ({"jet_running": False}, "jet_running"),
        ({"laser_locked": False}, "laser_locked"), ({"xray_shutter_open": False}, "xray_shutter_open"),
        ({"gates_open": 0.8}, "gates_open"), ({"delay_ps": 1e4}, "delay_ps"), ({"fluence_mj_cm2": 4.4}, "fluence"),
        ({"laser_shutter_open": False}, "laser_shutter"), ({"stray_photons": 30.0}, "stray_photons"),
    ],
)  # fmt: skip
def test_every_disturbance_is_seen_from_one_per_cent_of_the_exposure(
    events: Events, tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    """Lost: a bad point that was averaged and is not counted as such."""
    struck = {3: [(5.9, {}), (0.1, changes)], 4: [(5.97, {}), (0.03, changes)]}
    judged = write_log(tmp_path / "log", events, struck).judge(events)
    assert named in judged[3]
    assert [index for index, reason in enumerate(judged) if reason] == [3]


def test_counts_that_no_exposure_gave_are_bad(events: Events, tmp_path: Path) -> None:
    """Lost: a stale frame beside a fresh I0 would pass."""
    truth = write_log(tmp_path / "log", events, {})
    events[2]["i0"] += 1
    assert truth.judge(events)[2] == "no such exposure in the log"


def test_losses_and_duplicates_are_counted(tmp_path: Path) -> None:
    """Lost: that a point is missing, or there twice."""
    documents = run()
    events = [doc for name, doc in documents if name == "event"]
    documents[0][1].update(purpose="chaos", num_points=len(events))
    # The first is stored twice with the same reading, the third is marked as bad.
    twice = {**events[0], "uid": "again"}
    events[2]["data"] = {**events[2]["data"], "quality": "i0"}
    documents.insert(-1, ("event", twice))
    stored = StoredRuns(tmp_path)
    stored.write(documents)
    stored.close()
    log = write_log(tmp_path / "log", [event["data"] for event in events], {5: [(6.0, {"current": 0.0})]})
    with open_store(tmp_path, recover_runs=False) as store:
        found = audit(store, log)
    assert (found.points_lost, found.marked_bad, found.bad_points_averaged) == (1, 1, 1)
    assert found.duplicates == 2, "as a point of the scan, and as a reading"
    assert found.reasons == {"beam": 1}


def test_equal_data_compare_as_equal_and_others_do_not() -> None:
    """Lost: a disturbed night that differs from an undisturbed one, called equal."""
    documents = run()
    assert compare([documents], [documents]).max_pull == 0.0
    other = [(name, dict(doc)) for name, doc in documents]
    for name, doc in other:
        if name == "event":
            counts = np.array(doc["data"]["spc_counts"])
            counts[:, 0] = counts[:, 0] * 1.05
            doc["data"] = {**doc["data"], "spc_counts": counts}
    assert compare([documents], [other]).chi_square_per_point > 2.0


def test_a_seed_gives_the_same_faults_and_every_kind_as_often() -> None:
    """Lost: a failure that nobody can repeat; a kind that never strikes."""
    kinds = [FaultKind(name=name, wall_clock=name == "c", variants=({"X": 1}, {"X": 2})) for name in "abcdefgh"]
    faults = plan_faults(3 * len(kinds), 5, kinds)
    assert faults == plan_faults(3 * len(kinds), 5, kinds)
    assert faults != plan_faults(3 * len(kinds), 6, kinds)
    assert set(Counter(fault.kind for fault in faults).values()) == {3}
    assert {fault.parameters["X"] for fault in faults} == {1, 2}
    assert all(fault.wall_clock is (fault.kind == "c") for fault in faults)
    assert all(SHORTEST_S <= fault.duration_s <= LONGEST_S and fault.gap_s >= 0 for fault in faults)


def test_kinds_that_no_point_shows_strike_only_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: a night that is never clean, because its points cannot show what struck."""
    kinds = [FaultKind(name="a", wall_clock=False), FaultKind(name="b", wall_clock=False, variants=())]
    monkeypatch.setattr(fault_schedule, "known_kinds", lambda: kinds)
    assert fault_schedule.chosen_kinds(None) == kinds[:1]
    assert [one.kind for one in plan_faults(2, 1, fault_schedule.chosen_kinds("b"))] == ["b", "b"]


@pytest.mark.parametrize(
    "defect",
    [
        {"hangs": 1},
        {"audit": Audit(points_lost=1)},
        {"audit": Audit(duplicates=1)},
        {"audit": Audit(bad_points_averaged=1)},
        {"comparison": Comparison(points=20, chi_square=70.0, max_pull=6.0)},
        {"comparison": Comparison(points=0, chi_square=0.0, max_pull=0.0)},
    ],
)
def test_every_defect_spoils_the_verdict(defect: dict[str, Any]) -> None:
    """Lost: the meaning of exit code 0. Chi-square 70 for 20 points has a chance of 2e-7."""
    sound = ChaosResult(hang_after_s=60.0, comparison=Comparison(points=20, chi_square=21.0, max_pull=2.0))
    assert sound.is_clean
    assert not replace(sound, **defect).is_clean
