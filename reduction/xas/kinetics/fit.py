"""Kinetics of one to three lifetimes, with or without a slow offset, fitted to all gates of delay scans."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.values import Value as Value
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.kinetics.model import RESPONSE, Shape
from reduction.xas.kinetics.problem import KineticsProblem
from reduction.xas.kinetics.profile import DeeperMinimumError, Interval, Profile
from reduction.xas.kinetics.quantities import quantity_names, shape_combinations
from reduction.xas.kinetics.refusals import require_determined as require_determined
from reduction.xas.kinetics.refusals import require_resolved, require_signal
from reduction.xas.kinetics.start import find_starts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lmfit import Parameters

    from reduction.timing import Timing
    from reduction.types import FloatArray

VAGUE_LIFETIME = 0.2
"""Relative error of a lifetime from which on the profiles of chi-square are followed (chosen)."""

CLOSE_LIFETIMES = 4.0
"""Ratio of two lifetimes, within their errors, below which the profiles of chi-square are followed (chosen)."""

# Different starts may end in different minima; the best fit of three counts.
_STARTS = 3
# A lifetime of 50 us, hundreds of times what the delays span: such a rate is at its limit of 0.
_UNRESOLVED_RATE_PER_NS = 2e-5
# Deeper minima that the profiles may find before the fit is taken as it is, without intervals.
_REFITS = 3
_LARGEST_LOGARITHM = 700.0


def fit_kinetics(
    traces: GateRates | Sequence[GateRates],
    timing: Timing,
    *,
    model: KineticModel = KineticModel.TWO_OFFSET,
    constant_offset: bool = False,
    shared_t0: bool = True,
    intervals: bool = True,
) -> KineticsFit:
    """Return the fit of one trace, or of several with common lifetimes (paper, Figure 2c and SI 2: Br and Pb).

    All gates of a pump period are fitted together, with a free jet factor per exposure and a free efficiency per
    gate and trace (see `WhitenedTrace`), so that errors shared through the unpumped gate count once and jet
    fluctuations cancel. Rows with the shutter closed, if there are any, determine the gate efficiencies. Several traces
    have common fractions, and a common time zero unless `shared_t0` is False. The width of the instrument response is
    fitted too, with that of `timing` and its error as a prior. `constant_offset` is the paper's model: the pumped and
    the unpumped gate only, an offset that never decays and no earlier pumps. Where chi-square is not a parabola, as
    with lifetimes closer than a factor of 4, limits come from its profile, unless `intervals` is False. Raises
    ReductionError if the data do not determine the kinetics.
    """
    traces = [traces] if isinstance(traces, GateRates) else list(traces)
    problem = KineticsProblem.of(traces, timing, model=model, constant_offset=constant_offset, shared_t0=shared_t0)
    problem.require_data(traces)
    delays = np.concatenate([trace.delay_ps for trace in traces])
    # Lifetimes make several minima; the best of a few starts is taken, since the grid orders starts only roughly.
    fits = [problem.minimise(start) for start in find_starts(problem.traces, delays, model=model, number=_STARTS)]
    best = min(fits, key=_chi_square).params
    require_signal(sum(trace.chi_square_without_signal() for trace in problem.traces) - problem.chi_square(best))
    for _ in range(_REFITS):
        require_resolved(best.valuesdict(), model)
        try:
            return require_determined(_result(problem, best, intervals=intervals))
        # The profile of a parameter has found a better fit than the fit: continue from there, a few times at most.
        except DeeperMinimumError as deeper:
            best = problem.minimise_from(problem.freed(deeper.parameters)).params
    return require_determined(_result(problem, best, intervals=False))


@dataclass(frozen=True, kw_only=True)
class _Estimates:
    """Best values of all parameters, and the covariance of the varied ones."""

    values: dict[str, float]
    varied: tuple[str, ...]
    covariance: FloatArray

    def derived(self, value: float, slopes: Mapping[str, float]) -> Value:
        """Return a function of the parameters with its propagated error; `slopes` are its derivatives."""
        slope = np.array([slopes.get(name, 0.0) for name in self.varied])
        return Value(value, float(np.sqrt(slope @ self.covariance @ slope)))

    def plain(self, name: str) -> Value:
        """Return one parameter with its error."""
        return self.derived(self.values[name], {name: 1.0})


def _result(problem: KineticsProblem, best: Parameters, *, intervals: bool) -> KineticsFit:
    # First decide whether the offset decays at all, because a rate that is then fixed at 0 changes the covariance of
    # all other parameters; then take every error from one covariance matrix.
    offset_rate = _settle_offset_rate(problem, best)
    estimates = _estimates(problem, best)
    model = problem.model
    rate = offset_rate or (estimates.plain("offset_rate_per_ns") if model.has_offset else Value(0.0, 0.0))
    values = [*_lifetimes(estimates, model), *_fractions(estimates, model)]
    number = len(model.log_lifetimes)
    found = _intervals(problem, best, estimates) if intervals and is_delicate(values[:number]) else {}
    # A symmetric error of a lopsided interval is half of it, so that nobody who needs one number gets one too small.
    names = quantity_names(model)
    values = [
        value if name not in found else Value(value.value, found[name].half_width)
        for name, value in zip(names, values, strict=True)
    ]
    fractions = tuple(values[number:])
    traces = range(len(problem.traces))
    return KineticsFit(
        model=model,
        lifetimes_ps=tuple(values[model.has_rise : number]),
        rise_ps=values[0] if model.has_rise else None,
        fractions=fractions[: model.lifetimes],
        offset=fractions[-1] if model.has_offset else Value(0.0, 0.0),
        offset_rate_per_ns=rate,
        offset_lifetime_ps=_lifetime(rate),
        t0s_ps=tuple(estimates.plain(problem.t0_name(trace)) for trace in traces),
        amplitudes=tuple(estimates.plain(f"amplitude_{trace}") for trace in traces),
        irf_sigma_ps=estimates.plain(RESPONSE),
        baselines=np.array([[estimates.values[name] for name in problem.baseline_names(trace)] for trace in traces]),
        gates=problem.gates,
        chi_square=problem.chi_square(best),
        degrees_of_freedom=problem.degrees_of_freedom,
        number_varied=problem.number_varied,
        parameters=estimates.varied,
        covariance=estimates.covariance,
        timing=problem.timing,
        train=replace(problem.train, sigma_ps=estimates.values[RESPONSE]),
        constant_offset=problem.constant_offset,
        values=estimates.values,
        intervals=found,
    )


def is_delicate(lifetimes_ps: Sequence[Value]) -> bool:
    """Return whether chi-square may be far from a parabola: a poorly determined lifetime, or two close ones, ps.

    With errors below a fifth and a ratio above 4, errors from the curvature had pulls of N(0, 1) in the coverage.
    """
    vague = any(lifetime.sigma > VAGUE_LIFETIME * lifetime.value for lifetime in lifetimes_ps)
    return vague or any(
        slow.value - slow.sigma < CLOSE_LIFETIMES * (fast.value + fast.sigma) for fast, slow in pairwise(lifetimes_ps)
    )


def _intervals(problem: KineticsProblem, best: Parameters, estimates: _Estimates) -> dict[str, Interval]:
    """Return the intervals, ps or without unit, of lifetimes and fractions whose chi-square is not a parabola."""
    profile = Profile(problem=problem, best=best, covariance=estimates.covariance)
    found: dict[str, Interval] = {}
    for name, combination in shape_combinations(problem.model).items():
        interval = profile.interval(combination)
        if interval is not None:
            found[name] = interval if not name.endswith("_ps") else Interval(*map(_exponential, interval))
    return found


def _exponential(logarithm: float) -> float:
    """Return the exponential, infinite where it overflows."""
    return math.exp(logarithm) if logarithm < _LARGEST_LOGARITHM else math.inf


def _lifetimes(estimates: _Estimates, model: KineticModel) -> tuple[Value, ...]:
    """Return the lifetimes with errors, ps: each depends on its own logarithm and on all earlier ones.

    That of a rise comes first.
    """
    rates = Shape.from_values(estimates.values, model).rates
    lifetimes = [1.0 / rate for rate in rates[: len(model.log_lifetimes)]]
    return tuple(
        estimates.derived(lifetime, dict.fromkeys(model.log_lifetimes[: index + 1], lifetime))
        for index, lifetime in enumerate(lifetimes)
    )


def _fractions(estimates: _Estimates, model: KineticModel) -> tuple[Value, ...]:
    """Return the fractions of all components with errors; the last one is the remainder to 1."""
    rest = Shape.from_values(estimates.values, model).fractions[-1]
    free = [estimates.plain(name) for name in model.free_fractions]
    return (*free, estimates.derived(rest, dict.fromkeys(model.free_fractions, -1.0)))


def _settle_offset_rate(problem: KineticsProblem, parameters: Parameters) -> Value | None:
    """Fix a rate that came out at its limit of 0, and return it with the error it had while free.

    A slow decay is nearly the same straight line in all gates, which the jet factor absorbs: near 0 the rate has almost
    no effect to first order, and if left free it would enlarge the errors of the others.
    """
    name = "offset_rate_per_ns"
    if not problem.free_offset_rate or parameters[name].value > _UNRESOLVED_RATE_PER_NS:
        return None
    covariance = problem.covariance(parameters)
    column = [key for key, parameter in parameters.items() if parameter.vary].index(name)
    parameters[name].set(value=0.0, vary=False)
    return Value(0.0, math.inf if covariance is None else float(np.sqrt(covariance[column, column])))


def _estimates(problem: KineticsProblem, parameters: Parameters) -> _Estimates:
    varied = tuple(name for name, parameter in parameters.items() if parameter.vary)
    covariance = problem.covariance(parameters)
    if covariance is None:
        raise ReductionError(
            f"The data do not determine the {len(varied)} parameters of the kinetics (singular covariance). Add delays "
            "where the signal changes, or fit with constant_offset=True."
        )
    return _Estimates(values=dict(parameters.valuesdict()), varied=varied, covariance=covariance)


def _chi_square(fit: Any) -> float:
    return float(np.sum(fit.residual**2))


def _lifetime(rate: Value) -> Value:
    if rate.value == 0.0:
        return Value(math.inf, math.inf if rate.sigma else 0.0)
    return Value(1e3 / rate.value, 1e3 * rate.sigma / rate.value**2)
