"""Intervals of kinetic parameters from the profile of chi-square, for parameters whose chi-square is not a parabola."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from errors import ReductionError
from reduction.xas.kinetics.least_squares import minimised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lmfit import Parameters

    from reduction.types import FloatArray

PARABOLIC_WITHIN = 0.1
"""Largest relative difference between an error from the curvature and one from the profile that is accepted."""

# A constraint this much sharper than the error leads the fit to the profile; where exactly does not matter.
_STIFFNESS = 0.05
# Nearer to a rise of 1 than this, as a ratio of errors, the search ends; farther than this many errors, it gives up.
_SEARCH_WITHIN = 0.03
_FARTHEST_ERRORS = 10.0
_STEPS = 8
# A valley of chi-square may be long and flat: a fit that ends early on its slope gives too large a rise.
_TOLERANCE = 1e-7
# A rise below this is another, deeper minimum, not rounding.
_DEEPER = -0.05


class ProfiledProblem(Protocol):
    """A least-squares problem by the names of its parameters: of traces, or of maps."""

    def residual(self, parameters: Parameters) -> FloatArray:
        """Return all residuals in errors, (residuals,)."""

    def jacobian(self, parameters: Parameters) -> FloatArray:
        """Return the derivatives of `residual`, shape (residuals, varied parameters)."""

    def chi_square(self, parameters: Parameters) -> float:
        """Return the sum of all squared residuals."""


class Interval(NamedTuple):
    """Limits in which chi-square rises by less than 1 (68.3 %), all other parameters fitted; infinite if it does not.

    Both in the unit of the parameter.
    """

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval, a symmetric error for uses that need one; infinite if a side is open."""
        return (self.high - self.low) / 2.0

    def is_parabolic(self, value: float, sigma: float, tolerance: float = PARABOLIC_WITHIN) -> bool:
        """Return whether both sides agree with the error from the curvature within `tolerance`, a share of it."""
        return all(abs(side - sigma) <= tolerance * sigma for side in (value - self.low, self.high - value))


@dataclass(frozen=True, kw_only=True)
class LinearCombination:
    """A parameter to be profiled: `constant` plus a sum of fitted parameters, each times its slope."""

    slopes: Mapping[str, float]
    constant: float = 0.0

    def value(self, values: Mapping[str, float]) -> float:
        """Return the value of the combination, in the unit of its parameters."""
        return self.constant + sum(slope * values[name] for name, slope in self.slopes.items())


class DeeperMinimumError(ReductionError):
    """A profile has found parameters with a smaller chi-square than the fit; fit again from its `parameters`."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__("The profile of a parameter has a smaller chi-square than the fit. Fit again from there.")
        self.parameters = parameters


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The problem at its best fit, with the covariance (n, n) of the varied parameters there."""

    problem: ProfiledProblem
    best: Parameters
    covariance: FloatArray

    def interval(self, combination: LinearCombination) -> Interval | None:
        """Return the interval of a combination, in its unit; None where the error from the curvature is good enough.

        Raises DeeperMinimumError if the fit was not at its minimum.
        """
        return self._found(combination, always=False)

    def limits(self, combination: LinearCombination) -> Interval | None:
        """Return the interval of a combination, in its unit, also of a parabola; None for one that is not fitted.

        Raises DeeperMinimumError if the fit was not at its minimum.
        """
        return self._found(combination, always=True)

    def error(self, combination: LinearCombination) -> float:
        """Return the standard error of a combination from the curvature, in its unit; 0 for one that is not fitted."""
        slopes = self._slopes(combination)
        return float(np.sqrt(slopes @ self.covariance @ slopes))

    @property
    def _varied(self) -> list[str]:
        return [name for name, parameter in self.best.items() if parameter.vary]

    def _slopes(self, combination: LinearCombination) -> FloatArray:
        return np.array([combination.slopes.get(name, 0.0) for name in self._varied])

    def _found(self, combination: LinearCombination, *, always: bool) -> Interval | None:
        error = self.error(combination)
        if not error > 0:
            return None
        # Along this direction all other parameters follow the one that is moved, as far as chi-square is a parabola.
        direction = self.covariance @ self._slopes(combination) / error
        search = _Search(profile=self, combination=combination, varied=self._varied, direction=direction, error=error)
        rises = {side: search.error_at(side * error) for side in (-1, 1)}
        if not always and all(abs(rise - 1.0) <= PARABOLIC_WITHIN for _, rise in rises.values()):
            return None
        value = combination.value(self.best.valuesdict())
        low, high = (search.limit(side, *rises[side]) for side in (-1, 1))
        return Interval(value - low, value + high)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The walk along the profile of one combination."""

    profile: Profile
    combination: LinearCombination
    varied: list[str]
    direction: FloatArray
    error: float

    def limit(self, side: int, moved: float, root: float) -> float:
        """Return the distance at which chi-square has risen by 1, on one side; infinite if it does not.

        `side` is -1 or 1; the distance is in the unit of the combination. Raises DeeperMinimumError as `error_at` does.
        """
        # The root of the rise is nearly proportional to the distance, so dividing by it converges in a few steps. A
        # bounded factor keeps a flat stretch from being jumped over.
        target = abs(moved)
        for _ in range(_STEPS):
            if abs(root - 1.0) <= _SEARCH_WITHIN:
                return abs(moved)
            target = abs(moved) / min(max(root, 0.5), 2.0)
            if target > _FARTHEST_ERRORS * self.error:
                return math.inf
            # A parameter at its limit keeps the combination from going farther: no value there is excluded.
            before = abs(moved)
            moved, root = self.error_at(side * target)
            if target > before and abs(moved) < before * 1.01:
                return math.inf
        return abs(moved)

    def error_at(self, distance: float) -> tuple[float, float]:
        """Return the distance of the combination from its best value, and the root of the rise of chi-square there.

        A least-squares fit with one more residual, the distance to the target in units of a small part of its error,
        ends on the profile: the smallest chi-square for the value that it reaches. So target and value need not agree.
        Raises DeeperMinimumError if the fit finds a smaller chi-square than the best so far.
        """
        profile = self.profile
        centre = self.combination.value(profile.best.valuesdict())
        start = profile.best.copy()
        for name, step in zip(self.varied, self.direction * distance / self.error, strict=True):
            parameter = start[name]
            margin = 1e-6 * (parameter.max - parameter.min) if math.isfinite(parameter.max - parameter.min) else 0.0
            parameter.set(value=float(np.clip(parameter.value + step, parameter.min + margin, parameter.max - margin)))
        stiffness = _STIFFNESS * self.error
        row = np.array([[self.combination.slopes.get(name, 0.0) / stiffness for name in self.varied]])

        def residual(parameters: Parameters) -> FloatArray:
            """Return all residuals with that of the distance at the end, shape (residuals + 1,)."""
            away = self.combination.value(parameters.valuesdict()) - centre - distance
            return np.append(profile.problem.residual(parameters), away / stiffness)

        def jacobian(parameters: Parameters) -> FloatArray:
            """Return the derivatives of the residuals, shape (residuals + 1, varied parameters)."""
            return np.concatenate([profile.problem.jacobian(parameters), row])

        found = minimised(residual, jacobian, start, max_nfev=100, ftol=_TOLERANCE).params
        rise = profile.problem.chi_square(found) - profile.problem.chi_square(profile.best)
        if rise < _DEEPER:
            raise DeeperMinimumError(found)
        return self.combination.value(found.valuesdict()) - centre, math.sqrt(max(rise, 0.0))
