"""Biexponential kinetics with a slow offset, fitted to all gates of one or several delay scans."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.values import Value as Value
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.model import Shape
from reduction.xas.kinetics.problem import LIFETIME_LIMITS_PS, RATIO_LIMITS, KineticsProblem
from reduction.xas.kinetics.start import find_starts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lmfit import Parameters
    from numpy.typing import ArrayLike, NDArray

    from reduction.run_metadata import Timing
    from reduction.xas.pump_train import PumpTrain

UNDETERMINED_SHARE = 0.5
"""A lifetime with an error above half of it, or a fraction with one above a half, is not determined (chosen)."""

_STARTS = 3
_UNRESOLVED_RATE_PER_NS = 2e-5
_DETECTION_LIMIT = 40.0  # Noise alone lowers chi-square of 7 parameters by this much once in a million fits.


@dataclass(frozen=True)
class KineticsFit:
    """Kinetics S(t) = A [f1 exp(-t/tau1) + f2 exp(-t/tau2) + f3 exp(-t/tau_off)] of one pump, f1 + f2 + f3 = 1.

    `fraction1`, `fraction2`, `offset` are f1, f2, f3 at t = 0+; `amplitudes` and `t0s_ps` hold one value per trace, A
    being relative to the unpumped signal. The errors are those of the counts alone (not rescaled by chi-square).
    Lifetimes are fitted as logarithms: where sigma is more than a fifth of a lifetime, read it as a factor,
    value * exp(+-sigma/value). `offset_rate_per_ns` is 1/tau_off >= 0 and the lifetime its inverse, (inf, inf) if no
    decay is seen; the other errors then hold for a constant offset. `covariance` (n, n) follows `parameters`;
    `baselines` (traces, gates - 1) are ln(1 + e_n) of the `gates` but the last, relative to it.
    """

    tau1_ps: Value
    tau2_ps: Value
    fraction1: Value
    fraction2: Value
    offset: Value
    offset_rate_per_ns: Value
    offset_lifetime_ps: Value
    t0s_ps: tuple[Value, ...]
    amplitudes: tuple[Value, ...]
    baselines: NDArray[np.float64]
    gates: tuple[int, ...]
    chi_square: float
    degrees_of_freedom: int
    parameters: tuple[str, ...]
    covariance: NDArray[np.float64]
    timing: Timing
    train: PumpTrain
    constant_offset: bool

    @property
    def t0_ps(self) -> Value:
        """Time zero of the first trace, ps: the delay at which pump and probe coincide."""
        return self.t0s_ps[0]

    @property
    def amplitude(self) -> Value:
        """Amplitude of the first trace at t = 0+, relative to the unpumped signal (negative: a bleach)."""
        return self.amplitudes[0]

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the lifetimes and fractions that the data do not determine; see `UNDETERMINED_SHARE`.

        The fit then draws a curve through the points, but its parameters are no results.
        """
        scales = {"tau1_ps": self.tau1_ps.value, "tau2_ps": self.tau2_ps.value}
        scales |= dict.fromkeys(("fraction1", "fraction2", "offset"), 1.0)
        return tuple(
            name for name, scale in scales.items() if not getattr(self, name).sigma <= UNDETERMINED_SHARE * abs(scale)
        )

    def curve(
        self, delay_ps: ArrayLike, *, probe: int = 0, trace: int = 0, zero_at_ps: ArrayLike = ()
    ) -> NDArray[np.float64]:
        """Fitted transient of `probe` minus the unpumped probe, relative to the unpumped signal, without baseline.

        `delay_ps` (any shape) are first delays. Give the delays that the time-scan recipe sets to zero on average as
        `zero_at_ps` to draw the curve through a `Trace`.
        """
        delay = np.asarray(delay_ps, dtype=float) - self.t0s_ps[trace].value
        unpumped = 0.0 if self.constant_offset else self._after_pump(delay, self.timing.unpumped_probe)
        transient = self.amplitudes[trace].value * (self._after_pump(delay, probe) - unpumped)
        if np.size(zero_at_ps):
            transient = transient - self.curve(zero_at_ps, probe=probe, trace=trace).mean()
        return np.asarray(transient)

    def _after_pump(self, delay_ps: NDArray[np.float64], probe: int) -> NDArray[np.float64]:
        slow = 1.0 / self.tau2_ps.value
        rates = (1.0 / self.tau1_ps.value, slow, 1e-3 * self.offset_rate_per_ns.value)
        shape = Shape(rates, (self.fraction1.value, self.fraction2.value, self.offset.value))
        delay = delay_ps + probe * self.timing.bunch_period_ps
        return shape.mix([self.train.decay(delay, rate) for rate in rates], "value")


def fit_kinetics(
    traces: GateRates | Sequence[GateRates], timing: Timing, *, constant_offset: bool = False, shared_t0: bool = True
) -> KineticsFit:
    """Fit one trace, or several that share lifetimes and fractions (paper, Figure 2c and SI 2: global fit Br + Pb).

    All gates of a pump period are fitted together, with a free jet factor per exposure and a free efficiency per
    gate and trace (see `WhitenedTrace`), so that errors shared through the unpumped gate count once and jet
    fluctuations cancel. Rows with the shutter closed, if there are any, fix the gate efficiencies. Several traces
    have a common time zero unless `shared_t0` is False. `constant_offset` is the paper's model: the pumped and the
    unpumped gate only, an offset that never decays and no earlier pumps. Raises ReductionError if the data do not
    determine the kinetics.
    """
    traces = [traces] if isinstance(traces, GateRates) else list(traces)
    problem = KineticsProblem.of(traces, timing, constant_offset=constant_offset, shared_t0=shared_t0)
    problem.require_data(traces)
    delays = np.concatenate([trace.delay_ps for trace in traces])
    fits = [problem.minimise(start) for start in find_starts(problem.traces, delays, number=_STARTS)]
    best = min(fits, key=_chi_square)
    _require_signal(sum(trace.chi_square_without_signal() for trace in problem.traces) - _chi_square(best))
    _require_resolved(best.params.valuesdict())
    return _result(problem, best)


@dataclass(frozen=True)
class _Estimates:
    """Best values of all parameters, and the covariance of the varied ones."""

    values: dict[str, float]
    varied: tuple[str, ...]
    covariance: NDArray[np.float64]

    def derived(self, value: float, slopes: Mapping[str, float]) -> Value:
        """Return a function of the parameters with its propagated error; `slopes` are its derivatives."""
        slope = np.array([slopes.get(name, 0.0) for name in self.varied])
        return Value(value, float(np.sqrt(slope @ self.covariance @ slope)))

    def plain(self, name: str) -> Value:
        """One parameter."""
        return self.derived(self.values[name], {name: 1.0})


def _result(problem: KineticsProblem, best: Any) -> KineticsFit:
    offset_rate = _settle_offset_rate(problem, best.params)
    estimates = _estimates(problem, best.params)
    shape = Shape.from_values(estimates.values)
    tau1, tau2 = (1.0 / rate for rate in shape.rates[:2])
    traces = range(len(problem.traces))
    return KineticsFit(
        tau1_ps=estimates.derived(tau1, {"log_tau1": tau1}),
        tau2_ps=estimates.derived(tau2, {"log_tau1": tau2, "log_tau_ratio": tau2}),
        fraction1=estimates.plain("fraction1"),
        fraction2=estimates.plain("fraction2"),
        offset=estimates.derived(shape.fractions[2], {"fraction1": -1.0, "fraction2": -1.0}),
        offset_rate_per_ns=offset_rate or estimates.plain("offset_rate_per_ns"),
        offset_lifetime_ps=_lifetime(offset_rate or estimates.plain("offset_rate_per_ns")),
        t0s_ps=tuple(estimates.plain(problem.t0_name(trace)) for trace in traces),
        amplitudes=tuple(estimates.plain(f"amplitude_{trace}") for trace in traces),
        baselines=np.array([[estimates.values[name] for name in problem.baseline_names(trace)] for trace in traces]),
        gates=problem.gates,
        chi_square=_chi_square(best),
        degrees_of_freedom=problem.degrees_of_freedom,
        parameters=estimates.varied,
        covariance=estimates.covariance,
        timing=problem.timing,
        train=problem.train,
        constant_offset=problem.constant_offset,
    )


def _settle_offset_rate(problem: KineticsProblem, parameters: Parameters) -> Value | None:
    """Fix a rate that came out at its limit of 0, and return it with the error it had while free.

    A slow decay is nearly the same straight line in all gates, which the jet factor absorbs: near 0 the rate has next
    to no effect to first order, and left free it would blow up the errors of the others.
    """
    name = "offset_rate_per_ns"
    if problem.constant_offset or parameters[name].value > _UNRESOLVED_RATE_PER_NS:
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
    return _Estimates(dict(parameters.valuesdict()), varied, covariance)


def _chi_square(fit: Any) -> float:
    return float(np.sum(fit.residual**2))


def _lifetime(rate: Value) -> Value:
    if rate.value == 0.0:
        return Value(math.inf, math.inf if rate.sigma else 0.0)
    return Value(1e3 / rate.value, 1e3 * rate.sigma / rate.value**2)


def _require_resolved(values: dict[str, float]) -> None:
    tau1, ratio = math.exp(values["log_tau1"]), math.exp(values["log_tau_ratio"])
    low, high = LIFETIME_LIMITS_PS
    if not (low * 1.001 < tau1 < high * 0.999 and RATIO_LIMITS[0] * 1.001 < ratio < RATIO_LIMITS[1] * 0.999):
        raise ReductionError(
            f"Two lifetimes cannot be told apart: the best fit is at a limit (tau1 = {tau1:.3g} ps of {low:g} to "
            f"{high:g} ps, tau2/tau1 = {ratio:.3g} of {RATIO_LIMITS[0]:g} to {RATIO_LIMITS[1]:g}). Measure longer or "
            "at more delays between 0 and 5 ns."
        )


def _require_signal(gain: float) -> None:
    if gain < _DETECTION_LIMIT:
        raise ReductionError(
            f"No transient is seen: kinetics lower chi-square by {gain:.1f} only, {_DETECTION_LIMIT:g} are needed. "
            "Check time zero and overlap, or count longer."
        )
