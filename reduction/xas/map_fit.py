"""Global fit of an energy x delay map: lifetimes that all energies share, and the spectrum of each decay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import chi2

from errors import ReductionError
from reduction.values import Value
from reduction.xas.gate_rates import MIN_PHOTONS
from reduction.xas.kinetics.fit import is_delicate
from reduction.xas.kinetics.kinetic_model import KineticModel, aicc, bic
from reduction.xas.kinetics.problem import LIFETIME_LIMITS_PS, RATIO_LIMITS
from reduction.xas.kinetics.profile import DeeperMinimumError, Interval
from reduction.xas.map_problem import LinearPart, MapProblem
from reduction.xas.map_profile import NamedMapProblem, map_intervals
from reduction.xas.pump_train import PumpTrain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reduction.run_metadata import Timing
    from reduction.types import BoolArray, FloatArray
    from reduction.xas.transient_map import TransientMap

UNDETERMINED_SHARE = 0.5
"""Relative error above which a lifetime counts as not determined (chosen, as for traces)."""

FALSE_ALARMS = 1e-6
"""Share of maps without any signal in which one would be seen."""

_START_LIFETIMES_PS = tuple(np.geomspace(40.0, 6000.0, 7))
_STARTS = 2
# Deeper minima that the profiles may find before the fit is taken as it is, without intervals.
_REFITS = 3
# Weights and the remainder from earlier pumps come from the fit before; the third changes nothing that can be seen.
_ROUNDS = 3
_UNRESOLVED_RATE_PER_NS = 2e-5
_WORST_CONDITION = 1e12
_NOT_DETERMINED = (
    "The map does not determine all parameters of this model. Measure more delays, or fit fewer lifetimes "
    "(kinetics='1')."
)


@dataclass(frozen=True, kw_only=True)
class MapFit:
    """Decays of an energy x delay map: S(E, t) = sum_k A_k(E) exp(-t / tau_k) of one pump, relative to the unpumped.

    `energy_ev` (energies,); `spectra` (components, energies) are the A_k at t = 0+, from fast to slow, the offset last;
    `spectra_sigma` their errors and `spectra_covariance` (components, energies, energies) those of one component with
    each other: lifetimes and time zero correlate all energies. NaN for energies with too few points. All errors are
    those of the counts, propagated through lifetimes, time zero, instrument response and gate efficiency; they are not
    rescaled by chi-square. `residuals` (energies, delays) are data minus model in errors, NaN where nothing was
    measured. `covariance` (n, n) follows `parameters`. `spectra_slopes` (energies, components, n) are the derivatives
    of the spectra by these, `spectra_own` (energies, components, components) the covariance that each energy has
    beside. `offset_rate_per_ns` is None without an offset, (0, 0) if its decay is not seen; the errors then hold for a
    constant offset. `intervals` are the 68 % limits, ps, of those lifetimes whose chi-square is not a parabola, by
    name; their sigma is half of the interval.
    """

    model: KineticModel
    energy_ev: FloatArray
    lifetimes_ps: tuple[Value, ...]
    t0_ps: Value
    offset_rate_per_ns: Value | None
    efficiency: Value
    spectra: FloatArray
    spectra_sigma: FloatArray
    spectra_covariance: FloatArray
    residuals: FloatArray
    chi_square: float
    degrees_of_freedom: int
    number_varied: int
    parameters: tuple[str, ...]
    covariance: FloatArray
    spectra_slopes: FloatArray = field(repr=False)
    spectra_own: FloatArray = field(repr=False)
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def quantities(self) -> dict[str, Value]:
        """Lifetimes and time zero, ps, by name."""
        return {f"tau{number}_ps": value for number, value in enumerate(self.lifetimes_ps, 1)} | {"t0_ps": self.t0_ps}

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the lifetimes that the data do not determine; see `UNDETERMINED_SHARE`."""
        named = ((f"tau{number}_ps", value) for number, value in enumerate(self.lifetimes_ps, 1))
        return tuple(name for name, value in named if value.sigma > UNDETERMINED_SHARE * value.value)

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the rows of `spectra`, (components,): its lifetime in ps, or the offset."""
        lifetimes = (f"{value.value:.3g} ps" for value in self.lifetimes_ps)
        return (*lifetimes, "offset") if self.model.has_offset else tuple(lifetimes)

    @property
    def aicc(self) -> float:
        """Akaike's criterion with its correction for few data; the smaller the better."""
        return aicc(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)

    @property
    def bic(self) -> float:
        """Schwarz' criterion; the smaller the better."""
        return bic(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)


class _Best(NamedTuple):
    """Where one search ended: its problem, with the weights that belong to it, and its parameters."""

    problem: MapProblem
    parameters: FloatArray
    part: LinearPart

    @property
    def chi_square(self) -> float:
        """Sum of all squared residuals, the priors included."""
        return float((self.problem.residual(self.parameters) ** 2).sum())


def fit_map(measured: TransientMap, timing: Timing, *, model: KineticModel = KineticModel.TWO_OFFSET) -> MapFit:
    """Return the fit of `model` to an energy x delay map, whichever of the two axes was fast; it may be unfinished.

    Raises ReductionError for other axes, without delays before the pump, with too few points or photons, without a
    signal, for a model with a rise, or if the data cannot separate the lifetimes.
    """
    if model.has_rise:
        raise ReductionError(
            f"kinetics = {model.value!r}: a map needs no rise, since what rises is a decay with a spectrum of the "
            "other sign. Fit one lifetime more instead."
        )
    table = measured.by_energy()
    usable = np.isfinite(table.pumped).sum(axis=1) > model.components
    _require_data(table, usable, timing, model)
    problem = replace(_problem(table, usable, timing, model), offset_decays=model.offset_decays)
    best = min((_searched(problem, start) for start in _starts(problem)), key=lambda one: one.chi_square)
    place = 1 + model.lifetimes
    # A rate near its limit of 0 is not resolved: the offset is then constant, and the fit is repeated without it.
    if model.offset_decays and best.parameters[place] < _UNRESOLVED_RATE_PER_NS:
        best = _searched(replace(problem, offset_decays=False), np.delete(best.parameters, place))
    _require_signal(best)
    _require_apart(best)
    return _profiled(problem, best, _result(table, usable, best), lambda found: _result(table, usable, found))


def _profiled(counted: MapProblem, best: _Best, fit: MapFit, result: Callable[[_Best], MapFit]) -> MapFit:
    """Return the fit with limits from the profile of chi-square, for lifetimes with large errors or a close neighbour.

    A profile that finds a deeper minimum starts the fit again from there.
    """
    for _ in range(_REFITS):
        if not is_delicate(fit.lifetimes_ps):
            return fit
        try:
            covariances = _covariances(best.problem, best.parameters)
            intervals = map_intervals(best.problem, best.parameters, *covariances)
        except DeeperMinimumError as error:
            problem = replace(counted, offset_decays=best.problem.offset_decays)
            best = _searched(problem, NamedMapProblem(best.problem).values(error.parameters))
            _require_apart(best)
            fit = result(best)
            continue
        # As for traces, the symmetric error of a lopsided interval is half of it.
        named = zip(fit.quantities, fit.lifetimes_ps, strict=False)
        lifetimes = tuple(
            value if name not in intervals else Value(value.value, intervals[name].half_width) for name, value in named
        )
        return replace(fit, lifetimes_ps=lifetimes, intervals=intervals)
    return fit


def _require_data(table: TransientMap, usable: BoolArray, timing: Timing, model: KineticModel) -> None:
    delays = timing.delay_of(timing.pumped_probe, 0.0) + table.columns
    before_ps = -2.0 * timing.irf_sigma_ps
    if table.efficiency is None and not np.isfinite(table.pumped[:, delays < before_ps]).any():
        raise ReductionError(
            f"No point lies before {before_ps:g} ps, so the efficiencies of the gates cannot be separated from the "
            "signal. Add a negative delay to the map, wait for it, or measure with shutter_reference."
        )
    if not usable.any():
        raise ReductionError(
            f"No energy has more than {model.components} delays, which {model.description} need. Wait for the map, "
            "or fit fewer lifetimes."
        )
    # Of plain counts, the square over the variance is their number; it holds for weighted sums and signals in V, too.
    gates = ((table.pumped, table.pumped_variance), (table.unpumped, table.unpumped_variance))
    fewest = float(np.nanmin([(photons**2 / variance)[usable] for photons, variance in gates]))
    if fewest < MIN_PHOTONS:
        raise ReductionError(
            f"A point holds {fewest:.0f} photons; at least {MIN_PHOTONS:.0f} are needed, or the errors are not normal. "
            "Count longer, or add passes."
        )


def _problem(table: TransientMap, usable: BoolArray, timing: Timing, model: KineticModel) -> MapProblem:
    first_ps = np.where(np.isfinite(table.positions[1]), table.positions[1], table.columns)[usable]
    ratio = (table.pumped / table.unpumped)[usable]
    known = np.isfinite(ratio)
    column_ps = first_ps.mean(axis=0)
    sigma = ratio * table.sigma[usable]
    train = PumpTrain(period_ps=timing.pump_period_ps, overlap=timing.pump_overlap, sigma_ps=timing.irf_sigma_ps)
    return MapProblem(
        pumped_ps=timing.delay_of(timing.pumped_probe, 0.0) + column_ps,
        unpumped_ps=np.array([timing.delay_of(probe, 0.0) + column_ps for probe in timing.reference_probes]),
        deviation_ps=first_ps - column_ps,
        ratio=np.where(known, ratio, 1.0),
        weight=np.where(known, 1.0 / np.where(known, sigma, 1.0), 0.0),
        rest=np.zeros_like(ratio),
        train=train,
        model=model,
        irf_error_ps=timing.irf_error_ps,
        blocked=table.efficiency,
    )


def _starts(problem: MapProblem) -> list[FloatArray]:
    """Return the best points of a coarse grid over time zero and then over the lifetimes, best first."""
    sigma_ps = problem.train.sigma_ps
    before = problem.pumped_ps < -2.0 * sigma_ps
    # Before the pump the ratio is the efficiency itself; exposures with the laser blocked give it directly.
    if problem.blocked is None:
        efficiency = float(np.average(problem.ratio[:, before], weights=problem.weight[:, before] ** 2))
    else:
        efficiency = problem.blocked.value
    low = max(float(problem.pumped_ps.min()), -900.0)
    high = min(float(problem.pumped_ps.max()), 900.0)
    typical = np.log(np.geomspace(150.0, 3000.0, problem.model.lifetimes))

    def start(t0_ps: float, logs: FloatArray) -> FloatArray:
        rate = [1e-3] if problem.model.offset_decays else []
        response = [sigma_ps] if problem.irf_error_ps > 0 else []
        return np.array([t0_ps, logs[0], *np.diff(logs), *rate, *response, efficiency])

    def chi_square(parameters: FloatArray) -> float:
        return float((problem.residual(parameters) ** 2).sum())

    # Time zero first, with typical lifetimes: it moves the rise of all energies and hardly depends on the decays.
    t0_ps = min(np.arange(low, high, sigma_ps / 2.0), key=lambda t0: chi_square(start(float(t0), typical)))
    groups = [
        np.log(group)
        for group in product(_START_LIFETIMES_PS, repeat=problem.model.lifetimes)
        if all(slower > 1.9 * faster for faster, slower in pairwise(group))
    ]
    return sorted((start(float(t0_ps), logs) for logs in groups), key=chi_square)[:_STARTS]


def _searched(counted: MapProblem, start: FloatArray) -> _Best:
    """Return the best fit from a start; weights and rest follow the fit, so that no error depends on its own noise.

    `counted` has the errors of the counts as they are.
    """
    problem = counted
    parameters = start
    for _ in range(_ROUNDS):
        low, high = problem.limits
        margin = 1e-6 * (high - low)
        parameters = least_squares(
            problem.residual,
            np.clip(parameters, low + margin, high - margin),
            jac=problem.jacobian,
            bounds=(low, high),
            x_scale="jac",
            max_nfev=100,
        ).x
        problem = _reweighted(counted, problem, parameters)
    return _Best(problem, parameters, problem.solve(parameters))


def _reweighted(counted: MapProblem, problem: MapProblem, parameters: FloatArray) -> MapProblem:
    """Return the problem with the errors that the fitted ratio has, instead of those of the noisy ratio itself."""
    # A count that is low by chance has a small error of its own, and would pull every mean down. The sum of both gates
    # is as good as free of that: with n = on + off and the ratio r, the variance of r is proportional to
    # r^2 (1/on + 1/off) = r (1 + r)^2 / n, so that only r has to be exchanged.
    part = problem.solve(parameters)
    noise = np.divide(part.residual, problem.weight, out=np.zeros_like(part.residual), where=problem.weight > 0)
    fitted = np.maximum(counted.ratio - noise, 1e-3)
    change = (counted.ratio / fitted) * ((1.0 + counted.ratio) / (1.0 + fitted)) ** 2
    return replace(problem, weight=counted.weight * np.sqrt(change), rest=problem.rest_of(parameters, part.spectra))


def _require_signal(best: _Best) -> None:
    problem = best.problem
    # Without a signal every point, and the exposures without laser, measure the same ratio.
    prior = problem.blocked
    ratio = np.append(problem.ratio, [] if prior is None else prior.value)
    weight = np.append(problem.weight, [] if prior is None else 1.0 / prior.sigma) ** 2
    efficiency = float(np.average(ratio, weights=weight))
    gain = float((weight * (ratio - efficiency) ** 2).sum()) - best.chi_square
    # What noise alone gains: as many as there are spectra and parameters, beside the efficiency.
    spent = best.part.spectra.size + len(best.parameters) - 1
    if chi2.sf(gain, spent) > FALSE_ALARMS:
        raise ReductionError(
            f"No transient is seen in the map: decays lower chi-square by {gain:.1f}, noise alone by about {spent}. "
            "Check time zero and overlap, or count longer."
        )


def _require_apart(best: _Best) -> None:
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


def _result(table: TransientMap, usable: BoolArray, best: _Best) -> MapFit:
    problem = best.problem
    parameters = best.parameters
    covariance = _covariances(problem, parameters).whole
    number = len(parameters) + best.part.spectra.size
    logs = np.tril(np.ones((problem.model.lifetimes,) * 2))
    ends = slice(1, 1 + problem.model.lifetimes)
    taus = np.exp(logs @ parameters[ends])
    tau_sigmas = taus * np.sqrt(np.diag(logs @ covariance[ends, ends] @ logs.T))
    sigmas = np.sqrt(np.diag(covariance))
    spectra, spectra_covariance, slopes, own = _spectra(best, covariance)
    residuals = np.full(table.pumped.shape, np.nan)
    residuals[usable] = np.where(problem.weight > 0, best.part.residual, np.nan)
    rate = None
    if problem.model.has_offset:
        decays = "offset_rate_per_ns" in problem.names
        place = 1 + problem.model.lifetimes
        rate = Value(float(parameters[place]), float(sigmas[place])) if decays else Value(0.0, 0.0)
    return MapFit(
        model=problem.model,
        energy_ev=table.rows,
        lifetimes_ps=tuple(Value(float(tau), float(sigma)) for tau, sigma in zip(taus, tau_sigmas, strict=True)),
        t0_ps=Value(float(parameters[0]), float(sigmas[0])),
        offset_rate_per_ns=rate,
        efficiency=Value(float(parameters[-1]), float(sigmas[-1])),
        spectra=_at_all(spectra, usable),
        spectra_sigma=_at_all(np.sqrt(np.diagonal(spectra_covariance, axis1=1, axis2=2)), usable),
        spectra_covariance=_at_all(_at_all(spectra_covariance, usable).transpose(0, 2, 1), usable),
        residuals=residuals,
        chi_square=best.chi_square,
        degrees_of_freedom=problem.values - number,
        number_varied=number,
        parameters=problem.names,
        covariance=covariance,
        spectra_slopes=np.moveaxis(_at_all(np.moveaxis(slopes, 0, -1), usable), -1, 0),
        spectra_own=np.moveaxis(_at_all(np.moveaxis(own, 0, -1), usable), -1, 0),
    )


class _Covariances(NamedTuple):
    """Covariances of the parameters, (n, n): with the noise of the spectra, and from the curvature alone."""

    whole: FloatArray
    curvature: FloatArray


def _covariances(problem: MapProblem, parameters: FloatArray) -> _Covariances:
    """Return the covariances of the parameters, from residuals of unit variance.

    Raises ReductionError if the data do not determine them.
    """
    # The square M of the Jacobian holds the truth and what the noise of the spectra adds, N. The noise moves the
    # parameters as well, so their covariance is neither 1/M nor 1/(M - N) but (M - N)^-1 M (M - N)^-1. At high
    # statistics N vanishes and all three are the same.
    jacobian = problem.jacobian(parameters)
    scale = np.sqrt((jacobian**2).sum(axis=0))
    # Columns are scaled to one before the inversion: only then does the condition number show what is determined.
    if np.any(scale == 0) or np.linalg.cond(jacobian / scale) ** 2 > _WORST_CONDITION:
        raise ReductionError(_NOT_DETERMINED)
    scales = np.outer(scale, scale)
    square = jacobian.T @ jacobian / scales
    information = square - problem.noise_information(parameters) / scales
    if np.linalg.eigvalsh(information).min() <= 1.0 / _WORST_CONDITION:
        raise ReductionError(_NOT_DETERMINED)
    inverse = np.linalg.inv(information)
    return _Covariances(inverse @ square @ inverse / scales, np.linalg.inv(square) / scales)


def _spectra(best: _Best, covariance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the spectra relative to the unpumped signal, (components, energies), and their covariances.

    The covariances are (components, energies, energies); slopes by the parameters (energies, components, parameters)
    and the covariances of each energy alone (energies, components, components) follow.
    """
    # B has the errors of its own energy at fixed decays, and follows the decays with the slope dB/dp = -R^-1 Q^T (slope
    # of the model): that part is common to all energies. A = B / c adds what the efficiency c brings.
    part = best.part
    efficiency = best.parameters[-1]
    slopes = best.problem.slopes(best.parameters, part.spectra)
    inverse = np.linalg.inv(part.triangle)
    follows = -inverse @ np.einsum("etk,etp->ekp", part.basis, slopes) / efficiency
    follows[:, :, -1] -= part.spectra / efficiency**2
    own = np.einsum("eki,eli->ekl", inverse, inverse) / efficiency**2
    common = np.einsum("ekp,pq,fkq->kef", follows, covariance, follows)
    whole = common + np.einsum("ekk,ef->kef", own, np.eye(len(own)))
    return part.spectra.T / efficiency, whole, follows, own


def _at_all(values: FloatArray, usable: BoolArray) -> FloatArray:
    """Return `values` (..., usable energies) with NaN for all other energies, (..., energies)."""
    filled = np.full((*values.shape[:-1], usable.size), np.nan)
    filled[..., usable] = values
    return filled
