"""Intervals of all quantities of a kinetic fit: from the profile of chi-square, or from a bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from errors import InputError
from reduction.number_text import with_error
from reduction.xas.kinetics.model import RESPONSE, Shape
from reduction.xas.kinetics.profile import PARABOLIC_WITHIN, Interval, Profile
from reduction.xas.kinetics.quantities import combinations_of, parameters_of, problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lmfit import Parameters

    from reduction.types import FloatArray
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.kinetics.problem import KineticsProblem

IntervalMethod = Literal["profile", "bootstrap"]

INSIDE = 0.6827
"""Probability of the true value to be within an interval, that of one standard error of a normal distribution."""

BOOTSTRAP_DRAWS = 200
"""Drawn data sets of a bootstrap: they give each end of an interval to a tenth of the error (1.51 / sqrt(200))."""

_FEWEST_DRAWS = 20


@dataclass(frozen=True, kw_only=True)
class QuantityInterval:
    """Interval of one quantity `name` about its best `value`, both in its unit; `sigma` is the error of the curvature.

    `is_parabolic`: whether both sides agree with `sigma` within `tolerance`, a share of it.
    """

    name: str
    value: float
    sigma: float
    interval: Interval
    tolerance: float = PARABOLIC_WITHIN

    @property
    def is_parabolic(self) -> bool:
        """Whether a symmetric error describes the interval."""
        return self.interval.is_parabolic(self.value, self.sigma, self.tolerance)

    @property
    def text(self) -> str:
        """Value, symmetric error and interval as a line of text."""
        low, high = self.interval
        mark = "" if self.is_parabolic else "  (not parabolic)"
        return f"{self.name:<22} {with_error(self.value, self.sigma):<16} {low:.4g} to {high:.4g}{mark}"


@dataclass(frozen=True, kw_only=True, repr=False)
class FitIntervals:
    """Intervals of all quantities of a fit by `method`; `draws` and `seed` are those of a bootstrap, otherwise 0."""

    method: IntervalMethod
    quantities: tuple[QuantityInterval, ...]
    draws: int = 0
    seed: int = 0

    def __getitem__(self, name: str) -> Interval:
        """Return the interval of a quantity by name, in its unit; raises KeyError for an unknown name."""
        found = {one.name: one.interval for one in self.quantities}
        if name not in found:
            raise KeyError(f"{name!r} is not one of {', '.join(found)}")
        return found[name]

    def lines(self) -> list[str]:
        """Return a line per quantity: value, symmetric error, 68 % interval, and a mark where they disagree."""
        source = "profile of chi-square" if self.method == "profile" else f"bootstrap, {self.draws} draws"
        return [f"{'68 % intervals':<22} {source}", *(one.text for one in self.quantities)]

    def __repr__(self) -> str:
        """Return the intervals as text, as the prompt shows them."""
        return "\n".join(self.lines())


def profile_intervals(traces: Sequence[GateRates], fit: KineticsFit) -> FitIntervals:
    """Return the limits within which chi-square rises by less than 1, all other parameters fitted again.

    Raises DeeperMinimumError, a ReductionError, if the fit was not at its minimum.
    """
    problem = problem_of(traces, fit)
    profile = Profile(problem=problem, best=parameters_of(problem, fit), covariance=fit.covariance)
    found = []
    for name, combination in combinations_of(fit).items():
        interval = profile.limits(combination)
        if interval is not None:
            error = profile.error(combination)
            value = combination.value(fit.values)
            found.append(_quantity(name, value, error, interval))
    return FitIntervals(method="profile", quantities=tuple(found))


def bootstrap_intervals(
    traces: Sequence[GateRates], fit: KineticsFit, *, draws: int = BOOTSTRAP_DRAWS, seed: int = 0
) -> FitIntervals:
    """Return the central 68 % of fits to `draws` data sets that are drawn around the fit with the errors of the counts.

    The prior of the instrument response is drawn, too. Each data set is fitted from the best fit on, so that a second
    minimum far away does not widen the interval. Raises InputError for fewer than 20 draws.
    """
    if draws < _FEWEST_DRAWS:
        raise InputError(f"draws = {draws}: a bootstrap needs at least {_FEWEST_DRAWS} (recommended: 200).")
    random = np.random.default_rng(seed)
    problem = problem_of(traces, fit)
    best = parameters_of(problem, fit)
    expected = _expected(problem, best)
    combinations = combinations_of(fit)
    table = np.array([
        [one.value(values) for one in combinations.values()]
        for values in (_refitted(problem, best, expected, random) for _ in range(draws))
    ])  # fmt: skip
    ends = 100 * (1 - INSIDE) / 2
    limits = np.percentile(table, [ends, 100 - ends], axis=0).T
    found = []
    for (name, combination), (low, high) in zip(combinations.items(), limits, strict=True):
        slopes = np.array([combination.slopes.get(parameter, 0.0) for parameter in fit.parameters])
        error = float(np.sqrt(slopes @ fit.covariance @ slopes))
        if error > 0:
            value = combination.value(fit.values)
            found.append(_quantity(name, value, error, Interval(float(low), float(high))))
    # The ends of such an interval scatter themselves: the 16th percentile of n normal numbers by 1.51 / sqrt(n).
    tolerance = PARABOLIC_WITHIN + 2.5 * 1.51 / math.sqrt(draws)
    found = [replace(one, tolerance=tolerance) for one in found]
    return FitIntervals(method="bootstrap", quantities=tuple(found), draws=draws, seed=seed)


def _quantity(name: str, value: float, error: float, interval: Interval) -> QuantityInterval:
    """Return the interval of a quantity; those of lifetimes were found for their logarithms."""
    if name not in _LOGARITHMIC:
        return QuantityInterval(name=name, value=value, sigma=error, interval=interval)
    low, high = (math.exp(end) if math.isfinite(end) else (math.inf if end > 0 else 0.0) for end in interval)
    lifetime = math.exp(value)
    return QuantityInterval(name=name, value=lifetime, sigma=lifetime * error, interval=Interval(low, high))


_LOGARITHMIC = ("rise_ps", "tau1_ps", "tau2_ps", "tau3_ps")


def _expected(problem: KineticsProblem, best: Parameters) -> list[FloatArray]:
    """Return the fitted logarithms of the rates of every trace, (rows, gates), up to a constant of each row."""
    values = best.valuesdict()
    shape = Shape.from_values(values, problem.model)
    return [
        trace.expected(
            shape, decays, values[f"amplitude_{index}"], [values[name] for name in problem.baseline_names(index)]
        )
        for index, (trace, decays) in enumerate(zip(problem.traces, problem.decays(shape, values), strict=True))
    ]


def _refitted(
    problem: KineticsProblem, best: Parameters, expected: Sequence[FloatArray], random: np.random.Generator
) -> dict[str, float]:
    """Return the parameters by name that fit one drawn data set."""
    traces = [
        replace(trace, log_rate=rates + random.standard_normal(rates.shape) / trace.root_weight)
        for trace, rates in zip(problem.traces, expected, strict=True)
    ]
    timing = problem.timing
    if problem.free_response:
        # The prior is a measurement like the others: it scatters about the width that is taken as the truth.
        width_ps = best[RESPONSE].value + timing.irf_error_ps * random.standard_normal()
        timing = replace(timing, irf_sigma_ps=max(width_ps, 0.1 * best[RESPONSE].value))
    drawn = replace(problem, traces=traces, timing=timing)
    return dict(drawn.minimise_from(best.copy()).params.valuesdict())
