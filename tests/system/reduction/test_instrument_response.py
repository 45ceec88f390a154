"""If these fail, a beamline with another response than the configured one gives wrong lifetimes with small errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from reduction.run_metadata import RunMetadata
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.pump_train import convolved_decay
from reduction.xas.result_text import kinetics_lines
from reduction.xas.signal_rise import Rise, fit_rise
from reduction.xas.time_zero import fit_time_zero
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced

CONFIGURED = replace(TIMING, irf_error_ps=15.0, irf_source="configuration")
DELAYS_PS = np.concatenate([np.arange(-300, -150, 50), np.arange(-150, 150, 15), np.arange(150, 401, 50)]).astype(float)


@pytest.fixture(scope="module")
def fits() -> dict[str, KineticsFit]:
    """A trace without noise whose response is 60 ps, with 45 ps as a vague prior, as a fixed value, and 60 +- 0.5."""
    trace = traced(TWO_OFFSET, seed=None, irf_sigma_ps=60.0)
    priors = {"vague": CONFIGURED, "fixed": TIMING, "known": replace(TIMING, irf_sigma_ps=60.0, irf_error_ps=0.5)}
    return {name: fit_kinetics(trace, timing) for name, timing in priors.items()}


def test_a_response_of_60_ps_instead_of_45_leaves_the_lifetimes_right(fits: dict[str, KineticsFit]) -> None:
    """With the response fixed, this trace gives tau1 = 200 ps instead of 120, with an error of 20 ps."""
    fit, fixed = fits["vague"], fits["fixed"]
    assert abs(fixed.tau1_ps.value - 120.0) > 2 * fixed.tau1_ps.sigma
    assert fit.tau1_ps.value == pytest.approx(120.0, abs=0.5 * fit.tau1_ps.sigma)
    assert fit.irf_sigma_ps.value == pytest.approx(60.0, abs=fit.irf_sigma_ps.sigma)
    assert fit.irf_sigma_ps.sigma < 15.0
    assert fit.t0_ps.value == pytest.approx(0.0, abs=fit.t0_ps.sigma)


def test_the_response_has_its_share_in_every_error(fits: dict[str, KineticsFit]) -> None:
    """The better the response is known, the smaller the errors."""
    known, vague = fits["known"], fits["vague"]
    for name in ("tau1_ps", "fraction1", "t0_ps", "amplitude"):
        assert getattr(known, name).sigma < getattr(vague, name).sigma
    assert known.irf_sigma_ps.sigma == pytest.approx(0.5, rel=0.1)
    assert fits["fixed"].irf_sigma_ps.sigma == 0.0
    assert vague.degrees_of_freedom == fits["fixed"].degrees_of_freedom
    assert vague.number_varied == fits["fixed"].number_varied + 1


def test_the_result_states_the_response_and_its_prior(fits: dict[str, KineticsFit]) -> None:
    """A user who does not see the prior cannot tell whether it was measured."""
    lines = "\n".join(kinetics_lines(fits["vague"]))
    assert "instrument response" in lines
    assert "before the fit       45 ± 15 ps, configuration" in lines
    assert "fixed at 45 ps, not in the errors" in "\n".join(kinetics_lines(fits["fixed"]))


def test_runs_without_a_recorded_response_are_reduced_with_a_fixed_one(br_beam_time: type[Any]) -> None:
    """Runs of earlier versions must keep their numbers."""
    start = br_beam_time(axis="delay_ps", points=DELAYS_PS, static=np.ones(1), signal=np.zeros((1, 5))).start()
    timing = RunMetadata.from_start(start).timing
    assert (timing.irf_sigma_ps, timing.irf_error_ps) == (45.0, 0.0)
    measured = {"sigma_ps": 57.6, "error_ps": 1.9, "source": "measured"}
    timing = RunMetadata.from_start(start | {"instrument_response": measured}).timing
    assert (timing.irf_sigma_ps, timing.irf_error_ps, timing.irf_source) == (57.6, 1.9, "measured")
    with pytest.raises(ReductionError, match="lacks error_ps"):
        RunMetadata.from_start(start | {"instrument_response": {"sigma_ps": 57.6, "source": "measured"}})
    with pytest.raises(ReductionError, match="0 ps or more"):
        RunMetadata.from_start(start | {"instrument_response": measured | {"error_ps": -1.0}})


def test_time_zero_takes_the_response_of_its_run_as_prior() -> None:
    """With a fixed response of 45 ps, a true one of 65 ps moves time zero by several of its errors."""
    parts = ((0.60, 1 / 120), (0.21, 1 / 900), (0.19, 0.0))
    change = -0.05 * np.sum([f * convolved_decay(DELAYS_PS - 12.0, rate, 65.0).value for f, rate in parts], axis=0)
    rise = Rise(delay_ps=DELAYS_PS, change=change, sigma=np.full(DELAYS_PS.size, 5e-4), timing=CONFIGURED)
    found, fixed = fit_rise(rise), fit_time_zero(DELAYS_PS, change, rise.sigma)
    assert abs(fixed.t0_ps.value - 12.0) > 3 * fixed.t0_ps.sigma
    assert found.t0_ps.value == pytest.approx(12.0, abs=found.t0_ps.sigma)
    assert found.irf_sigma_ps.value == pytest.approx(65.0, abs=found.irf_sigma_ps.sigma)
