"""If these fail, a scan is stopped too early, or counted for hours after its lifetime was known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from errors import InputError
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.precision import duration_text, next_error, precision_forecast
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced


def test_four_times_the_beam_time_halves_the_error() -> None:
    rates = traced(TWO_OFFSET, seed=None)
    fit = fit_kinetics(rates, TIMING, intervals=False)
    error = fit.tau2_ps.sigma
    found = precision_forecast(fit, 600.0, quantity="tau2_ps", wanted_error=error / 2)
    assert found.error == pytest.approx(error)
    assert found.seconds == pytest.approx(3 * 600.0, rel=1e-3)


def test_the_response_before_the_fit_does_not_grow_with_the_counts() -> None:
    """Its prior counts once: with it, as in a fit of ten times the counts, more time is needed than by the square."""
    timing = replace(TIMING, irf_error_ps=3.0)
    rates = traced(TWO_OFFSET, seed=None, timing=timing)
    fit = fit_kinetics(rates, timing, intervals=False)
    longer = replace(rates, photons=10 * rates.photons, variance=10 * rates.variance, pulses=10 * rates.pulses)
    later = fit_kinetics(longer, timing, intervals=False)
    forecast = precision_forecast(fit, 600.0, quantity="tau1_ps", wanted_error=later.tau1_ps.sigma)
    assert forecast.seconds == pytest.approx(9 * 600.0, rel=0.02)
    simple = 600.0 * ((fit.tau1_ps.sigma / later.tau1_ps.sigma) ** 2 - 1)
    assert simple < forecast.seconds


def test_the_text_is_what_a_person_asks_for() -> None:
    fit = fit_kinetics(traced(TWO_OFFSET, seed=1), TIMING, intervals=False)
    found = precision_forecast(fit, 600.0)
    assert found.text.startswith(f"tau2 ± {found.error:.0f} ps; ± {found.wanted_error:g} ps in ")
    assert found.text.endswith(" of beam time")
    assert "reached" in precision_forecast(fit, 600.0, wanted_error=1e4).text
    assert (next_error(31.0), next_error(10.0), next_error(0.8)) == (20.0, 5.0, 0.5)
    assert (duration_text(14.4), duration_text(843.0), duration_text(10_000.0)) == ("14 s", "14 min", "2.8 h")
    with pytest.raises(InputError, match="not one of tau1_ps"):
        precision_forecast(fit, 600.0, quantity="tau9_ps")
    with pytest.raises(InputError, match="above 0"):
        precision_forecast(fit, 600.0, wanted_error=0.0)
