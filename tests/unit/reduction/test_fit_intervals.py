"""If these fail, the interval that is published beside a lifetime does not hold it as often as it promises."""

from __future__ import annotations

import numpy as np
import pytest

from errors import InputError, ReductionError
from reduction.kinds import reduce_run
from reduction.xas.kinetics.correlation import CorrelationMatrix
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.kinetics.intervals import bootstrap_intervals, profile_intervals
from reduction.xas.results import SpectrumResults, TraceResults
from tests.support import live_runs
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced

TRACE = traced(TWO_OFFSET, seed=1, amplitude=0.06)


@pytest.fixture(scope="module")
def fit() -> KineticsFit:
    """The fit to one drawn trace of well separated lifetimes."""
    return fit_kinetics(TRACE, TIMING)


def test_the_correlation_is_that_of_the_covariance(fit: KineticsFit) -> None:
    found = CorrelationMatrix.of(fit)
    assert np.diag(found.values) == pytest.approx(np.ones(len(found.names)))
    # The fractions and the offset add up to 1, so the variances of two of them give the correlation of all.
    one, two, rest = (fit.quantities[name].sigma for name in ("fraction1", "fraction2", "offset"))
    assert found["fraction1", "fraction2"] == pytest.approx((rest**2 - one**2 - two**2) / (2 * one * two))
    assert found["fraction2", "fraction1"] == pytest.approx(found["fraction1", "fraction2"])
    assert "Strongly correlated, above 0.9: fraction1 and fraction2 (-0.9" in repr(found)
    with pytest.raises(KeyError, match="not one of tau1_ps, tau2_ps"):
        found["tau3_ps", "tau1_ps"]


def test_profile_and_bootstrap_agree_with_the_errors_where_chi_square_is_a_parabola(fit: KineticsFit) -> None:
    """60 draws give each end to 0.2 errors, so a difference of 0.6 is three of these."""
    profile = profile_intervals([TRACE], fit)
    bootstrap = bootstrap_intervals([TRACE], fit, draws=60, seed=1)
    for name in ("tau1_ps", "fraction1", "offset", "t0_ps"):
        value, sigma = fit.quantities[name]
        assert profile[name] == pytest.approx((value - sigma, value + sigma), abs=0.12 * sigma)
        assert bootstrap[name] == pytest.approx(tuple(profile[name]), abs=0.6 * sigma)
    marked = [one.name for one in profile.quantities if not one.is_parabolic]
    assert marked == ["tau2_ps"]
    assert "(not parabolic)" in repr(profile)


def test_a_stored_run_answers_what_is_asked_about_its_fit() -> None:
    results = reduce_run(live_runs.delay_run())
    assert isinstance(results, TraceResults)
    assert results.correlation["tau1_ps", "tau1_ps"] == pytest.approx(1.0)
    assert results.intervals("bootstrap", draws=20, seed=1).draws == 20
    with pytest.raises(InputError, match="'profile' or 'bootstrap'"):
        results.intervals("guess")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 20"):
        results.intervals("bootstrap", draws=2)
    spectrum = reduce_run(live_runs.energy_run())
    assert isinstance(spectrum, SpectrumResults)
    without = TraceResults(kind="pump-probe trace", trace=results.trace)
    with pytest.raises(ReductionError, match="no kinetic fit"):
        _ = without.correlation
    with pytest.raises(ReductionError, match="no counted gates"):
        without.compare_models()
