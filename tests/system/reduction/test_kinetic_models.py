"""If these fail, errors of a single lifetime are wrong, or a criterion takes the wrong number of lifetimes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from errors import ReductionError
from reduction.xas.kinetics.choice import choose_kinetics
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import DECAY_MODELS, Criterion, KineticModel
from tests.support.kinetic_traces import ONE, TIMING, TWO_OFFSET, traced


def test_errors_of_one_lifetime_are_honest() -> None:
    """30 simulated traces with fixed seeds: the pulls of tau1 and t0 are 1 wide, within four of their errors."""
    fits = [fit_kinetics(traced(ONE, seed=seed), TIMING, model=KineticModel.ONE) for seed in range(30)]
    lifetimes = [math.log(fit.tau1_ps.value / 665.0) / (fit.tau1_ps.sigma / fit.tau1_ps.value) for fit in fits]
    zeros = [fit.t0_ps.value / fit.t0_ps.sigma for fit in fits]
    for pulls in (lifetimes, zeros):
        assert abs(np.mean(pulls)) < 4 / math.sqrt(30)
        assert np.std(pulls) == pytest.approx(1.0, abs=4 / math.sqrt(60))


def test_the_criterion_finds_the_papers_kinetics() -> None:
    found = choose_kinetics(traced(TWO_OFFSET, seed=4), TIMING, criterion=Criterion.AICC)
    assert found.fit.model is KineticModel.TWO_OFFSET
    scores = {score.model: score for score in found.scores}
    assert scores[KineticModel.ONE].aicc > found.fit.aicc + 50


def test_noise_alone_has_no_model() -> None:
    with pytest.raises(ReductionError, match="No transient is seen"):
        choose_kinetics(traced(ONE, seed=5, amplitude=0.0), TIMING, criterion=Criterion.BIC)


def test_the_criterion_finds_one_lifetime_and_shows_all_values() -> None:
    """Seed fixed; a needless component is taken by BIC in 0 of 60 traces (see `choose_kinetics`)."""
    found = choose_kinetics(traced(ONE, seed=3), TIMING, criterion=Criterion.BIC)
    assert found.fit.model is KineticModel.ONE
    assert {score.model for score in found.scores} == set(DECAY_MODELS)
    text = "\n".join(found.lines())
    assert "BIC chooses" in text
    assert "1 lifetime without offset" in text
    assert "AICc + 0.0, BIC + 0.0" in text
