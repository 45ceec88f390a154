"""The least-squares problem behind a kinetic fit: parameters, residuals, Jacobian."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from lmfit import Minimizer, Parameters

from errors import ReductionError
from reduction.xas.kinetics.kinetic_model import KineticModel
from reduction.xas.kinetics.model import Shape, WhitenedTrace
from reduction.xas.pump_train import PumpTrain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reduction.run_metadata import Timing
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.start import Start

LIFETIME_LIMITS_PS = (5.0, 30e3)
"""tau1 below a tenth of the instrument response cannot be told from an instantaneous change."""

RATIO_LIMITS = (1.1, 1e3)
"""Limits of the ratio of each lifetime to the one before."""

_FRACTION_LIMITS = (-1.0, 2.0)
_OFFSET_RATE_LIMITS_PER_NS = (0.0, 0.05)
_AMPLITUDE_LIMIT = 0.5
_WORST_CONDITION = 1e12


@dataclass(frozen=True)
class KineticsProblem:
    """The whitened traces with the names of their parameters."""

    traces: list[WhitenedTrace]
    timing: Timing
    train: PumpTrain
    gates: tuple[int, ...]
    model: KineticModel
    constant_offset: bool
    shared_t0: bool

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
        """Choose gates and pumps, and whiten the data."""
        reference = timing.unpumped_probe
        others = [timing.pumped_probe] if constant_offset else range(timing.probes_per_pump)
        gates = (*(probe for probe in others if probe != reference), reference)
        silent = [reference] if constant_offset else []
        overlap = (1.0,) if constant_offset else timing.pump_overlap
        train = PumpTrain(period_ps=timing.pump_period_ps, overlap=overlap, sigma_ps=timing.irf_sigma_ps)
        whitened = [WhitenedTrace.of(rates, gates, silent, timing.bunch_period_ps, train) for rates in measured]
        return cls(whitened, timing, train, gates, model, constant_offset, shared_t0)

    def require_data(self, measured: Sequence[GateRates]) -> None:
        """Refuse traces without points before the pump, or with fewer residuals than parameters."""
        for rates in measured:
            before = rates.pumped & (rates.delay_ps < -2.0 * self.timing.irf_sigma_ps)
            if not np.any(before | ~rates.pumped):
                raise ReductionError(
                    f"No delay lies before {-2.0 * self.timing.irf_sigma_ps:g} ps, so the efficiencies of the gates "
                    "cannot be told from the signal. Add negative delays, or exposures with the laser shutter closed."
                )
        if self.degrees_of_freedom < 1:
            raise ReductionError(
                f"{self.values} independent values cannot determine {self.number_varied} parameters. Measure more "
                "delays (about 45 are recommended)."
            )

    @property
    def degrees_of_freedom(self) -> int:
        """Independent residuals less parameters."""
        return self.values - self.number_varied

    @property
    def values(self) -> int:
        """Independent residuals."""
        return sum(trace.degrees_of_freedom for trace in self.traces)

    @property
    def number_varied(self) -> int:
        """Free parameters of the model, those of traces and gates included."""
        shape = len(self.model.shape_parameters) - (self.constant_offset and self.model.has_offset)
        return shape + len(self.traces) * len(self.gates) + (1 if self.shared_t0 else len(self.traces))

    def t0_name(self, trace: int) -> str:
        """Name of the time zero of a trace."""
        return f"t0_ps_{0 if self.shared_t0 else trace}"

    def baseline_names(self, trace: int) -> list[str]:
        """Names of the baselines of a trace, in the order of its gates."""
        return [f"baseline_{trace}_{gate}" for gate in self.gates[:-1]]

    def parameters(self, start: Start) -> Parameters:
        """Parameters of the fit, with limits, at a starting point."""
        totals = start.amplitudes.sum(axis=1)
        shares = start.amplitudes.T @ totals / (totals @ totals)
        parameters = Parameters()
        self._add_lifetimes(parameters, start)
        for name, share in zip(self.model.free_fractions, shares, strict=False):
            _add(parameters, name, share, *_FRACTION_LIMITS)
        if self.model.has_offset:
            rate = 0.0 if self.constant_offset else 1e3 * start.rates[-1]
            _add(parameters, "offset_rate_per_ns", rate, *_OFFSET_RATE_LIMITS_PER_NS, vary=not self.constant_offset)
        for index, trace in enumerate(self.traces):
            if self.t0_name(index) not in parameters:
                parameters.add(self.t0_name(index), value=start.t0_ps)
            _add(parameters, f"amplitude_{index}", totals[index], -_AMPLITUDE_LIMIT, _AMPLITUDE_LIMIT)
            for name, column in zip(self.baseline_names(index), trace.log_rate.T, strict=False):
                parameters.add(name, value=float(np.mean(column - trace.log_rate[:, -1])))
        return parameters

    def _add_lifetimes(self, parameters: Parameters, start: Start) -> None:
        """Add the logarithms of the first lifetime and of the ratio of each other to the one before."""
        for index, name in enumerate(self.model.log_lifetimes):
            limits, value = LIFETIME_LIMITS_PS, -math.log(start.rates[0])
            if index:
                limits, value = RATIO_LIMITS, math.log(start.rates[index - 1] / start.rates[index])
            _add(parameters, name, value, *map(math.log, limits))

    def residual(self, parameters: Parameters) -> NDArray[np.float64]:
        """All whitened residuals, flat."""
        values = parameters.valuesdict()
        shape = Shape.from_values(values, self.model)
        return np.concatenate(
            [
                trace.residual(
                    shape,
                    values[self.t0_name(index)],
                    values[f"amplitude_{index}"],
                    [values[name] for name in self.baseline_names(index)],
                )
                for index, trace in enumerate(self.traces)
            ]
        )

    def jacobian(self, parameters: Parameters) -> NDArray[np.float64]:
        """Return the derivatives of `residual`, (residuals, varied parameters)."""
        values = parameters.valuesdict()
        shape = Shape.from_values(values, self.model)
        varied = [name for name, parameter in parameters.items() if parameter.vary]
        rows = []
        for index, trace in enumerate(self.traces):
            columns = trace.jacobian(shape, values[self.t0_name(index)], values[f"amplitude_{index}"], self.model)
            columns[self.t0_name(index)] = columns.pop("t0_ps")
            columns[f"amplitude_{index}"] = columns.pop("amplitude")
            columns |= zip(self.baseline_names(index), trace.whiten(trace.baseline_columns()), strict=True)
            empty = np.zeros(trace.delay_ps.size)
            rows.append(np.column_stack([columns.get(name, empty) for name in varied]))
        return np.concatenate(rows)

    def minimise(self, start: Start) -> Any:
        """Return the result of lmfit (`params`, `residual`) of bounded least squares from one start."""
        minimizer = Minimizer(self.residual, self.parameters(start), scale_covar=False)
        with warnings.catch_warnings():
            # A start that leads nowhere may end in a singular matrix; the covariance of the best fit is checked.
            warnings.simplefilter("ignore", RuntimeWarning)
            return minimizer.least_squares(jac=self.jacobian, x_scale="jac", max_nfev=200)

    def covariance(self, parameters: Parameters) -> NDArray[np.float64] | None:
        """Covariance of the varied parameters from unit-variance residuals, (n, n); None if it is singular."""
        jacobian = self.jacobian(parameters)
        scale = np.sqrt(np.sum(jacobian**2, axis=0))
        if np.any(scale == 0) or np.linalg.cond(jacobian / scale) ** 2 > _WORST_CONDITION:
            return None
        normalised = jacobian / scale
        return np.asarray(np.linalg.inv(normalised.T @ normalised) / np.outer(scale, scale))


def _add(parameters: Parameters, name: str, value: float, low: float, high: float, *, vary: bool = True) -> None:
    # The minimiser must start strictly inside the limits.
    margin = 1e-6 * (high - low) if vary else 0.0
    parameters.add(name, value=float(np.clip(value, low + margin, high - margin)), min=low, max=high, vary=vary)
