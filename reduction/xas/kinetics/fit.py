"""Kinetics of one to three lifetimes, with or without a slow offset, fitted to all gates of delay scans."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.fit_quality import p_value
from reduction.values import Value as Value
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.kinetic_model import KineticModel, aicc, bic
from reduction.xas.kinetics.model import RESPONSE, Shape
from reduction.xas.kinetics.problem import LIFETIME_LIMITS_PS, RATIO_LIMITS, KineticsProblem
from reduction.xas.kinetics.profile import DeeperMinimumError, Interval, Profile
from reduction.xas.kinetics.quantities import quantity_names, shape_combinations
from reduction.xas.kinetics.start import find_starts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lmfit import Parameters
    from numpy.typing import ArrayLike

    from reduction.run_metadata import Timing
    from reduction.types import FloatArray
    from reduction.xas.pump_train import PumpTrain

UNDETERMINED_SHARE = 0.5
"""Error above which a lifetime (relative) or a fraction (absolute) counts as not determined (chosen)."""

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
# Noise alone lowers chi-square of 7 parameters by this much once in a million fits.
_DETECTION_LIMIT = 40.0


@dataclass(frozen=True, kw_only=True)
class KineticsFit:
    """Kinetics S(t) = A [f1 exp(-t/tau1) + ... + f_off exp(-t/tau_off)] of one pump; all fractions add up to 1.

    With a rise, `rise_ps`, exp(-t/tau_rise) is subtracted in the brackets; None without one.
    `lifetimes_ps` and `fractions` are tau1, ... and f1, ... of the lifetimes of `model`, from fast to slow;
    `offset` is f_off, 0 without one; fractions at t = 0+. `amplitudes` and `t0s_ps` hold one value per trace, A being
    relative to the unpumped signal. The errors are those of the counts (not rescaled by chi-square) and of the
    instrument response, whose width `irf_sigma_ps` is fitted with the value and error that the runs record as its
    prior; its error is 0 if they record none, as those up to version 0.2.0.
    Lifetimes are fitted as logarithms: where sigma is more than a fifth of a lifetime, read it as a factor,
    value * exp(+-sigma/value). `offset_rate_per_ns` is 1/tau_off >= 0 and the lifetime its inverse, (inf, inf) if no
    decay is seen; the other errors then hold for a constant offset. `values` are all parameters by name, lifetimes as
    logarithms, and `covariance` (n, n) follows `parameters`, the free ones;
    `baselines` (traces, gates - 1) are ln(1 + e_n) of the `gates` but the last, relative to it. `intervals` holds the
    68.3 % limits of those quantities whose chi-square is not a parabola, by name; their sigma is half of the interval.
    """

    model: KineticModel
    lifetimes_ps: tuple[Value, ...]
    fractions: tuple[Value, ...]
    offset: Value
    offset_rate_per_ns: Value
    offset_lifetime_ps: Value
    t0s_ps: tuple[Value, ...]
    amplitudes: tuple[Value, ...]
    irf_sigma_ps: Value
    baselines: FloatArray
    gates: tuple[int, ...]
    chi_square: float
    degrees_of_freedom: int
    number_varied: int
    parameters: tuple[str, ...]
    covariance: FloatArray
    timing: Timing
    train: PumpTrain
    constant_offset: bool
    values: Mapping[str, float]
    rise_ps: Value | None = None
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def t0_ps(self) -> Value:
        """Time zero of the first trace, ps: the delay at which pump and probe coincide."""
        return self.t0s_ps[0]

    @property
    def amplitude(self) -> Value:
        """Amplitude of the first trace at t = 0+, as a fraction of the unpumped signal (negative: a bleach)."""
        return self.amplitudes[0]

    @property
    def tau1_ps(self) -> Value:
        """Shortest lifetime, ps."""
        return self.lifetimes_ps[0]

    @property
    def tau2_ps(self) -> Value:
        """Second lifetime, ps; raises ReductionError if the model has only one."""
        return self._of_second(self.lifetimes_ps)

    @property
    def fraction1(self) -> Value:
        """Fraction of the shortest lifetime."""
        return self.fractions[0]

    @property
    def fraction2(self) -> Value:
        """Fraction of the second lifetime; raises ReductionError if the model has only one."""
        return self._of_second(self.fractions)

    @property
    def quantities(self) -> dict[str, Value]:
        """Lifetimes (ps), fractions, offset and time zero (ps) by name; fractions only if there is more than one."""
        found = {} if self.rise_ps is None else {"rise_ps": self.rise_ps}
        found |= {f"tau{number}_ps": value for number, value in enumerate(self.lifetimes_ps, 1)}
        if self.model.components > 1:
            found |= {f"fraction{number}": value for number, value in enumerate(self.fractions, 1)}
        if self.model.has_offset:
            found["offset"] = self.offset
        return found | {"t0_ps": self.t0_ps}

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the lifetimes and fractions that the data do not determine; see `UNDETERMINED_SHARE`.

        The curve of such a fit describes the points, but its parameters are not results.
        """
        scales = {name: value.value if name.endswith("_ps") else 1.0 for name, value in self.quantities.items()}
        del scales["t0_ps"]
        return tuple(
            name for name, scale in scales.items() if not self.quantities[name].sigma <= UNDETERMINED_SHARE * abs(scale)
        )

    @property
    def p_value(self) -> float:
        """Probability that noise alone gives a larger chi-square; below 0.001 the points do not follow the model."""
        return p_value(self.chi_square, self.degrees_of_freedom)

    @property
    def aicc(self) -> float:
        """Corrected Akaike criterion of the model, see `Criterion`."""
        return aicc(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)

    @property
    def bic(self) -> float:
        """Schwarz criterion of the model, see `Criterion`."""
        return bic(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)

    def _of_second(self, values: tuple[Value, ...]) -> Value:
        if len(values) < 2:
            raise ReductionError(f"The model has {self.model.description}. Fit a model with two, such as '2+offset'.")
        return values[1]

    def curve(self, delay_ps: ArrayLike, *, probe: int = 0, trace: int = 0, zero_at_ps: ArrayLike = ()) -> FloatArray:
        """Return the fitted transient of `probe` minus the unpumped probes, relative to the unpumped signal.

        Without baseline, at first delays `delay_ps` of any shape. To draw the curve through a `Trace`, give its delays
        `zero_at_ps`, at which the recipe sets the transient to zero on average.
        """
        delay = np.asarray(delay_ps, dtype=float) - self.t0s_ps[trace].value
        references = [] if self.constant_offset else self.timing.reference_probes
        unpumped = np.zeros_like(delay)
        for reference in references:
            unpumped = unpumped + self._after_pump(delay, reference) / len(references)
        transient = self.amplitudes[trace].value * (self._after_pump(delay, probe) - unpumped)
        if np.size(zero_at_ps):
            transient = transient - self.curve(zero_at_ps, probe=probe, trace=trace).mean()
        return np.asarray(transient)

    def signal(self, delay_ps: ArrayLike, *, trace: int = 0) -> FloatArray:
        """Return the fitted signal at delays of a gate itself, ps, of any shape, relative to a sample never pumped.

        Delays up to the next pump; those before the pump have what earlier pumps have left.
        """
        delay = np.asarray(delay_ps, dtype=float) - self.t0s_ps[min(trace, len(self.t0s_ps) - 1)].value
        gate_ps = self.timing.gate_delays_ps[self.timing.pumped_probe]
        return np.asarray(self.amplitudes[trace].value * self._after_pump(delay - gate_ps, self.timing.pumped_probe))

    def _after_pump(self, delay_ps: FloatArray, probe: int) -> FloatArray:
        rates = [1.0 / lifetime.value for lifetime in self.lifetimes_ps]
        fractions = [fraction.value for fraction in self.fractions]
        if self.model.has_offset:
            rates.append(1e-3 * self.offset_rate_per_ns.value)
            fractions.append(self.offset.value)
        if self.rise_ps is not None:
            rates.insert(0, 1.0 / self.rise_ps.value)
            fractions.insert(0, -1.0)
        shape = Shape(tuple(rates), tuple(fractions))
        delay = delay_ps + self.timing.gate_delays_ps[probe]
        return shape.mix([self.train.decay(delay, rate) for rate in rates], "value")


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
    _require_signal(sum(trace.chi_square_without_signal() for trace in problem.traces) - problem.chi_square(best))
    for _ in range(_REFITS):
        _require_resolved(best.valuesdict(), model)
        try:
            return require_determined(_result(problem, best, intervals=intervals))
        # The profile of a parameter has found a better fit than the fit: continue from there, a few times at most.
        except DeeperMinimumError as deeper:
            best = problem.minimise_from(problem.freed(deeper.parameters)).params
    return require_determined(_result(problem, best, intervals=False))


def require_determined(fit: KineticsFit) -> KineticsFit:
    """Return the fit; raise ReductionError if the data determine neither a lifetime nor a fraction of it."""
    if len(fit.undetermined) == len(fit.quantities) - 1:
        raise ReductionError(
            f"The data determine none of the {len(fit.undetermined)} lifetimes and fractions: each error exceeds "
            f"{UNDETERMINED_SHARE:.0%} of what it could be. Measure longer, or fit fewer lifetimes."
        )
    return fit


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


def _require_resolved(values: dict[str, float], model: KineticModel) -> None:
    """Raise ReductionError if a lifetime, or the ratio of two of them, is at one of its limits."""
    # A logarithm that rests within 0.1 % of its limit is held by the limit, not by the data.
    first, *ratios = (math.exp(values[name]) for name in model.log_lifetimes)
    low, high = LIFETIME_LIMITS_PS
    if not ratios and not low * 1.001 < first < high * 0.999:
        raise ReductionError(
            f"The best fit has the lifetime at a limit ({first:.3g} ps of {low:g} to {high:g} ps). Measure at other "
            "delays, or fit another model."
        )
    names = quantity_names(model)
    for number, ratio in enumerate(ratios, 1):
        if not (low * 1.001 < first < high * 0.999 and RATIO_LIMITS[0] * 1.001 < ratio < RATIO_LIMITS[1] * 0.999):
            raise ReductionError(
                f"{('Two', 'Three', 'Four')[len(ratios) - 1]} lifetimes cannot be distinguished: the best fit is "
                f"at a limit "
                f"({names[0].removesuffix('_ps')} = {first:.3g} ps of {low:g} to {high:g} ps, "
                f"{names[number].removesuffix('_ps')}/{names[number - 1].removesuffix('_ps')} = {ratio:.3g} of "
                f"{RATIO_LIMITS[0]:g} to {RATIO_LIMITS[1]:g}). Measure longer or at more delays between 0 and 5 ns, or "
                "fit fewer lifetimes."
            )


def _require_signal(gain: float) -> None:
    if gain < _DETECTION_LIMIT:
        raise ReductionError(
            f"No transient is seen: kinetics lower chi-square by only {gain:.1f}; at least {_DETECTION_LIMIT:g} is "
            "needed. Check time zero and overlap, or count longer."
        )
