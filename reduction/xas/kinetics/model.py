"""The kinetic model of all gates, whitened: residuals and their Jacobian."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reduction.types import BoolArray, FloatArray, IntArray
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.kinetic_model import KineticModel
    from reduction.xas.pump_train import Decay, PumpTrain

DAY_S = 24 * 3600.0

RESPONSE = "irf_sigma_ps"
"""Name of the fitted width of the instrument response, ps."""

# The logarithm is continued by its tangent below this signal, see `_log_of_signal`.
_LOWEST_SIGNAL = -0.9


class Shape(NamedTuple):
    """Kinetics of one pump: decay rates in 1/ps, from fast to slow, and their fractions, which add up to 1.

    The slowest may be an offset, whose rate is a parameter of its own. A rise is the first of them, with the fraction
    -1, so that all of them add up to 0: before the precursor decays there is no signal.
    """

    rates: tuple[float, ...]
    fractions: tuple[float, ...]

    @classmethod
    def from_values(cls, values: Mapping[str, float], model: KineticModel) -> Shape:
        """Read the shape from the parameters of the fit, lifetimes as logarithms (ps), the offset's rate in 1/ns."""
        rates: list[float] = []
        for name in model.log_lifetimes:
            rates.append((rates[-1] if rates else 1.0) * float(np.exp(-values[name])))
        if model.has_offset:
            rates.append(1e-3 * values["offset_rate_per_ns"])
        free = [values[name] for name in model.free_fractions]
        rest = 1.0
        for fraction in free:
            rest -= fraction
        rise = (-1.0,) if model.has_rise else ()
        return cls(tuple(rates), (*rise, *free, rest))

    def mix(self, decays: Sequence[Decay], field: str) -> FloatArray:
        """Return the sum of the decays' `field`, weighted with the fractions; shape and unit are those of the field."""
        total: FloatArray = sum(f * getattr(d, field) for f, d in zip(self.fractions, decays, strict=True))
        return total


@dataclass(frozen=True, kw_only=True)
class WhitenedTrace:
    """The gates of one trace as independent residuals of unit variance.

    Model of gate n at row i: rate = c_i (1 + e_n) (1 + signal(t_i + delay of gate n)). The jet factor c_i is common
    to a row, the gates differ in efficiency by e_n (the last gate is the reference, e = 0). In logarithms c_i is an
    additive constant per row; its best value is the weighted mean of the row, so subtracting that mean from data and
    model removes it exactly, and the shared off counts need no covariance matrix.

    `delay_ps`, `active`, `log_rate`, `root_weight` (rows, gates): delay of each gate, whether it can carry signal, the
    logarithm of its rate, and the inverse of its error; `train`: the pumps; `elapsed_s` (rows,): when it was measured.
    """

    delay_ps: FloatArray
    active: BoolArray
    log_rate: FloatArray
    root_weight: FloatArray
    train: PumpTrain
    elapsed_s: FloatArray

    @cached_property
    def share(self) -> FloatArray:
        """Share of each gate in the mean of its row, shape (rows, gates); each row adds up to 1."""
        weight = self.root_weight**2
        return np.asarray(weight / weight.sum(axis=-1, keepdims=True))

    @classmethod
    def of(
        cls,
        rates: GateRates,
        gates: Sequence[int],
        silent: Sequence[int],
        gate_delays_ps: Sequence[float],
        train: PumpTrain,
    ) -> WhitenedTrace:
        """Return the `gates` of measured rates, shape (rows, gates), the last the reference.

        `silent` gates have no signal. `gate_delays_ps` are those of all gates of the rates, (probes,). Raises
        ReductionError for a gate with too few photons.
        """
        log_rate, variance = rates.log_rate()
        columns = np.asarray(gates)
        active = rates.pumped[:, None] & ~np.isin(columns, silent)
        delay = rates.delay_ps[:, None] + np.asarray(gate_delays_ps)[columns]
        return cls(
            delay_ps=delay,
            active=active,
            log_rate=log_rate[:, columns],
            root_weight=variance[:, columns] ** -0.5,
            train=train,
            elapsed_s=rates.elapsed_s,
        )

    @property
    def gates(self) -> int:
        """Number of gates, the second axis of the arrays of shape (rows, gates)."""
        return int(self.delay_ps.shape[1])

    @property
    def degrees_of_freedom(self) -> int:
        """Independent residuals of a trace of shape (rows, gates): one per row goes into its jet factor."""
        return int(self.delay_ps.shape[0]) * (self.gates - 1)

    def decays(self, rates_per_ps: Sequence[float], t0_ps: float, train: PumpTrain | None = None) -> list[Decay]:
        """Return decays after the pumps of `train` (None: the trace's) at every gate, shape (rows, gates) each.

        They are zero at gates without signal.
        """
        delays_ps, places = self._probed
        found = []
        for decay in (train or self.train).decays(delays_ps - t0_ps, rates_per_ps):
            parts = []
            for part in decay:
                table = np.zeros(self.delay_ps.shape)
                table[self.active] = part[places]
                parts.append(table)
            found.append(type(decay)(*parts))
        return found

    @cached_property
    def _probed(self) -> tuple[FloatArray, IntArray]:
        """Different delays of the gates that can carry signal, ps, and the index of each such gate's delay in them.

        Repeats of a scan, and exposures with the laser blocked, would otherwise multiply the time of a fit.
        """
        delays_ps, places = np.unique(self.delay_ps[self.active], return_inverse=True)
        return delays_ps, places

    def time_zero_drifts(self) -> FloatArray:
        """Return two courses of a time zero that swings once a day, shape (2, rows).

        They are relative to the standard deviation of the swing and to the middle of the trace: a constant part, and
        the part that changes during it.
        """
        # A swing of random phase is a cosine and a sine of independent sizes. The cosine is taken as constant, which is
        # its largest effect: nothing else tells the time zero of a run from that of another.
        phase = 2 * np.pi * (self.elapsed_s - self.elapsed_s.mean()) / DAY_S
        return np.stack([np.ones_like(phase), np.sin(phase)])

    def whiten(self, table: FloatArray) -> FloatArray:
        """Subtract each row's weighted mean from (..., rows, gates), scale to unit variance, flatten to (..., n)."""
        # A projection: it removes the constant of each row, so model and data may differ by any jet factor. In a row of
        # n gates it leaves n - 1 independent residuals of unit variance.
        mean = (table * self.share).sum(axis=-1, keepdims=True)
        return np.reshape((table - mean) * self.root_weight, (*table.shape[:-2], -1))

    def baseline_columns(self) -> FloatArray:
        """Return the derivatives of the model with respect to the baselines, shape (gates - 1, rows, gates)."""
        return np.broadcast_to(np.eye(self.gates)[:-1, None, :], (self.gates - 1, *self.delay_ps.shape))

    def chi_square_without_signal(self) -> float:
        """Return chi-square of the best model with gate efficiencies only, without unit."""
        design = self.whiten(self.baseline_columns()).T
        data = self.whiten(self.log_rate)
        return float(np.sum((data - design @ np.linalg.lstsq(design, data, rcond=None)[0]) ** 2))

    def expected(
        self, shape: Shape, decays: Sequence[Decay], amplitude: float, baselines: Sequence[float]
    ) -> FloatArray:
        """Return the modelled logarithm of the rates, (rows, gates), without the jet factor of each row.

        `decays` are those of the rates of `shape`, `baselines` are ln(1 + e_n) of all gates but the last.
        """
        signal = amplitude * shape.mix(decays, "value")
        return np.asarray(_log_of_signal(signal)[0] + np.append(baselines, 0.0))

    def residual(
        self, shape: Shape, decays: Sequence[Decay], amplitude: float, baselines: Sequence[float]
    ) -> FloatArray:
        """Return model minus data, whitened, shape (rows x gates,), with the arguments of `expected`."""
        return self.whiten(self.expected(shape, decays, amplitude, baselines) - self.log_rate)

    def jacobian(
        self, shape: Shape, decays: Sequence[Decay], amplitude: float, model: KineticModel
    ) -> dict[str, FloatArray]:
        """Return the whitened derivatives of `residual`, (n,) each: by kinetic parameter, and that for "amplitude"."""
        slowest = decays[-1]
        level = shape.mix(decays, "value")
        tables: dict[str, FloatArray] = {}
        # The model is A sum f_i D_i(rate_i). With rate_i = exp(-sum of the first i logarithms), a logarithm changes its
        # own rate and all slower ones: d rate_i / d log = -rate_i. The sum is built from the slowest lifetime on.
        following: FloatArray | float = 0.0
        for index in reversed(range(len(model.log_lifetimes))):
            own = amplitude * shape.fractions[index] * shape.rates[index] * decays[index].by_rate
            following = following - own
            tables[model.log_lifetimes[index]] = following
        # The fraction of the slowest component is 1 minus the others, so each free fraction also takes from that.
        for name, decay in zip(model.free_fractions, decays[model.has_rise :], strict=False):
            tables[name] = amplitude * (decay.value - slowest.value)
        if model.has_offset:
            tables["offset_rate_per_ns"] = 1e-3 * amplitude * shape.fractions[-1] * slowest.by_rate
        tables["t0_ps"] = -amplitude * shape.mix(decays, "by_delay")
        tables[RESPONSE] = amplitude * shape.mix(decays, "by_sigma")
        tables["amplitude"] = level
        slope = _log_of_signal(amplitude * level)[1]
        return {name: self.whiten(table * slope) for name, table in tables.items()}


def _log_of_signal(signal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ln(1 + signal) and its derivative, continued by its tangent below -0.9; shapes as given.

    Only trial steps of the minimiser go there (a signal of -1 is a sample that vanished); the tangent leads them back.
    """
    inside = np.maximum(signal, _LOWEST_SIGNAL)
    slope = 1.0 / (1.0 + inside)
    return np.log1p(inside) + slope * (signal - inside), slope
