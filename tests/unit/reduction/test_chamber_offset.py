"""If these fail, an ion chamber that counts without beam distorts spectra and foils, although it was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.accumulator import accumulate
from reduction.gate_calibration import chamber_offsets
from reduction.xas.calibration_plans import DARK_PLAN
from reduction.xas.gate_exposures import GateExposureSums, gate_calibration
from reduction.xas.gate_kinds import GATES
from reduction.xas.spc_energy import spc_spectrum
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

OFFSET_PER_S = 5e6
"""5 % of the ion chamber's 1e8 counts/s: far more than any amplifier, so that a wrong correction is seen."""

ENERGY_EV = energy_points()


def with_i0(documents: list[Document], change: Any) -> list[Document]:
    return [
        (name, {**doc, "data": {**doc["data"], "i0": change(doc["data"]), "foil": change(doc["data"])}})
        if name == "event" else (name, doc)
        for name, doc in documents
    ]  # fmt: skip


def dark(noise: float = 30.0) -> dict[str, Any]:
    """The calibration after ten dark exposures of 60 s in each state of the laser."""
    rng = np.random.default_rng(5)
    run = BeamTime(points=np.full(1, 100.0), static=np.zeros(1), signal=np.zeros((1, 5)), axis="delay_ps", scans=10,
                   dwell_s=60.0, shutter_reference="point")  # fmt: skip
    documents = with_i0(run.documents(rng), lambda data: 60.0 * (OFFSET_PER_S + noise * rng.standard_normal()))
    sums = GateExposureSums()
    for name, doc in [("start", {**documents[0][1], "plan_name": DARK_PLAN, "time": 1.0}), *documents[1:]]:
        sums(name, doc)
    return gate_calibration(sums)


def spectrum(calibration: dict[str, Any] | None, offset_per_s: float) -> Any:
    """A Br scan whose flux falls by half over the grid, so that an offset does not cancel."""
    beam = BeamTime(points=ENERGY_EV, static=br_static(ENERGY_EV), signal=br_signal(ENERGY_EV), dwell_s=5.0, jet=0.0,
                    overrides={} if calibration is None else {"gate_calibration": calibration})  # fmt: skip
    fall = np.linspace(1.0, 0.5, ENERGY_EV.size)
    rng = np.random.default_rng(6)
    documents = with_i0(
        beam.documents(rng),
        lambda data: data["i0"] * fall[data["point_index"]] + offset_per_s * data["exposure_s"],
    )
    return accumulate(documents)


def test_dark_exposures_measure_the_offset_with_its_error() -> None:
    found = chamber_offsets(dark())
    assert found["i0"].value == pytest.approx(OFFSET_PER_S, abs=4 * found["i0"].sigma)
    assert found["i0"].sigma == pytest.approx(30.0 / 20**0.5, rel=0.6)
    assert set(found) == {"i0", "foil"}
    assert chamber_offsets(dark(noise=0.0))["i0"].sigma > 0


def test_the_offset_is_subtracted_and_its_error_is_in_the_spectrum() -> None:
    without = spectrum(None, 0.0).i0
    run = spectrum(dark(), OFFSET_PER_S)
    np.testing.assert_allclose(run.i0, without, rtol=1e-6)
    np.testing.assert_allclose(run.foil, run.i0, rtol=1e-5)
    # The calibration has zeros of the gates too; the first row is that of the offset.
    assert spc_spectrum(run).common.shape[0] > 0
    assert np.abs(spc_spectrum(run).common[0]).max() < 1e-6
    assert spectrum(dark(), OFFSET_PER_S).with_i0_offset(10.0).i0[0, 0, 1] == pytest.approx(run.i0[0, 0, 1] - 50.0)


def test_a_chamber_before_the_shutter_keeps_its_signal() -> None:
    """Its reading in dark exposures is the beam itself."""
    calibration = dark()
    calibration["chambers"]["i0"]["offset_per_s"] = 1e8
    assert spectrum(calibration, 0.0).i0.sum() == pytest.approx(spectrum(None, 0.0).i0.sum())


def test_results_state_the_offsets_and_earlier_calibrations_have_none() -> None:
    document = dark()
    assert chamber_offsets({}) == {}
    sums = GateExposureSums()
    rng = np.random.default_rng(5)
    run = BeamTime(points=np.full(1, 100.0), static=np.zeros(1), signal=np.zeros((1, 5)), axis="delay_ps", scans=3,
                   dwell_s=60.0, shutter_reference="point")  # fmt: skip
    documents = with_i0(run.documents(rng), lambda data: 300.0 * data["exposure_s"])
    for name, doc in [("start", {**documents[0][1], "plan_name": DARK_PLAN, "time": 1.0}), *documents[1:]]:
        sums(name, doc)
    assert "offset of i0           300.0" in GATES.reduce(sums).table()
    with pytest.raises(ReductionError, match="ion chambers"):
        chamber_offsets({**document, "chambers": {"i0": {}}})
