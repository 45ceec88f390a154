"""Search for the best parameters of a map: where to start, weights that follow the fit, and what to refuse."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.probabilities import chi_square_tail
from reduction.xas.kinetics.problem import LIFETIME_LIMITS_PS, RATIO_LIMITS
from reduction.xas.map_problem import LinearPart, MapProblem

if TYPE_CHECKING:
    from reduction.types import FloatArray

FALSE_ALARMS = 1e-6
"""Share of maps without any signal in which one would be seen."""

_START_LIFETIMES_PS = tuple(np.geomspace(40.0, 6000.0, 7))
_STARTS = 2
# Weights and the remainder from earlier pumps come from the fit before; the third changes nothing that can be seen.
_ROUNDS = 3
_LEAST_RATIO = 1e-3


class MapOptimum(NamedTuple):
    """Best parameters that one search found, with its problem, whose weights follow from them, and the linear part."""

    problem: MapProblem
    parameters: FloatArray
    part: LinearPart

    @property
    def chi_square(self) -> float:
        """Sum of all squared residuals, the priors included."""
        return float((self.problem.residual(self.parameters) ** 2).sum())


def starts_of(problem: MapProblem) -> list[FloatArray]:
    """Return the best points of a coarse grid over time zero and then over the lifetimes, best first.

    Each has the shape (parameters,), with time zero and the response in ps and logarithms of lifetimes in ps.
    """
    sigma_ps = problem.train.sigma_ps
    pumped_ps = problem.gate_ps[0]
    before = pumped_ps < -2.0 * sigma_ps
    # Before the pump the ratio is the efficiency itself, but for what earlier pumps have left; exposures with the laser
    # blocked give it directly.
    if problem.blocked is None:
        efficiencies = problem.ratio[:, before][problem.measured[:, before]].mean(axis=0)
    else:
        efficiencies = problem.blocked.ratio
    low = max(float(pumped_ps.min()), -900.0)
    high = min(float(pumped_ps.max()), 900.0)
    typical = np.log(np.geomspace(150.0, 3000.0, problem.model.lifetimes))

    def start(t0_ps: float, logs: FloatArray) -> FloatArray:
        """Return the parameters, shape (parameters,), for a time zero in ps and logarithms of lifetimes in ps."""
        rate = [1e-3] if problem.model.offset_decays else []
        response = [sigma_ps] if problem.irf_error_ps > 0 else []
        return np.array([t0_ps, logs[0], *np.diff(logs), *rate, *response, *efficiencies])

    def chi_square(parameters: FloatArray) -> float:
        """Return the sum of squared residuals at trial parameters, shape (parameters,)."""
        return float((problem.residual(parameters) ** 2).sum())

    # Time zero first, with typical lifetimes: it moves the rise of all energies and hardly depends on the decays.
    t0_ps = min(np.arange(low, high, sigma_ps / 2.0), key=lambda t0: chi_square(start(float(t0), typical)))
    groups = [
        np.log(group)
        for group in product(_START_LIFETIMES_PS, repeat=problem.model.lifetimes)
        if all(slower > 1.9 * faster for faster, slower in pairwise(group))
    ]
    return sorted((start(float(t0_ps), logs) for logs in groups), key=chi_square)[:_STARTS]


def searched(counted: MapProblem, start: FloatArray) -> MapOptimum:
    """Return the best fit from a start; weights and rest follow the fit, so that no error depends on its own noise.

    `counted` has the errors of the counts as they are; `start` has the shape (parameters,).
    """
    problem = counted
    parameters = start
    for _ in range(_ROUNDS):
        low, high = problem.limits
        margin = 1e-6 * (high - low)
        parameters = scipy.optimize.least_squares(
            problem.residual,
            np.clip(parameters, low + margin, high - margin),
            jac=problem.jacobian,
            bounds=(low, high),
            x_scale="jac",
            max_nfev=100,
        ).x
        problem = _reweighted(counted, problem, parameters)
    return MapOptimum(problem, parameters, problem.solve(parameters))


def _reweighted(counted: MapProblem, problem: MapProblem, parameters: FloatArray) -> MapProblem:
    """Return the problem with the errors that the fitted ratios have, instead of those of the noisy ratios."""
    part = problem.solve(parameters)
    fitted = np.maximum(problem.fitted_ratio(parameters, part.spectra), _LEAST_RATIO)
    whitening = counted.noise.at(counted.ratio, fitted).whitening(fitted, counted.measured)
    return replace(problem, whitening=whitening, rest=problem.rest_of(parameters, part.spectra))


def require_signal(best: MapOptimum) -> None:
    """Raise ReductionError if noise alone would lower chi-square as much as the fit more often than FALSE_ALARMS."""
    problem = best.problem
    # Without a signal every point, and the exposures without laser, measure the same ratios: a linear problem.
    information = np.einsum("etgh,etgi->hi", problem.whitening, problem.whitening)
    whitened = (problem.whitening @ problem.ratio[..., None])[..., 0]
    projected = np.einsum("etgh,etg->h", problem.whitening, whitened)
    square = float((whitened**2).sum())
    if problem.blocked is not None:
        root = problem.blocked.whitening
        information = information + root.T @ root
        projected = projected + root.T @ root @ problem.blocked.ratio
        square += float(((root @ problem.blocked.ratio) ** 2).sum())
    gain = square - float(projected @ np.linalg.solve(information, projected)) - best.chi_square
    # What noise alone gains: as many as there are spectra and parameters, beside the efficiencies.
    spent = best.part.spectra.size + len(best.parameters) - problem.gates
    if chi_square_tail(gain, spent) > FALSE_ALARMS:
        raise ReductionError(
            f"No transient is seen in the map: decays lower chi-square by {gain:.1f}, noise alone by about {spent}. "
            "Check time zero and overlap, or count longer."
        )


def require_apart(best: MapOptimum) -> None:
    """Raise ReductionError if a lifetime, or the ratio of two, is at a limit of the search."""
    lifetimes = best.problem.model.lifetimes
    first, *ratios = np.exp(best.parameters[1 : 1 + lifetimes])
    limits = [LIFETIME_LIMITS_PS, *[RATIO_LIMITS] * len(ratios)]
    inside = [low * 1.001 < one < high * 0.999 for one, (low, high) in zip((first, *ratios), limits, strict=True)]
    if not all(inside):
        found = ", ".join(f"{one:.3g} ps" for one in np.exp(np.cumsum(best.parameters[1 : 1 + lifetimes])))
        raise ReductionError(
            f"The map does not determine {best.problem.model.description}: the best fit, {found}, is at a limit. "
            "Measure longer or at more delays, or fit fewer lifetimes (kinetics='1')."
        )
