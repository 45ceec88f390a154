"""If these fail, a coverage measures with gates whose gains and zeros are in its results, and in no error."""

from __future__ import annotations

from typing import Any

import pytest

from errors import ReductionError
from trxas.validation.coverage import measurement
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
