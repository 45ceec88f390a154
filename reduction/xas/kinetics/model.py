"""The kinetic model of all gates, whitened: residuals and their Jacobian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.kinetic_model import KineticModel
    from reduction.xas.pump_train import Decay, PumpTrain

_LOWEST_SIGNAL = -0.9


class Shape(NamedTuple):
    """Kinetics of one pump: decay rates in 1/ps, from fast to slow, and their fractions, which add up to 1.

    The slowest may be an offset, whose rate is a parameter of its own.
    """

    rates: tuple[float, ...]
    fractions: tuple[float, ...]

    @classmethod
    def from_values(cls, values: Mapping[str, float], model: KineticModel) -> Shape:
        """Read the shape from the parameters of the fit (see `reduction.xas.kinetics.fit`)."""
        rates: list[float] = []
        for name in model.log_lifetimes:
            rates.append((rates[-1] if rates else 1.0) * float(np.exp(-values[name])))
        if model.has_offset:
            rates.append(1e-3 * values["offset_rate_per_ns"])
        free = [values[name] for name in model.free_fractions]
        rest = 1.0
        for fraction in free:
            rest -= fraction
        return cls(tuple(rates), (*free, rest))

    def mix(self, decays: Sequence[Decay], field: str) -> NDArray[np.float64]:
        """Sum of the decays' `field`, weighted with the fractions."""
        total: NDArray[np.float64] = sum(f * getattr(d, field) for f, d in zip(self.fractions, decays, strict=True))
        return total


@dataclass(frozen=True)
class WhitenedTrace:
    """The gates of one trace as independent residuals of unit variance.

    Model of gate n at row i: rate = c_i (1 + e_n) (1 + signal(t_i + n bunch periods)). The jet factor c_i is common
    to a row, the gates differ in efficiency by e_n (the last gate is the reference, e = 0). In logarithms c_i is an
    additive constant per row; its best value is the weighted mean of the row, so subtracting that mean from data and
    model removes it exactly, and the shared off counts need no covariance matrix.

    `delay_ps` (rows, gates) of each gate; `active` (rows, gates) whether it can carry signal; `log_rate` and
    `root_weight` (rows, gates); `train` the pumps.
    """

    delay_ps: NDArray[np.float64]
    active: NDArray[np.bool_]
    log_rate: NDArray[np.float64]
    root_weight: NDArray[np.float64]
    train: PumpTrain

    @classmethod
    def of(
        cls, rates: GateRates, gates: Sequence[int], silent: Sequence[int], bunch_period_ps: float, train: PumpTrain
    ) -> WhitenedTrace:
        """Take the `gates` of measured rates, the last one being the reference; `silent` gates carry no signal."""
        log_rate, variance = rates.log_rate()
        columns = np.asarray(gates)
        active = rates.pumped[:, None] & ~np.isin(columns, silent)
        delay = rates.delay_ps[:, None] + columns * bunch_period_ps
        return cls(delay, active, log_rate[:, columns], variance[:, columns] ** -0.5, train)

    @property
    def gates(self) -> int:
        """Number of gates in a row."""
        return int(self.delay_ps.shape[1])

    @property
    def degrees_of_freedom(self) -> int:
        """Independent residuals: one per row goes into its jet factor."""
        return int(self.delay_ps.shape[0]) * (self.gates - 1)

    def decay(self, rate_per_ps: float, t0_ps: float) -> Decay:
        """One decay after the pump train at every gate, zero at gates without signal."""
        decay = self.train.decay(self.delay_ps - t0_ps, rate_per_ps)
        return type(decay)(*(self.active * part for part in decay))

    def decays(self, shape: Shape, t0_ps: float) -> tuple[Decay, ...]:
        """Return the decays of `shape` at every gate, (rows, gates) each."""
        return tuple(self.decay(rate, t0_ps) for rate in shape.rates)

    def whiten(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Subtract each row's weighted mean from (..., rows, gates), scale to unit variance, flatten to (..., n)."""
        weight = self.root_weight**2
        mean = (table * weight).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True)
        return np.reshape((table - mean) * self.root_weight, (*table.shape[:-2], -1))

    def baseline_columns(self) -> NDArray[np.float64]:
        """Return the derivatives of the model by the baselines, (gates - 1, rows, gates)."""
        return np.broadcast_to(np.eye(self.gates)[:-1, None, :], (self.gates - 1, *self.delay_ps.shape))

    def chi_square_without_signal(self) -> float:
        """Chi-square of the best model that has gate efficiencies only."""
        design = self.whiten(self.baseline_columns()).T
        data = self.whiten(self.log_rate)
        return float(np.sum((data - design @ np.linalg.lstsq(design, data, rcond=None)[0]) ** 2))

    def residual(self, shape: Shape, t0_ps: float, amplitude: float, baselines: Sequence[float]) -> NDArray[np.float64]:
        """Model minus data, whitened and flat. `baselines` are ln(1 + e_n) of all gates but the last."""
        signal = amplitude * shape.mix(self.decays(shape, t0_ps), "value")
        return self.whiten(_log_of_signal(signal)[0] + np.append(baselines, 0.0) - self.log_rate)

    def jacobian(
        self, shape: Shape, t0_ps: float, amplitude: float, model: KineticModel
    ) -> dict[str, NDArray[np.float64]]:
        """Return the derivatives of `residual` by each kinetic parameter and "amplitude", whitened and flat."""
        decays = self.decays(shape, t0_ps)
        slowest = decays[-1]
        level = shape.mix(decays, "value")
        tables: dict[str, NDArray[np.float64]] = {}
        # Each logarithm is that of a ratio to the lifetime before, so it moves all slower lifetimes along.
        following: NDArray[np.float64] | float = 0.0
        for index in reversed(range(model.lifetimes)):
            own = amplitude * shape.fractions[index] * shape.rates[index] * decays[index].by_rate
            following = following - own
            tables[model.log_lifetimes[index]] = following
        for name, decay in zip(model.free_fractions, decays, strict=False):
            tables[name] = amplitude * (decay.value - slowest.value)
        if model.has_offset:
            tables["offset_rate_per_ns"] = 1e-3 * amplitude * shape.fractions[-1] * slowest.by_rate
        tables["t0_ps"] = -amplitude * shape.mix(decays, "by_delay")
        tables["amplitude"] = level
        slope = _log_of_signal(amplitude * level)[1]
        return {name: self.whiten(table * slope) for name, table in tables.items()}


def _log_of_signal(signal: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln(1 + signal) and its derivative, continued by its tangent below -0.9.

    Only trial steps of the minimiser go there (a signal of -1 is a sample that vanished); the tangent leads them back.
    """
    inside = np.maximum(signal, _LOWEST_SIGNAL)
    slope = 1.0 / (1.0 + inside)
    return np.log1p(inside) + slope * (signal - inside), slope
