"""If these fail, the number of lifetimes is wrong, or a needless one is published as a result."""

from __future__ import annotations

import importlib
import math
import warnings

import pytest

from errors import InputError, ReductionError
from reduction.kinds import reduce_run
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel, aicc, bic, kinetic_choice
from reduction.xas.results import TraceResults
from tests.support import live_runs
from tests.support.kinetic_traces import ONE, TIMING, traced


def test_one_lifetime_without_noise_returns_the_truth() -> None:
    fit = fit_kinetics(traced(ONE, seed=None), TIMING, model=KineticModel.ONE)
    assert fit.tau1_ps.value == pytest.approx(665.0, rel=1e-3)
    assert fit.amplitude.value == pytest.approx(0.06, rel=1e-3)
    assert list(fit.quantities) == ["tau1_ps", "t0_ps"]
    assert fit.undetermined == ()
    with pytest.raises(ReductionError, match="1 lifetime without offset"):
        _ = fit.tau2_ps


@pytest.mark.parametrize(
    ("parts", "model"),
    [
        (((0.8, 665.0), (0.2, 1e12)), KineticModel.ONE_OFFSET),
        (((0.7, 100.0), (0.3, 1500.0)), KineticModel.TWO),
        (((0.5, 60.0), (0.3, 500.0), (0.2, 4000.0)), KineticModel.THREE),
    ],
)
def test_every_model_without_noise_returns_its_truth(
    parts: tuple[tuple[float, float], ...], model: KineticModel
) -> None:
    fit = fit_kinetics(traced(parts, seed=None), TIMING, model=model)
    for (fraction, lifetime_ps), found, share in zip(parts, fit.lifetimes_ps, fit.fractions, strict=False):
        assert found.value == pytest.approx(lifetime_ps, rel=0.02)
        assert share.value == pytest.approx(fraction, abs=0.01)
    assert sum(value.value for value in fit.fractions) + fit.offset.value == pytest.approx(1.0)
    assert fit.chi_square < 0.1


def test_a_fit_without_an_answer_warns_of_nothing_and_leaves_the_filters_of_warnings_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lost: warnings of other threads, since filters are the process's; the window fits in several threads.

    Three lifetimes of one decay have a singular covariance: what lmfit makes of it has negative variances.
    """

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("changes the filters of the whole process")

    importlib.import_module("lmfit")  # changes the filters while it is imported, once per process
    with warnings.catch_warnings(action="error"), monkeypatch.context() as patch:
        patch.setattr(warnings, "catch_warnings", refused)
        with pytest.raises(ReductionError, match="cannot be distinguished"):
            fit_kinetics(traced(ONE, seed=None), TIMING, model=KineticModel.THREE_OFFSET)


def test_criteria_are_those_of_the_textbook() -> None:
    assert aicc(100.0, 3, 50) == pytest.approx(100 + 6 + 24 / 46)
    assert bic(100.0, 3, 50) == pytest.approx(100 + 3 * math.log(50))
    assert aicc(1.0, 3, 4) == math.inf


@pytest.mark.parametrize(
    ("text", "choice"), [("1", KineticModel.ONE), ("3+offset", KineticModel.THREE_OFFSET), ("bic", Criterion.BIC)]
)
def test_models_and_criteria_have_short_names(text: str, choice: object) -> None:
    assert kinetic_choice(text) is choice


@pytest.mark.parametrize("text", ["4", "", "two", 1, None])
def test_an_unknown_model_lists_the_known_ones(text: object) -> None:
    with pytest.raises(InputError, match=r"'1', '1\+offset', '2'.*'AICc', 'BIC'"):
        kinetic_choice(text)


def test_a_stored_run_can_be_reduced_with_another_model() -> None:
    run = live_runs.delay_run()
    default = reduce_run(run)
    other = reduce_run(run, kinetics="1+offset")
    assert isinstance(default, TraceResults)
    assert isinstance(other, TraceResults)
    assert default.fit is not None
    assert other.fit is not None
    assert (default.fit.model, other.fit.model) == (KineticModel.TWO_OFFSET, KineticModel.ONE_OFFSET)
    assert default.choice is None
    with pytest.raises(InputError, match="has no kinetics"):
        reduce_run(live_runs.energy_run(), kinetics="1")
