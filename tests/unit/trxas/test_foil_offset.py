"""If these fail, the energy axis is calibrated by another foil scan than the latest, or twice by the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from devices.foil_references import FoilReferences
from errors import InputError
from reduction.values import Value
from reduction.xas.calibration import FoilSpectrum
from reduction.xas.foil_reference import AlignedEdge, FoilReference
from reduction.xas.results import FoilResults
from tests.unit.reduction.test_foil_alignment import measured
from trxas.session import foil_offset, latest_scan
from trxas.session.foil_offset import latest_foil_offset

REFERENCE = FoilReference.from_document(FoilReferences().of("Pb L3"))


def line(uid: str, time_s: float, plan: str = "foil_scan", status: str = "complete") -> Any:
    return SimpleNamespace(uid=uid, time_s=time_s, plan_name=plan, status=status)


def results(edge_ev: float, axis_offset_ev: float) -> FoilResults:
    aligned = AlignedEdge(edge_ev=Value(edge_ev, 0.1), reference=REFERENCE)
    spectrum: FoilSpectrum = measured(0.0, seed=1)
    return FoilResults(kind="foil", absorption=spectrum, aligned=aligned, axis_offset_ev=axis_offset_ev)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Results by uid; the newest complete foil scan is "b"."""
    found: dict[str, Any] = {"a": results(13_034.0, 0.0), "b": results(13_034.3, 0.2)}
    listed = [line("d", 9.0, status="abort"), line("c", 5.0, "delay_scan"), line("b", 3.0), line("a", 1.0)]
    monkeypatch.setattr(latest_scan, "list_runs", lambda _: listed)
    monkeypatch.setattr(foil_offset, "load_dataset", lambda _, uid: uid)
    monkeypatch.setattr(foil_offset, "reduce_run", lambda uid: found[uid])
    return found


def test_the_latest_complete_scan_counts_and_repeating_changes_nothing(runs: dict[str, Any]) -> None:
    store: Any = None
    assert latest_foil_offset(store, 0.2).value == pytest.approx(0.7)
    assert latest_foil_offset(store, 0.2).sigma == pytest.approx(0.51, abs=0.01)
    assert f"{latest_foil_offset(store, 0.9).value:+g}" == "+0"
    # Measured again on the new axis, with the same edge of the drive.
    runs["b"] = results(13_035.0, 0.9)
    assert latest_foil_offset(store, 0.9).value == 0.0


def test_a_tabulated_edge_does_not_replace_a_better_calibration(runs: dict[str, Any]) -> None:
    """The table is wrong by 3 eV: applied, its scatter would spoil an axis that a real foil has calibrated."""
    store: Any = None
    table = FoilReference.from_document(FoilReferences().of("Pb L2"))
    aligned = AlignedEdge(edge_ev=Value(15_200.0 - 1.4, 0.1), reference=table)
    runs["b"] = FoilResults(kind="foil", absorption=measured(0.0, seed=1), aligned=aligned)
    with pytest.raises(InputError, match=r"\+1\.40 eV, which a tabulated edge does not determine"):
        latest_foil_offset(store, 0.0)
    runs["b"] = FoilResults(
        kind="foil",
        absorption=measured(0.0, seed=1),
        aligned=AlignedEdge(edge_ev=Value(15_192.0, 0.1), reference=table),
    )
    assert latest_foil_offset(store, 0.0).value == pytest.approx(8.0)


def test_a_scan_without_reference_calibrates_nothing(runs: dict[str, Any]) -> None:
    store: Any = None
    runs["b"] = FoilResults(kind="foil", absorption=measured(0.0, seed=1), remarks=("No reference.",))
    with pytest.raises(InputError, match=r"gives no offset: No reference\. Give offset_ev"):
        latest_foil_offset(store, 0.0)
