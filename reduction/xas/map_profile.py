"""Limits of the lifetimes of a map from the profile of chi-square, as for traces."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reduction.xas.kinetics.profile import Interval, LinearCombination, Profile

if TYPE_CHECKING:
    from lmfit import Parameters

    from reduction.types import FloatArray
    from reduction.xas.map_problem import MapProblem


class NamedMapProblem:
    """The problem of a map with parameters by name instead of by place; the spectra follow from them."""

    def __init__(self, problem: MapProblem) -> None:
        self._problem = problem

    def parameters(self, values: FloatArray) -> Parameters:
        """Return `values`, (parameters,), with the names and limits of the problem."""
        from lmfit import Parameters

        found = Parameters()
        for name, value, low, high in zip(self._problem.names, values, *self._problem.limits, strict=True):
            margin = 1e-6 * (high - low)
            found.add(name, value=float(np.clip(value, low + margin, high - margin)), min=float(low), max=float(high))
        return found

    def values(self, parameters: Parameters) -> FloatArray:
        """Return the values of `parameters` by their places, (parameters,)."""
        return np.array([parameters[name].value for name in self._problem.names])

    def residual(self, parameters: Parameters) -> FloatArray:
        """Return data minus model in errors, (residuals,), with the best spectra for these parameters."""
        return self._problem.residual(self.values(parameters))

    def jacobian(self, parameters: Parameters) -> FloatArray:
        """Return the derivatives of `residual`, shape (residuals, parameters)."""
        return self._problem.jacobian(self.values(parameters))

    def chi_square(self, parameters: Parameters) -> float:
        """Return the sum of all squared residuals, including the prior of the response."""
        return float((self.residual(parameters) ** 2).sum())


def map_intervals(
    problem: MapProblem, values: FloatArray, covariance: FloatArray, curvature: FloatArray
) -> dict[str, Interval]:
    """Return the 68 % limits, ps, of those lifetimes whose chi-square is not a parabola, by name.

    `values` (parameters,) are the best ones, `covariance` (n, n) theirs, and `curvature` the part of it that follows
    from the curvature of chi-square. Raises DeeperMinimumError if they are not at the minimum.
    """
    named = NamedMapProblem(problem)
    profile = Profile(problem=named, best=named.parameters(values), covariance=curvature)
    logarithms = problem.model.log_lifetimes
    found: dict[str, Interval] = {}
    for number in range(len(logarithms)):
        # The logarithm of a lifetime is the sum of those of the first and of all ratios up to it.
        interval = profile.interval(LinearCombination(slopes=dict.fromkeys(logarithms[: number + 1], 1.0)))
        if interval is not None:
            # The profile sees the curvature only; the noise of the spectra widens its limits as it does the errors.
            ends = slice(1, 2 + number)
            wider = math.sqrt(covariance[ends, ends].sum() / curvature[ends, ends].sum())
            centre = float(values[ends].sum())
            limits = (centre + wider * (end - centre) for end in interval)
            # An open side is infinite, and stays so: 0 or infinity.
            found[f"tau{number + 1}_ps"] = Interval(*(math.exp(end) if end < 700 else math.inf for end in limits))
    return found
