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
from trxas.validation.coverage import calibration_measurement, effect_measurement, measurement, spectra_measurement
from trxas.validation.coverage.calibration_measurement import use_reference_foil
from trxas.validation.coverage.measurement import PARAMETERS, measure_sample
from trxas.validation.coverage.spectra_measurement import measure_spectra
from trxas.validation.coverage.worker import trusted_axis


def test_gates_are_calibrated_before_the_spectra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: gains and zeros of the boxcar's gates, 0.4 errors of its sizes, would be in no error."""

    def refuse(*_: object) -> None:
        raise ReductionError("A gate calibration has gates without light.")

    monkeypatch.setattr(spectra_measurement, "calibrate_gates", refuse)
    nothing: Any = None
    with pytest.raises(ReductionError, match="gates without light"):
        measure_spectra(nothing, nothing)


def test_without_a_reference_foil_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: the cause of a failed measurement, or pulls of an unknown energy axis among the others."""

    def refuse(*_: object) -> None:
        raise ReductionError("The scan is not an absorption spectrum.")

    monkeypatch.setattr(measurement, "use_reference_foil", refuse)
    nothing: Any = None
    found = measure_sample(nothing, nothing)
    assert found.values == {}
    assert found.failures == dict.fromkeys(PARAMETERS, "The scan is not an absorption spectrum.")


def test_the_reference_foil_is_measured_while_the_axis_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: C by 1.7 errors, at an hour at which the Bragg angle has drifted by 0.03 eV before the first scan."""
    happened: list[object] = []
    monkeypatch.setattr(effect_measurement, "set_effects", lambda _, sizes: happened.append(sizes))
    monkeypatch.setattr(measurement, "use_reference_foil", lambda *_: happened.append("foil"))
    monkeypatch.setattr(measurement, "GROUPS", ())
    nothing: Any = None
    measure_sample(nothing, nothing, trusted_axis("coverage0:"))
    assert happened == [{"EnergyDrift": 0.0}, "foil", {"EnergyDrift": 1.0}]


def test_all_energies_of_a_beamline_refer_to_its_first_foil_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: C, which an axis that has drifted by 0.03 eV before the first foil moves by 1.7 errors."""
    foil = FoilResults(kind="foil", absorption=FoilSpectrum(GRID, absorption(GRID)))
    scans: list[FoilResults] = []

    def measured(*_: object) -> FoilResults:
        scans.append(foil)
        return foil

    monkeypatch.setattr(calibration_measurement, "foil_scan", lambda *_, **__: None)
    monkeypatch.setattr(calibration_measurement, "_reduced", measured)
    beamline: Any = SimpleNamespace(foils=FoilReferences())

    def run_engine(plan: Any) -> None:
        for message in plan:
            message.obj.configure(*message.args)

    for _ in range(2):
        use_reference_foil(beamline, run_engine)  # type: ignore[arg-type]
    assert scans == [foil]
    # The axis counts as right at that time, wherever noise puts the steepest point of the foil.
    assert beamline.foils.of("Pb L3")["energy_ev"] == GRID.tolist()
