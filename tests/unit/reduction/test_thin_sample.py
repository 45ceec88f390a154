"""If these fail, amplitudes and slopes at one energy are too small by self-absorption that [jet] describes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devices.configuration.jet_settings import JetSettings
from devices.jet_absorption import jet_document
from plans.edges import BR_K
from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.results import FluenceResults
from reduction.xas.self_absorption import by_described_jet
from tests.support.simulated_runs import QUIET, SimulatedRuns

JET = JetSettings(thickness_um=200.0, solvent="C7H8", density_g_cm3=0.867)
FLUENCES = (0.5, 1.0, 3.0, 5.0, 8.0)


def scan(loss: float, br_g_l: float, energy_ev: float = BR_K.main_feature_ev) -> FluenceResults:
    """A fluence scan without noise of a sample with `loss` times the usual absorption, described by `br_g_l`."""
    runs = SimulatedRuns(effects=replace(QUIET, self_absorption=loss))
    described = replace(JET, concentrations_g_l={"Br": br_g_l} if br_g_l else {})
    runs.metadata = {"jet": jet_document(described, str(BR_K.name))}
    settings: dict[str, Any] = {"dwell_s": 18.0, "energy_ev": energy_ev, "delay_ps": 100.0}
    found = reduce_run(runs.run("fluence_mj_cm2", FLUENCES, **settings))
    assert isinstance(found, FluenceResults)
    return found


def slopes(found: FluenceResults) -> tuple[Value, Value]:
    """The slope as measured, and that of a thin sample."""
    assert found.line is not None
    assert found.slope is not None
    return found.line.slope, found.slope


def test_a_described_jet_corrects_a_slope_with_its_error() -> None:
    """Lost: 5 % of every slope and amplitude of a concentrated sample."""
    truth = slopes(scan(0.0, 0.0))[0].value
    found = scan(10.0, 24.0)
    measured, thin = slopes(found)
    added = (thin.sigma**2 - (measured.sigma * thin.value / measured.value) ** 2) ** 0.5
    assert abs(measured.value / truth - 1) > 0.04
    # What is left is the level, taken as 1 where it is 1.18: it must be in the error that the correction adds.
    assert abs(thin.value - truth) < 2 * added
    assert added < 0.02 * abs(truth)
    assert "  thin sample" in found.table()
    headline = found.headline()
    assert headline is not None
    assert headline.value.value == pytest.approx(100 * thin.value)


def test_a_jet_without_concentration_corrects_nothing_at_one_energy() -> None:
    measured, thin = slopes(found := scan(1.0, 0.0))
    assert thin == measured
    assert "thin sample" not in found.table()


def test_below_the_main_feature_half_of_the_loss_is_given_back() -> None:
    """The level rises from 0 to 1 there, so nothing of it is known."""
    found = scan(1.0, 2.4, energy_ev=13_468.0)
    thin = by_described_jet(Value(-0.02, 0.0), found.dependence.metadata)
    assert thin is not None
    assert thin.value / -0.02 - 1 == pytest.approx(0.5 * 0.00406, rel=0.02)
    assert thin.sigma / 0.02 == pytest.approx(0.4 * 0.00406, rel=0.1)
