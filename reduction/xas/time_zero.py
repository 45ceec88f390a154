"""Time zero from a short delay scan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.values import Value
from reduction.xas.kinetics.profile import Interval
from reduction.xas.rise_model import FREE_DECAY, RiseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from reduction.types import FloatArray
    from reduction.xas.transient import Trace

# Drop of chi-square by a step: noise alone exceeds it in fewer than 1 of 10 000 scans, although t0 and lifetime are
# free.
_DETECTION_LIMIT = 25.0
_START_LIFETIMES_PS = (60.0, 200.0, 1000.0)


@dataclass(frozen=True, kw_only=True)
class TimeZeroFit:
    """Step at t0, broadened by the instrument response, followed by decays, on a free baseline.

    `t0_ps`: delay at which pump and probe coincide. `interval`: t0 at which the chi-square of the best fit is 1 above
    its minimum (68.3 %), ps. If it is not that of a parabola (`is_parabolic`), the error of `t0_ps` is half of it, so
    that nobody who needs one number gets one too small. `amplitude`: signal just after the pump.
    `lifetime_ps`: that of the free decay, None if the decays were given. `irf_sigma_ps`: width of the instrument
    response, with error 0 if it was fixed. Errors are those of the given data and of the response, not rescaled by
    chi-square.
    """

    t0_ps: Value
    interval: Interval
    is_parabolic: bool
    amplitude: float
    baseline: float
    lifetime_ps: float | None
    irf_sigma_ps: Value
    chi_square: float
    degrees_of_freedom: int
    model: RiseModel
    values: dict[str, float]

    def curve(self, delay_ps: ArrayLike) -> FloatArray:
        """Return the fitted signal, including the baseline, at any delays, ps."""
        return self.model.signal(self.values, np.asarray(delay_ps, dtype=float))


def fit_time_zero(
    delay_ps: FloatArray,
    signal: FloatArray,
    sigma: FloatArray,
    model: RiseModel = FREE_DECAY,
) -> TimeZeroFit:
    """Return t0, ps, of a signal (points,) of either sign with independent errors `sigma`.

    Raises ReductionError if the scan shows no step, if the step is at its border, if it bounds t0 on one side only, or
    with too few points.
    """
    parameters = len(model.varied) - len(model.priors)
    freedom = len(delay_ps) - parameters
    if freedom < 1:
        raise ReductionError(f"{len(delay_ps)} delays cannot determine {parameters} parameters. Measure more delays.")
    problem = _Problem(
        model=model,
        delay_ps=np.asarray(delay_ps, float),
        data=np.asarray(signal, float),
        sigma=np.asarray(sigma, float),
    )
    best = min(map(problem.minimise, problem.starts()), key=lambda found: found.chi_square)
    _require_step(problem.delay_ps, best.values["t0_ps"], problem.flat() - best.chi_square)
    return _result(problem, best, freedom)


def time_zero(trace: Trace, model: RiseModel = FREE_DECAY) -> TimeZeroFit:
    """Return `fit_time_zero` of a reduced delay scan, ps; its offsets do not matter, because the baseline is free."""
    return fit_time_zero(trace.delay_ps, trace.transient, trace.sigma, model)


@dataclass(frozen=True, kw_only=True)
class _Minimum:
    """Values of all parameters at the least chi-square, and the standard errors of those varied (NaN if singular)."""

    values: dict[str, float]
    errors: dict[str, float]
    chi_square: float


@dataclass(frozen=True, kw_only=True)
class _Problem:
    model: RiseModel
    delay_ps: FloatArray
    data: FloatArray
    sigma: FloatArray

    def starts(self) -> list[dict[str, float]]:
        """Return the best t0 of a grid for each lifetime from which a fit begins.

        Raises ReductionError if the delays span less than the instrument response.
        """
        # For given t0 and lifetime the model is linear in baseline and amplitudes, so each point of the grid is one
        # small least-squares solution. Steps of half the response put a start into the valley of a minimum. Two decays
        # that cancel each other can make a second one, so that all lifetimes are tried to the end.
        lifetimes = _START_LIFETIMES_PS if self.model.decays is None else (1.0,)
        step = self.model.irf_sigma_ps / 2.0
        grid = np.arange(self.delay_ps.min() + step, self.delay_ps.max(), step)
        if not grid.size:
            raise ReductionError("The delays of the scan span less than the instrument response. Scan a wider range.")
        tried = [list(self._linear(grid, math.log(lifetime))) for lifetime in lifetimes]
        return [min(found, key=lambda pair: pair[0])[1] for found in tried]

    def flat(self) -> float:
        """Return the chi-square of a constant."""
        flat = self.data - np.average(self.data, weights=self.sigma**-2.0)
        return float(np.sum((flat / self.sigma) ** 2))

    def _linear(self, grid_ps: FloatArray, log_lifetime: float) -> Iterator[tuple[float, dict[str, float]]]:
        """Yield chi-square and values of the best baseline and amplitudes for each t0 of a grid, ps."""
        shapes = self.model.shapes(self._begun(log_lifetime), self.delay_ps - grid_ps[:, None])
        columns = np.stack([np.ones_like(shapes[0].value), *(shape.value for shape in shapes)], axis=2)
        for t0_ps, design in zip(grid_ps, columns / self.sigma[:, None], strict=True):
            solution, *_ = np.linalg.lstsq(design, self.data / self.sigma, rcond=None)
            chi_square = float(np.sum((self.data / self.sigma - design @ solution) ** 2))
            values = dict(zip(("baseline", "amplitude", "step"), map(float, solution), strict=False))
            yield chi_square, self._begun(log_lifetime) | values | {"t0_ps": float(t0_ps)}

    def _begun(self, log_lifetime: float) -> dict[str, float]:
        """Return the values with which a search begins, those of the priors."""
        irf_sigma_ps = self.model.irf_sigma_ps
        slow = {"slow_rate_per_ns": self.model.slow_rate_per_ns.value}
        return {"step": 0.0, "log_lifetime": log_lifetime, "irf_sigma_ps": irf_sigma_ps} | slow

    def minimise(self, start: dict[str, float], *, fixed_t0_ps: float | None = None) -> _Minimum:
        """Return the best fit from `start`, with all varied parameters free, or with t0 fixed at a value in ps."""
        values = dict(start)
        names = [name for name in self.model.varied if name != "t0_ps" or fixed_t0_ps is None]
        if fixed_t0_ps is not None:
            values["t0_ps"] = fixed_t0_ps
        limits = np.array([self.model.limits(name) for name in names])
        # On a limit the fit would start without a derivative.
        inside = np.clip([values[name] for name in names], limits[:, 0] + 0.01, limits[:, 1] - 0.01)

        def named(x: FloatArray) -> dict[str, float]:
            return values | dict(zip(names, map(float, x), strict=True))

        def residual(x: FloatArray) -> FloatArray:
            """Return the distances from the model in units of the errors, shape (points,)."""
            return self._residual(named(x))

        def jacobian(x: FloatArray) -> FloatArray:
            """Return the derivatives of the residuals, shape (points, parameters)."""
            return self._jacobian(named(x), names)

        found = scipy.optimize.least_squares(
            residual,
            inside,
            jacobian,
            bounds=(limits[:, 0], limits[:, 1]),
            x_scale="jac",
        )
        return _Minimum(
            values=named(found.x),
            errors=_standard_errors(np.asarray(found.jac), names),
            chi_square=float(np.sum(found.fun**2)),
        )

    def limit(self, best: _Minimum, step: float) -> float:
        """Return the t0, ps, at which chi-square has risen by 1 in the direction of `step`; infinite without one."""
        # The profile: all other parameters are fitted again at every fixed t0. Unlike the error from the curvature it
        # shows a valley that is lopsided or open, as with few delays on one side of the step.
        t0 = best.values["t0_ps"]

        def excess(candidate: float) -> float:
            """Return how much chi-square rises above 1 more than its minimum, with t0 fixed at `candidate`, ps."""
            return self.minimise(best.values, fixed_t0_ps=candidate).chi_square - best.chi_square - 1.0

        for factor in (1.5, 3.0, 6.0):
            candidate = t0 + factor * step
            if not self.delay_ps.min() <= candidate <= self.delay_ps.max():
                break
            if excess(candidate) > 0:
                return float(scipy.optimize.brentq(excess, t0, candidate, xtol=1e-3 * abs(step)))
        return math.copysign(math.inf, step)

    def _residual(self, values: dict[str, float]) -> FloatArray:
        residual = (self.model.signal(values, self.delay_ps) - self.data) / self.sigma
        priors = self.model.priors.items()
        return np.append(residual, [(values[name] - prior.value) / prior.sigma for name, prior in priors])

    def _jacobian(self, values: dict[str, float], names: list[str]) -> FloatArray:
        by_parameter = self.model.derivatives(values, self.delay_ps)
        jacobian = np.column_stack([by_parameter[name] / self.sigma for name in names])
        priors = self.model.priors.items()
        rows = [[(name == other) / prior.sigma for other in names] for name, prior in priors]
        return np.vstack([jacobian, np.reshape(rows, (-1, len(names)))])


def _standard_errors(jacobian: FloatArray, names: list[str]) -> dict[str, float]:
    try:
        variances = np.diag(np.linalg.inv(jacobian.T @ jacobian))
    except np.linalg.LinAlgError:
        return dict.fromkeys(names, math.nan)
    return {name: math.sqrt(v) if v > 0 else math.nan for name, v in zip(names, variances, strict=True)}


def _result(problem: _Problem, best: _Minimum, degrees_of_freedom: int) -> TimeZeroFit:
    values = best.values
    t0_ps = Value(values["t0_ps"], _error(best, "t0_ps"))
    interval = Interval(problem.limit(best, -t0_ps.sigma), problem.limit(best, t0_ps.sigma))
    is_parabolic = interval.is_parabolic(*t0_ps)
    _require_bounded(interval)
    return TimeZeroFit(
        t0_ps=t0_ps if is_parabolic else Value(t0_ps.value, interval.half_width),
        interval=interval,
        is_parabolic=is_parabolic,
        amplitude=values["amplitude"] + values["step"],
        baseline=values["baseline"],
        lifetime_ps=None if problem.model.decays else math.exp(values["log_lifetime"]),
        irf_sigma_ps=Value(values["irf_sigma_ps"], _error(best, "irf_sigma_ps") if problem.model.free_irf else 0.0),
        chi_square=best.chi_square,
        degrees_of_freedom=degrees_of_freedom,
        model=problem.model,
        values=values,
    )


def _error(fit: _Minimum, name: str) -> float:
    error = fit.errors[name]
    if not math.isfinite(error):
        raise ReductionError(
            "The scan does not determine time zero (singular covariance). Add delays on both sides of the step, or "
            "give the decays."
        )
    return error


def _require_bounded(interval: Interval) -> None:
    if not math.isfinite(interval.half_width):
        side = "early" if math.isinf(interval.low) else "late"
        raise ReductionError(
            f"The scan does not bound time zero on the {side} side: chi-square does not rise by 1 within six errors or "
            "within the scanned delays. Add delays on that side of the step, or count longer."
        )


def _require_step(delay_ps: FloatArray, t0_ps: float, gain: float) -> None:
    if gain < _DETECTION_LIMIT:
        raise ReductionError(
            f"No step is seen: it lowers chi-square by only {gain:.1f}; at least {_DETECTION_LIMIT:g} is needed. "
            "Check overlap and coarse delay, or count longer."
        )
    if (delay_ps < t0_ps).sum() < 2 or (delay_ps > t0_ps).sum() < 2:
        raise ReductionError(
            f"The step is at {t0_ps:.0f} ps, the border of the scanned {delay_ps.min():.0f} to {delay_ps.max():.0f} "
            "ps. Move the scan so that two delays lie on each side."
        )
