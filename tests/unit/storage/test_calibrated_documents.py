"""If these fail, `reduce` does not use what a series has measured after a run: foils and gates of the same night."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.energy_course import KEY
from reduction.xas.gate_kinds import GateResults
from reduction.xas.results import FoilResults
from storage import calibrated_documents, complete_runs, series_foils
from storage.calibrated_documents import CalibratedDocuments
from tests.support.beam_time import BeamTime, br_signal, br_static, energy_points
from tests.unit.reduction.test_energy_course import foil
from tests.unit.reduction.test_gate_interpolation import GATES, calibration

STORE: Any = object()
SERIES = "night"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Start documents by uid, oldest first; `results` of each under its own key."""
    found: dict[str, dict[str, Any]] = {}

    def starts(_: Any, **md: Any) -> list[dict[str, Any]]:
        return [one for one in found.values() if md.items() <= one.items()]

    for module in (calibrated_documents, series_foils):
        monkeypatch.setattr(module, "find_starts", starts)
    monkeypatch.setattr(complete_runs, "load_dataset", lambda _, uid: [found[uid], ("stop", {})])
    monkeypatch.setattr(complete_runs, "reduce_run", lambda documents: documents[0]["results"])
    return found


def add(runs: dict[str, dict[str, Any]], uid: str, plan_name: str, time_s: float, results: Any, **md: Any) -> None:
    runs[uid] = {"uid": uid, "plan_name": plan_name, "time": time_s, "results": results, "series": SERIES,
                 "edge": "Pb L3", **md}  # fmt: skip


def foil_at(time_s: float, shift_ev: float) -> FoilResults:
    return foil(shift_ev, time_s, seed=int(time_s))


def documents(calibrated: dict[str, Any] | None = None, **md: Any) -> list[tuple[str, dict[str, Any]]]:
    energy = energy_points()
    gates = {} if calibrated is None else {"gate_calibration": calibrated}
    beam = BeamTime(points=energy, static=br_static(energy), signal=br_signal(energy), scans=1,
                    overrides={"time": 200.0, "series": SERIES, **gates, **md})  # fmt: skip
    found = beam.documents(np.random.default_rng(1))
    return [(name, {**doc, "time": 500.0} if name == "event" else doc) for name, doc in found]


def test_foils_of_the_series_are_compared_with_the_first_of_the_calibration(runs: dict[str, dict[str, Any]]) -> None:
    add(runs, "other axis", "foil_scan", 10.0, foil_at(10.0, 3.0), series="x", energy_calibration_offset_ev=1.0)
    add(runs, "first", "foil_scan", 20.0, foil_at(20.0, 0.0), series="x")
    add(runs, "before", "foil_scan", 100.0, foil_at(100.0, 0.2))
    add(runs, "after", "foil_scan", 900.0, foil_at(900.0, 0.4))
    found = CalibratedDocuments(lambda: STORE)(documents())[0][1][KEY]
    assert found["times_s"] == [20.0, 100.0, 900.0]
    assert found["offset_ev"] == pytest.approx([0.0, -0.2, -0.4], abs=0.05)
    assert "run a" in found["source"]


def test_gates_are_those_between_the_calibration_before_and_the_next_one(runs: dict[str, dict[str, Any]]) -> None:
    later = calibration(1000.0, "2", zero=0.4)
    results = GateResults(kind="gates", calibration=None, document=later)  # type: ignore[arg-type]  # not looked at
    add(runs, "dark", "dark_exposures", 1000.0, None)
    add(runs, "blocked", "blocked_exposures", 1100.0, results)
    add(runs, "next scan", "energy_scan", 1200.0, None)
    add(runs, "its own", "blocked_exposures", 1300.0, None)
    start = CalibratedDocuments(lambda: STORE)(documents(calibration(0.0, "1")))[0][1]
    assert start["gate_calibration"]["modes"]["boxcar"]["zero"] == pytest.approx([0.2] * GATES)


def test_a_run_without_later_calibrations_comes_back_as_it_is(runs: dict[str, dict[str, Any]]) -> None:
    plain = documents(calibration(0.0, "1"))
    assert CalibratedDocuments(lambda: STORE)(plain) is plain
    add(runs, "foil", "foil_scan", 100.0, foil_at(100.0, 0.0))
    assert KEY not in CalibratedDocuments(lambda: STORE)(plain)[0][1], "one foil alone shows no drift"
    alone = documents(series="")
    assert CalibratedDocuments(lambda: STORE)(alone) is alone
