"""If these fail, lifetimes that are close come with errors that are too small, and bad fits look like good ones."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from errors import ReductionError
from reduction.fit_quality import is_bad_fit, p_value, quality_text
from reduction.values import Value
from reduction.xas.kinetics.fit import fit_kinetics, require_determined
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.result_text import kinetics_lines
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced

CLOSE = ((0.6, 200.0), (0.21, 600.0), (0.19, 400e3))
"""Lifetimes a factor of 3 apart. In 16 traces, pulls by the profile were 0.8 to 0.9 wide, by the curvature over 1.6."""


@pytest.fixture(scope="module")
def close() -> KineticsFit:
    """A fit of two lifetimes that are close, with noise of a fixed seed."""
    return fit_kinetics(traced(CLOSE, seed=2), TIMING)


def test_close_lifetimes_have_limits_from_the_profile(close: KineticsFit) -> None:
    """The limits are lopsided, hold the value, and are marked; the symmetric error is half of their distance."""
    assert close.intervals
    for name, (low, high) in close.intervals.items():
        value, sigma = close.quantities[name]
        assert low < value < high
        assert sigma == pytest.approx((high - low) / 2)
    lines = "\n".join(kinetics_lines(close))
    assert "(not parabolic)" in lines


def test_lifetimes_far_apart_keep_the_errors_of_the_curvature() -> None:
    """A profile of every parameter would make each fit several times slower, for the same errors."""
    fit = fit_kinetics(traced(TWO_OFFSET, seed=None, amplitude=0.3), TIMING)
    assert fit.intervals == {}
    assert "not parabolic" not in "\n".join(kinetics_lines(fit))


def test_a_fit_that_determines_nothing_is_refused(close: KineticsFit) -> None:
    """Numbers without meaning would end in a table. One that is determined is a result."""

    def vague(values: tuple[Value, ...]) -> tuple[Value, ...]:
        return tuple(Value(value.value, math.inf) for value in values)

    partly = replace(close, lifetimes_ps=vague(close.lifetimes_ps), fractions=vague(close.fractions))
    assert require_determined(partly) is partly
    nothing = replace(partly, offset=Value(0.19, 0.7))
    with pytest.raises(ReductionError, match="determine none of the 5 lifetimes and fractions"):
        require_determined(nothing)


def test_every_fit_has_its_p_value_and_a_bad_one_is_marked(close: KineticsFit) -> None:
    """1e-3: noise alone marks one fit in a thousand."""
    assert close.p_value == pytest.approx(p_value(close.chi_square, close.degrees_of_freedom))
    assert 1e-3 < close.p_value < 1
    assert p_value(48.0, 48) == pytest.approx(0.47, abs=0.01)
    assert (is_bad_fit(80.0, 48), is_bad_fit(90.0, 48)) == (False, True)
    assert "BAD FIT" not in "\n".join(kinetics_lines(close))
    assert "BAD FIT" in "\n".join(kinetics_lines(replace(close, chi_square=2.0 * close.degrees_of_freedom)))
    assert quality_text(48.0, 0) == "48.0 / 0, p = 1"
