"""The least-squares problem behind a kinetic fit: parameters, residuals, Jacobian."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.kinetics.least_squares import minimised
from reduction.xas.kinetics.model import RESPONSE, Shape, WhitenedTrace
from reduction.xas.pump_train import PumpTrain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lmfit import Parameters

    from reduction.timing import Timing
    from reduction.types import FloatArray
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.start import Start
    from reduction.xas.pump_train import Decay

LIFETIME_LIMITS_PS = (5.0, 30e3)
"""Limits of tau1, ps: below a tenth of the instrument response it looks like an instantaneous change."""

RATIO_LIMITS = (1.1, 1e3)
"""Limits of the ratio of each lifetime to the previous one."""

IRF_FACTOR = 10.0
"""Limit of the width of the instrument response, up and down, as a multiple of the one that the run records."""

_FRACTION_LIMITS = (-1.0, 2.0)
_OFFSET_RATE_LIMITS_PER_NS = (0.0, 0.05)
_AMPLITUDE_LIMIT = 0.5
# Above this condition number an inverse in double precision has no correct digits left.
_WORST_CONDITION = 1e12


@dataclass
class _Evaluation:
    """The decays of all traces at the latest trial step: rates, time zeros and width of the response."""

    place: tuple[object, ...] = ()
    decays: list[list[Decay]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class KineticsProblem:
    """The whitened traces with the names of their parameters; `gates` are probe numbers, the reference last.

    The width of the instrument response is a parameter with the value and error of the runs as its prior: one more
    residual. A response that is recorded without an error is fixed.
    """

    traces: list[WhitenedTrace]
    timing: Timing
    train: PumpTrain
    gates: tuple[int, ...]
    model: KineticModel
    constant_offset: bool
    shared_t0: bool
    _latest: _Evaluation = field(default_factory=_Evaluation, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        measured: Sequence[GateRates],
        timing: Timing,
        *,
        model: KineticModel,
        constant_offset: bool,
        shared_t0: bool,
    ) -> KineticsProblem:
        """Choose gates and pumps, and whiten the data; raises ReductionError for a gate with too few photons."""
        # The paper's model has an offset that never decays and looks at one pump: then only the pumped and the unpumped
        # gate fit it, the unpumped one without signal. Otherwise all gates of the period count, with what earlier pumps
        # have left.
        reference = timing.unpumped_probe
        others = [timing.pumped_probe] if constant_offset else range(timing.probes_per_pump)
        gates = (*(probe for probe in others if probe != reference), reference)
        silent = [reference] if constant_offset else []
        overlap = (1.0,) if constant_offset else timing.pump_overlap
        train = PumpTrain(period_ps=timing.pump_period_ps, overlap=overlap, sigma_ps=timing.irf_sigma_ps)
        whitened = [WhitenedTrace.of(rates, gates, silent, timing.gate_delays_ps, train) for rates in measured]
        return cls(
            traces=whitened,
            timing=timing,
            train=train,
            gates=gates,
            model=model,
            constant_offset=constant_offset,
            shared_t0=shared_t0,
        )

    def require_data(self, measured: Sequence[GateRates]) -> None:
        """Raise ReductionError for traces without points before the pump, or with fewer residuals than parameters."""
        for rates in measured:
            # Gate efficiencies and signal differ only where there is no signal: before the pump, or with the laser
            # blocked.
            before = rates.pumped & (rates.delay_ps < -2.0 * self.timing.irf_sigma_ps)
            if not np.any(before | ~rates.pumped):
                raise ReductionError(
                    f"No delay lies before {-2.0 * self.timing.irf_sigma_ps:g} ps, so the efficiencies of the gates "
                    "cannot be separated from the signal. Add negative delays, or exposures with the laser "
                    "shutter closed."
                )
        if self.degrees_of_freedom < 1:
            raise ReductionError(
                f"{self.values} independent values cannot determine {self.number_varied} parameters. Measure more "
                "delays (about 45 are recommended)."
            )

    @property
    def degrees_of_freedom(self) -> int:
        """Number of independent residuals minus that of free parameters."""
        return self.values - self.number_varied

    @property
    def values(self) -> int:
        """Number of independent residuals, including the prior of the response."""
        return sum(trace.degrees_of_freedom for trace in self.traces) + self.free_response

    @property
    def number_varied(self) -> int:
        """Number of free parameters of the model, including those of traces and gates."""
        shape = len(self.model.shape_parameters) - (self.constant_offset and self.model.offset_decays)
        times = (1 if self.shared_t0 else len(self.traces)) + self.free_response
        return shape + len(self.traces) * len(self.gates) + times

    @property
    def free_offset_rate(self) -> bool:
        """Whether the decay rate of the offset is fitted, unless it has come out as 0."""
        return self.model.offset_decays and not self.constant_offset

    @property
    def free_response(self) -> bool:
        """Whether the width of the instrument response is fitted, which it is if the runs record its error."""
        return self.timing.irf_error_ps > 0

    def t0_name(self, trace: int) -> str:
        """Return the name of the time zero of a trace; one name for all if they share it."""
        return f"t0_ps_{0 if self.shared_t0 else trace}"

    def baseline_names(self, trace: int) -> list[str]:
        """Return the names of the baselines of a trace, in the order of its gates, shape (gates - 1,)."""
        return [f"baseline_{trace}_{gate}" for gate in self.gates[:-1]]

    def parameters(self, start: Start) -> Parameters:
        """Return the parameters of the fit at a starting point, with limits (ps, 1/ns, or without unit)."""
        # lmfit takes as long to import as all else in this package; a session that fits nothing does without.
        from lmfit import Parameters

        # A start has an amplitude for each trace and component. All traces share the fractions, so these are the least-
        # squares mean of the traces' own, weighted by the size of the traces.
        totals = start.amplitudes.sum(axis=1)
        shares = start.amplitudes.T @ totals / (totals @ totals)
        parameters = Parameters()
        self._add_lifetimes(parameters, start)
        for name, share in zip(self.model.free_fractions, shares, strict=False):
            _add(parameters, name, share, *_FRACTION_LIMITS)
        if self.model.has_offset:
            rate = 1e3 * start.rates[-1] if self.free_offset_rate else 0.0
            _add(parameters, "offset_rate_per_ns", rate, *_OFFSET_RATE_LIMITS_PER_NS, vary=self.free_offset_rate)
        _add(parameters, RESPONSE, self.timing.irf_sigma_ps, *self._irf_limits_ps, vary=self.free_response)
        for index, trace in enumerate(self.traces):
            if self.t0_name(index) not in parameters:
                parameters.add(self.t0_name(index), value=start.t0_ps)
            _add(parameters, f"amplitude_{index}", totals[index], -_AMPLITUDE_LIMIT, _AMPLITUDE_LIMIT)
            for name, column in zip(self.baseline_names(index), trace.log_rate.T, strict=False):
                parameters.add(name, value=float(np.mean(column - trace.log_rate[:, -1])))
        return parameters

    @property
    def _irf_limits_ps(self) -> tuple[float, float]:
        return self.timing.irf_sigma_ps / IRF_FACTOR, self.timing.irf_sigma_ps * IRF_FACTOR

    def decays(self, shape: Shape, values: Mapping[str, float]) -> list[list[Decay]]:
        """Return the decays of every trace, those of each component, at a trial step.

        Time zero and response are in ps, rates in 1/ps. They take most of the time of a fit, and the minimiser asks for
        residuals and derivatives at the same place.
        """
        times_ps = [values[self.t0_name(index)] for index in range(len(self.traces))]
        place = (shape.rates, tuple(times_ps), values[RESPONSE])
        if self._latest.place != place:
            train = replace(self.train, sigma_ps=values[RESPONSE])
            traces = zip(self.traces, times_ps, strict=True)
            self._latest.decays = [trace.decays(shape.rates, t0_ps, train) for trace, t0_ps in traces]
            self._latest.place = place
        return self._latest.decays

    def _add_lifetimes(self, parameters: Parameters, start: Start) -> None:
        """Add the logarithms of the first lifetime and of the ratio of each further lifetime to the previous one."""
        for index, name in enumerate(self.model.log_lifetimes):
            if index:
                limits = RATIO_LIMITS
                value = math.log(start.rates[index - 1] / start.rates[index])
            else:
                limits = LIFETIME_LIMITS_PS
                value = -math.log(start.rates[0])
            _add(parameters, name, value, *map(math.log, limits))

    def residual(self, parameters: Parameters) -> FloatArray:
        """Return all whitened residuals, (residuals,); that of the response, if it is free, comes last."""
        values = parameters.valuesdict()
        shape = Shape.from_values(values, self.model)
        parts = [
            trace.residual(
                shape, decays, values[f"amplitude_{index}"], [values[name] for name in self.baseline_names(index)]
            )
            for index, (trace, decays) in enumerate(zip(self.traces, self.decays(shape, values), strict=True))
        ]
        if self.free_response:
            timing = self.timing
            parts.append(np.array([(values[RESPONSE] - timing.irf_sigma_ps) / timing.irf_error_ps]))
        return np.concatenate(parts)

    def jacobian(self, parameters: Parameters) -> FloatArray:
        """Return the derivatives of `residual`, shape (residuals, varied parameters)."""
        values = parameters.valuesdict()
        shape = Shape.from_values(values, self.model)
        varied = [name for name, parameter in parameters.items() if parameter.vary]
        rows = []
        for index, (trace, decays) in enumerate(zip(self.traces, self.decays(shape, values), strict=True)):
            columns = trace.jacobian(shape, decays, values[f"amplitude_{index}"], self.model)
            columns[self.t0_name(index)] = columns.pop("t0_ps")
            columns[f"amplitude_{index}"] = columns.pop("amplitude")
            columns |= zip(self.baseline_names(index), trace.whiten(trace.baseline_columns()), strict=True)
            # A parameter of another trace does not act on this one: its column is zero here.
            empty = np.zeros(trace.delay_ps.size)
            rows.append(np.column_stack([columns.get(name, empty) for name in varied]))
        if self.free_response:
            rows.append(np.array([[float(name == RESPONSE) / self.timing.irf_error_ps for name in varied]]))
        return np.concatenate(rows)

    def minimise(self, start: Start) -> Any:
        """Return the result of lmfit (`params`, `residual`), bounded least squares with at most 200 evaluations."""
        return self.minimise_from(self.parameters(start))

    def minimise_from(self, parameters: Parameters) -> Any:
        """Return the result of lmfit from `parameters` on, (`params`, `residual`), with at most 200 evaluations."""
        return minimised(self.residual, self.jacobian, parameters, max_nfev=200)

    def freed(self, parameters: Parameters) -> Parameters:
        """Return a copy of `parameters` in which a rate of the offset that was fixed at 0 is free again, just above."""
        free = parameters.copy()
        name = "offset_rate_per_ns"
        if name in free and self.free_offset_rate and not free[name].vary:
            free[name].set(value=1e-6 * _OFFSET_RATE_LIMITS_PER_NS[1], vary=True)
        return free

    def chi_square(self, parameters: Parameters) -> float:
        """Return chi-square at `parameters`, including the prior of the response."""
        return float(np.sum(self.residual(parameters) ** 2))

    def covariance(self, parameters: Parameters) -> FloatArray | None:
        """Return the covariance of the varied parameters, shape (n, n), from unit-variance residuals; None if singular.

        It contains the drift of time zero that the runs state: each trace is shifted independently, and its points
        against each other by what a swing of this size does in the time between them.
        """
        jacobian = self.jacobian(parameters)
        # Parameters of different units differ by orders of magnitude, so columns are scaled to one before the
        # inversion; only then does the condition number show whether the data determine them.
        scale = np.sqrt(np.sum(jacobian**2, axis=0))
        if np.any(scale == 0) or np.linalg.cond(jacobian / scale) ** 2 > _WORST_CONDITION:
            return None
        normalised = jacobian / scale
        covariance = np.asarray(np.linalg.inv(normalised.T @ normalised) / np.outer(scale, scale))
        return covariance + self._by_drift(parameters, jacobian, covariance)

    def _by_drift(self, parameters: Parameters, jacobian: FloatArray, covariance: FloatArray) -> FloatArray:
        """Return what a time zero that moves, between traces and within each, adds to the covariance, (n, n)."""
        varied = [name for name, parameter in parameters.items() if parameter.vary]
        added = np.zeros_like(covariance)
        begin = 0
        for index, trace in enumerate(self.traces):
            rows = slice(begin, begin + trace.delay_ps.size)
            begin = rows.stop
            # A shift of this trace alone changes its residuals by the column of time zero; the fit answers linearly.
            by_time_zero = jacobian[rows, varied.index(self.t0_name(index))]
            for course in trace.time_zero_drifts():
                shifted = np.repeat(course, trace.gates) * by_time_zero
                moved = self.timing.time_zero_drift_ps * (covariance @ (jacobian[rows].T @ shifted))
                added += np.outer(moved, moved)
        return added


def _add(parameters: Parameters, name: str, value: float, low: float, high: float, *, vary: bool = True) -> None:
    # The minimiser must start strictly inside the limits.
    margin = 1e-6 * (high - low) if vary else 0.0
    parameters.add(name, value=float(np.clip(value, low + margin, high - margin)), min=low, max=high, vary=vary)
