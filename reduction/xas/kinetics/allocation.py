"""Where beam time helps most: the delays at which counting lowers the error of a lifetime fastest.

Each delay adds a Fisher information matrix that is proportional to the time spent there. The error of a quantity
follows from the inverse of their sum, so the best share of the time for each delay can be computed from the fit itself
(optimal design: Silvey, Titterington, Torsney 1978, Communications in Statistics A7, 1379, for the algorithm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from errors import InputError, ReductionError
from reduction.xas.kinetics.model import RESPONSE
from reduction.xas.kinetics.quantities import combinations_of, parameters_of, problem_of

if TYPE_CHECKING:
    from lmfit import Parameters

    from reduction.types import FloatArray
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.kinetics.problem import KineticsProblem

DRAWS = 8
"""Parameters drawn from the posterior, over which the allocation is averaged."""

_STEPS = 100
_LONG_S = 1e4
_LEAST_SHARE = 1e-5
_SEED = 1
_LONGEST = 1e3
_EXACT = 1e-3
_WORST_CONDITION = 1e12
_ONE_SIGMA = (0.1587, 0.8413)


@dataclass(frozen=True, kw_only=True)
class Information:
    """Information on the parameters of a fit, and the quantity that it is for.

    `per_second` (draws, rows, parameters, parameters): that of one second at each row of the rates, for each draw of
    the parameters, the best fit first; `prior` (parameters, parameters): that of the instrument response before the
    fit; `slopes` (parameters,): derivatives of the quantity; `scales` (draws,) its unit: a lifetime is fitted as a
    logarithm, so that its error is in proportion to the lifetime itself.
    """

    per_second: FloatArray
    prior: FloatArray
    slopes: FloatArray
    scales: FloatArray

    @classmethod
    def of(
        cls, rates: GateRates, seconds: FloatArray, fit: KineticsFit, quantity: str, *, draws: int = DRAWS
    ) -> Information:
        """Return the information of each row of `rates` after its `seconds`, (rows,), for a `quantity` of the fit.

        Raises InputError for another quantity, and ReductionError if the data do not determine the parameters.
        """
        combinations = combinations_of(fit)
        if quantity not in combinations:
            raise InputError(f"quantity = {quantity!r} is not one of {', '.join(combinations)}.")
        slopes = np.array([combinations[quantity].slopes.get(name, 0.0) for name in fit.parameters])
        is_lifetime = quantity in fit.quantities and quantity.startswith(("tau", "rise"))
        problem = problem_of([rates], fit)
        best = parameters_of(problem, fit)
        drawn = [(one, _per_second(problem, one, seconds)) for one in _posterior(best, fit, draws)]
        # A draw without some component says nothing about the parameters of that component.
        useful = [(one, table) for one, table in drawn if _is_regular(np.einsum("r,rpq->pq", seconds, table))]
        if not useful or useful[0][0] is not best:
            raise ReductionError(f"The data do not determine {quantity} yet. Count longer, or fit fewer lifetimes.")
        prior = np.zeros((slopes.size, slopes.size))
        if RESPONSE in fit.parameters and fit.timing.irf_error_ps > 0:
            place = fit.parameters.index(RESPONSE)
            prior[place, place] = fit.timing.irf_error_ps**-2.0
        logs = np.array([slopes @ [one[name].value for name in fit.parameters] for one, _ in useful])
        return cls(
            per_second=np.array([table for _, table in useful]),
            prior=prior,
            slopes=slopes,
            scales=fit.quantities[quantity].value * np.exp(logs - logs[0]) if is_lifetime else np.ones(len(useful)),
        )

    @property
    def relative(self) -> Information:
        """The same information on a lifetime whose errors are relative to itself."""
        # A lifetime is fitted as a logarithm, whose error is just that.
        return replace(self, scales=np.ones_like(self.scales))

    def sigma(self, seconds: FloatArray) -> float:
        """Return the error of the quantity, in its unit, after `seconds` at each row, (rows,), for the best fit."""
        return float(abs(self.scales[0]) * np.sqrt(self._solved(seconds)[0] @ self.slopes))

    def mean_sigma(self, seconds: FloatArray) -> float:
        """Return the median of the error over the draws, in the unit of the quantity, after `seconds`, (rows,)."""
        return float(abs(self.scales[0]) * np.sqrt(np.median(self._solved(seconds) @ self.slopes)))

    def time_uncertainty(self, seconds: FloatArray) -> float:
        """Return the uncertainty of the time to any error, as a logarithm, after counting for `seconds`, (rows,).

        The time follows from the lifetimes, which are known as well as the draws differ.
        """
        errors = np.abs(self.scales) * np.sqrt(self._solved(seconds) @ self.slopes)
        low, high = np.quantile(np.log(errors), _ONE_SIGMA)
        # The time falls with the square of the error.
        return float(high - low)

    def seconds_left(self, seconds: FloatArray, wanted: float) -> float:
        """Return the time, s, that leads to the `wanted` error if it is spent by `shares`; infinite if none does.

        `seconds` (rows,) are those spent already, `wanted` is in the unit of the quantity.
        """
        if self.mean_sigma(seconds) <= wanted:
            return 0.0
        low, high = 0.0, _LONGEST * float(seconds.sum())
        if self.mean_sigma(filled(seconds, self.shares, high)) > wanted:
            return math.inf
        while high - low > _EXACT * (float(seconds.sum()) + low):
            middle = (low + high) / 2.0
            is_enough = self.mean_sigma(filled(seconds, self.shares, middle)) <= wanted
            low, high = (low, middle) if is_enough else (middle, high)
        return high

    @cached_property
    def shares(self) -> FloatArray:
        """Shares of the time at each row, (rows,), that give the smallest error; they add up to 1."""
        # For the best fit alone, this step makes the gain per second equal at all rows that get time. Averaged is the
        # logarithm of the error: a few draws with a lifetime that can hardly be measured must not decide for all.
        rows = self.per_second.shape[1]
        found = np.full(rows, 1.0 / rows)
        for _ in range(_STEPS):
            # The time itself only matters beside the prior; long enough, it does not.
            solved = self._solved(_LONG_S * found)
            gain = np.einsum("kp,krpq,kq->kr", solved, self.per_second, solved, optimize=True)
            variance = solved @ self.slopes
            found = found * np.sqrt(np.maximum((gain / variance[:, None]).mean(axis=0), 0.0))
            # A little everywhere: the best design may leave a parameter undetermined that the quantity does not need.
            found = np.maximum(found / found.sum(), _LEAST_SHARE)
            found = found / found.sum()
        return np.asarray(found)

    def _solved(self, seconds: FloatArray) -> FloatArray:
        """Return the covariance of the parameters times the slopes, (draws, parameters)."""
        whole = self.prior + np.tensordot(self.per_second, seconds, axes=(1, 0))
        # Units of the parameters differ by orders of magnitude, so they are scaled before the inversion.
        scale = np.sqrt(np.einsum("kpp->kp", whole))
        scaled = whole / (scale[:, :, None] * scale[:, None, :])
        return np.asarray(np.linalg.solve(scaled, (self.slopes / scale)[..., None])[..., 0] / scale)


def filled(seconds: FloatArray, shares: FloatArray, more_s: float) -> FloatArray:
    """Return the times of all rows, (rows,), after `more_s` seconds are spent where they are missing most.

    What is missing is the difference from the `shares` of the whole time; no time can be taken back.
    """
    missing = np.maximum(shares * (seconds.sum() + more_s) - seconds, 0.0)
    total = missing.sum()
    return np.asarray(seconds + (missing * (more_s / total) if total > 0 else 0.0))


def _is_regular(information: FloatArray) -> bool:
    """Return whether all parameters are determined."""
    scale = np.sqrt(np.diag(information))
    if not np.isfinite(information).all() or not (scale > 0).all():
        return False
    return bool(np.linalg.cond(information / np.outer(scale, scale)) < _WORST_CONDITION)


def _per_second(problem: KineticsProblem, parameters: Parameters, seconds: FloatArray) -> FloatArray:
    """Return the information of one second at each row, (rows, parameters, parameters)."""
    trace = problem.traces[0]
    rows, gates = trace.delay_ps.shape
    jacobian = problem.jacobian(parameters)[: rows * gates].reshape(rows, gates, -1)
    return np.asarray(np.einsum("rgp,rgq->rpq", jacobian, jacobian) / seconds[:, None, None])


def _posterior(best: Parameters, fit: KineticsFit, draws: int) -> list[Parameters]:
    """Return the best parameters, and draws from the normal distribution of the fit within their limits."""
    random = np.random.default_rng(_SEED)
    values = np.array([best[name].value for name in fit.parameters])
    root = np.linalg.cholesky(fit.covariance + 1e-12 * np.diag(np.diag(fit.covariance)))
    found = [best]
    for _ in range(draws - 1):
        drawn = best.copy()
        for name, value in zip(fit.parameters, values + root @ random.standard_normal(values.size), strict=True):
            drawn[name].set(value=float(np.clip(value, drawn[name].min, drawn[name].max)))
        found.append(drawn)
    return found
