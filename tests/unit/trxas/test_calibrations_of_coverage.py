"""If these fail, a coverage measures with gates and energies that are wrong by more than its errors state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from devices.foil_references import FoilReferences
from errors import ReductionError
from reduction.xas.calibration import FoilSpectrum
from reduction.xas.results import FoilResults
from tests.support.foil_edges import GRID, absorption
from trxas.validation.coverage import calibration_measurement, measurement
from trxas.validation.coverage.calibration_measurement import use_reference_foil
from trxas.validation.coverage.measurement import PARAMETERS, MeasuredGroup, measure_sample


def test_gates_are_calibrated_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: right errors of sizes; a beam time calibrates its gates first, too."""
    order: list[str] = []
    group = MeasuredGroup(parameters=("t0",), measure=lambda *_: order.append("t0") or {})  # type: ignore[func-returns-value]
    monkeypatch.setattr(measurement, "calibrate", lambda *_: order.append("gates"))
    monkeypatch.setattr(measurement, "GROUPS", (group,))
    beamline: Any = None
    measure_sample(beamline, beamline)
    assert order == ["gates", "t0"]


def test_gates_without_light_are_the_reason_why_nothing_is_determined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the cause of a failed measurement, or pulls of uncalibrated gates among the others."""

    def refuse(*_: object) -> None:
        raise ReductionError("A gate calibration has gates without light.")

    monkeypatch.setattr(measurement, "calibrate", refuse)
    beamline: Any = None
    found = measure_sample(beamline, beamline)
    assert found.values == {}
    assert found.failures == dict.fromkeys(PARAMETERS, "A gate calibration has gates without light.")


def test_all_energies_of_a_beamline_refer_to_its_first_foil_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: C, which an axis that has drifted by 0.03 eV before the first foil moves by 1.7 errors."""
    foil = FoilResults(kind="foil", absorption=FoilSpectrum(GRID, absorption(GRID)))
    scans: list[FoilResults] = []
    monkeypatch.setattr(calibration_measurement, "foil_scan", lambda *_, **__: None)
    monkeypatch.setattr(calibration_measurement, "_reduced", lambda *_: scans.append(foil) or foil)
    beamline: Any = SimpleNamespace(foils=FoilReferences())

    def run_engine(plan: Any) -> None:
        for message in plan:
            message.obj.configure(*message.args)

    for _ in range(2):
        use_reference_foil(beamline, run_engine)  # type: ignore[arg-type]
    assert scans == [foil]
    # The axis counts as right at that time, wherever noise puts the steepest point of the foil.
    assert beamline.foils.of("Pb L3")["energy_ev"] == GRID.tolist()
