"""If these fail, lifetimes or spectra of an energy x delay map are wrong, or their errors are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from errors import ReductionError
from reduction.types import FloatArray
from reduction.xas.kinetics.kinetic_model import DECAY_MODELS, Criterion, KineticModel
from reduction.xas.map_choice import choose_map_model
from reduction.xas.map_fit import MapFit, fit_map
from reduction.xas.map_results import map_fit_lines
from tests.support.transient_maps import (
    DELAY_PS,
    EFFICIENCY,
    ENERGY_EV,
    LIFETIMES_PS,
    SPECTRA,
    T0_PS,
    TIMING,
    drawn_map,
)

MODEL = KineticModel.ONE_OFFSET
SEEDS = range(10)
FALSE_ALARM = 1e-5
"""Probability that a test of pulls fails although the errors are right; the seeds are fixed, so it is met once."""


def fitted(photons: float) -> list[MapFit]:
    """Fits of one map for each seed."""
    # What a run records of the response is off the true one by its error, as a measurement is.
    recorded_ps: FloatArray = TIMING.irf_sigma_ps + TIMING.irf_error_ps * np.random.default_rng(99).normal(
        size=len(SEEDS)
    )
    return [
        fit_map(drawn_map(seed, photons=photons), replace(TIMING, irf_sigma_ps=float(irf_ps)), model=MODEL)
        for seed, irf_ps in zip(SEEDS, recorded_ps, strict=True)
    ]


@pytest.fixture(scope="module")
def fits() -> list[MapFit]:
    return fitted(2e6)


@pytest.fixture(scope="module")
def faint_fits() -> list[MapFit]:
    return fitted(2e5)


def within(sum_of_squares: float, number: int) -> bool:
    """Whether a sum of `number` squared pulls is what right errors give, at a false-alarm rate of 1e-5."""
    share = chi2.cdf(sum_of_squares, number)
    return bool(FALSE_ALARM / 2 < share < 1 - FALSE_ALARM / 2)


@pytest.fixture(scope="module", params=["fits", "faint_fits"])
def bright_or_faint(request: pytest.FixtureRequest) -> list[MapFit]:
    found: list[MapFit] = request.getfixturevalue(request.param)
    return found


def test_parameters_have_the_errors_that_they_say(bright_or_faint: list[MapFit]) -> None:
    """Pulls of 10 independent maps: a wrong formula for one error changes the sum of their squares.

    With few photons the noise of the spectra counts: without it the pulls of lifetimes are up to 1.8 wide.
    """
    fits = bright_or_faint
    pulls = {
        "tau": [(fit.lifetimes_ps[0].value - LIFETIMES_PS[0]) / fit.lifetimes_ps[0].sigma for fit in fits],
        "t0": [(fit.t0_ps.value - T0_PS) / fit.t0_ps.sigma for fit in fits],
        "efficiency": [(fit.efficiency.value - EFFICIENCY) / fit.efficiency.sigma for fit in fits],
    }
    for name, found in pulls.items():
        assert within(float(np.square(found).sum()), len(found)), name
        assert abs(np.mean(found)) < 4.4 / np.sqrt(len(found)), f"{name} is shifted"


@pytest.mark.parametrize("component", [0, 1])
def test_spectra_have_the_covariance_that_they_say(fits: list[MapFit], component: int) -> None:
    """All energies share lifetimes and time zero; errors without that correlation fail here."""
    total = 0.0
    for fit in fits:
        off = fit.spectra[component] - SPECTRA[component]
        total += float(off @ np.linalg.solve(fit.spectra_covariance[component], off))
        np.testing.assert_allclose(np.sqrt(np.diag(fit.spectra_covariance[component])), fit.spectra_sigma[component])
    assert within(total, len(fits) * len(ENERGY_EV))


def test_chi_square_is_that_of_the_counts(fits: list[MapFit]) -> None:
    assert within(sum(fit.chi_square for fit in fits), sum(fit.degrees_of_freedom for fit in fits))


def test_the_errors_of_the_map_are_smaller_than_those_of_its_rows(fits: list[MapFit]) -> None:
    """What a global fit is for: one energy alone does not know its lifetime as well as all together."""
    one = drawn_map(0)
    row = replace(
        one,
        rows=one.rows[5:6],
        positions=one.positions[:, 5:6],
        **{name: getattr(one, name)[5:6] for name in ("pumped", "unpumped", "pumped_variance", "unpumped_variance")},
    )
    alone = fit_map(row, TIMING, model=MODEL)
    assert fits[0].lifetimes_ps[0].sigma < 0.8 * alone.lifetimes_ps[0].sigma
    assert fits[0].spectra_sigma[0, 5] < alone.spectra_sigma[0, 0]


def test_rows_and_columns_may_be_exchanged() -> None:
    """If this fails, a map whose fast axis is the energy has other lifetimes."""
    one = drawn_map(1)
    first, second = fit_map(one, TIMING, model=MODEL), fit_map(one.turned(), TIMING, model=MODEL)
    assert first.lifetimes_ps == second.lifetimes_ps
    np.testing.assert_array_equal(first.spectra, second.spectra)


def test_an_unfinished_map_is_fitted_with_its_points_so_far() -> None:
    """If this fails, nobody sees the spectra grow: the last row is half measured, others not at all."""
    one = drawn_map(2)
    missing = np.zeros_like(one.pumped, dtype=bool)
    missing[6, 4:] = missing[7:] = True
    missing[8, 0] = missing[9, 0] = False
    tables = ("pumped", "unpumped", "pumped_variance", "unpumped_variance")
    holes: dict[str, Any] = {name: np.where(missing, np.nan, getattr(one, name)) for name in tables}
    fit = fit_map(replace(one, **holes), TIMING, model=MODEL)
    assert np.isfinite(fit.spectra[:, :7]).all()
    assert np.isnan(fit.spectra[:, 7:]).all()
    assert np.isnan(fit.spectra_sigma[:, 7:]).all()
    assert abs(fit.lifetimes_ps[0].value - LIFETIMES_PS[0]) < 5 * fit.lifetimes_ps[0].sigma
    assert np.isnan(fit.residuals[missing]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"photons": 60.0}, "at least 100 are needed"),
        ({"spectra": SPECTRA * 0.0}, "No transient is seen in the map|does not determine"),
        ({"delay_ps": DELAY_PS[3:]}, "No point lies before -90 ps"),
        ({"delay_ps": DELAY_PS[:2]}, "No energy has more than 2 delays"),
    ],
)
def test_what_a_map_does_not_determine_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        fit_map(drawn_map(3, **changes), TIMING, model=MODEL)  # type: ignore[arg-type]  # numbers or arrays


def test_other_axes_are_refused() -> None:
    one = replace(drawn_map(4), axes=("nozzle_mm", "delay_ps"))
    with pytest.raises(ReductionError, match="Only an energy x delay map can be fitted"):
        fit_map(one, TIMING)


def test_a_criterion_finds_the_number_of_lifetimes() -> None:
    choice = choose_map_model(drawn_map(5), TIMING, Criterion.BIC)
    assert choice.fit.model is MODEL
    assert choice.lines[0].startswith("BIC chooses")
    assert len(choice.lines) == 1 + len(DECAY_MODELS)


def test_the_fit_is_reported_with_units() -> None:
    text = "\n".join(map_fit_lines(fit_map(drawn_map(0), TIMING, model=MODEL)))
    assert "tau1_ps" in text
    assert "% of unpumped at" in text
    assert "spectrum of offset" in text
