"""If these fail, spectra of a series carry energies that its own foil scans contradict."""

from __future__ import annotations

from typing import Any

import pytest

from devices.foil_references import FoilReferences
from reduction.values import Value
from reduction.xas.foil_reference import AlignedEdge, FoilReference
from reduction.xas.results import FoilResults
from storage import complete_runs, series_foils
from storage.series_foils import SeriesFoils
from tests.unit.reduction.test_foil_alignment import measured

REFERENCE = FoilReference.from_document(FoilReferences().of("Pb L3"))
STORE: Any = object()


@pytest.fixture
def foils(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Energies of the edge on the drive's own axis, eV, by uid."""
    found: dict[str, float] = {}
    starts = lambda _, **md: [{"uid": uid} for uid in found if md == {"series": "s", "plan_name": "foil_scan"}]  # noqa: E731

    def reduced(documents: Any) -> FoilResults:
        aligned = AlignedEdge(edge_ev=Value(found[documents[0]], 0.05), reference=REFERENCE)
        return FoilResults(kind="foil", absorption=measured(0.0, seed=1), aligned=aligned)

    monkeypatch.setattr(series_foils, "find_starts", starts)
    monkeypatch.setattr(complete_runs, "load_dataset", lambda _, uid: [uid, ("stop", {})])
    monkeypatch.setattr(complete_runs, "reduce_run", reduced)
    return found


def test_the_offset_is_that_of_the_axis_of_the_scan(foils: dict[str, float]) -> None:
    foils["before"] = REFERENCE.edge_ev - 0.8
    lines = SeriesFoils(lambda: STORE)({"series": "s", "plan_name": "energy_scan", "energy_calibration_offset_ev": 0.5})
    assert lines == [f"energy by the foil     add 0.30 ± {REFERENCE.error_ev:.2f} eV (Pb L3, run before of the series)"]


@pytest.mark.parametrize(("drift_ev", "alarm"), [(0.03, False), (0.4, True)])
def test_a_drift_between_two_foil_scans_is_stated(foils: dict[str, float], drift_ev: float, alarm: bool) -> None:
    foils |= {"before": REFERENCE.edge_ev, "after": REFERENCE.edge_ev + drift_ev}
    lines = SeriesFoils(lambda: STORE)({"series": "s", "plan_name": "delay_scan"})
    assert any(f"{drift_ev:.3f} ± 0.071 eV between the foil scans" in line for line in lines)
    assert any("drifted during the series" in line for line in lines) == alarm


def test_runs_without_series_or_foils_have_no_lines(foils: dict[str, float]) -> None:
    about = SeriesFoils(lambda: STORE)
    assert about({"series": "s", "plan_name": "energy_scan"}) == []
    foils["before"] = REFERENCE.edge_ev
    assert about({"series": "", "plan_name": "energy_scan"}) == []
    assert about({"series": "s", "plan_name": "foil_scan"}) == []
