"""The trace over all delays of a pump period: every gate of a delay scan is a delay of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.number_text import delay_text
from reduction.run_kind import RunResults
from reduction.xas.kinetics.quantities import parameters_of, problem_of
from reduction.xas.spc_time import before_pump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.timing import Timing
    from reduction.types import FloatArray, IntArray
    from reduction.xas.gate_rates import GateRates
    from reduction.xas.kinetics.fitted import KineticsFit


_KNOWN_RATE = 0.3


@dataclass(frozen=True, kw_only=True)
class StitchedTrace(RunResults):
    """Transient of all gates against their own delays, `delay_ps` (points,), ascending.

    `gate` (points,) is the probe of each point, `transient` its signal minus that of the unpumped gates of the same
    exposure, relative to the unpumped signal, with the full `covariance` (points, points): gates share the reference of
    their row, and all points of a gate its efficiency. `held` (points,) is the part of the signal that the reference
    itself still contains, by `fit`; 0 without one. `zeros` states where the efficiencies of the gates come from.
    """

    delay_ps: FloatArray
    gate: IntArray
    transient: FloatArray
    covariance: FloatArray
    held: FloatArray
    zeros: str
    fit: KineticsFit | None = field(default=None, repr=False)

    @property
    def sigma(self) -> FloatArray:
        """Standard errors of the points, (points,), without unit."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def corrected(self) -> FloatArray:
        """Transient relative to a sample that was never pumped, (points,): what the reference holds is added."""
        return np.asarray((1.0 + self.transient) * (1.0 + self.held) - 1.0)

    def lines(self) -> list[str]:
        """Return the range of delays and the number of points, per gate and in total, and the source of the zeros."""
        ranges = f"{delay_text(self.delay_ps[0])} to {delay_text(self.delay_ps[-1])}"
        lines = [f"{'stitched trace':<22} {self.delay_ps.size} points, {ranges}; use the covariance"]
        for gate in np.unique(self.gate):
            own = self.delay_ps[self.gate == gate]
            lines.append(f"{f'  gate {gate}':<22} {own.size} points, {delay_text(own[0])} to {delay_text(own[-1])}")
        lines.append(f"{'  zeros of the gates':<22} {self.zeros}")
        if self.fit is not None:
            largest = 100 * float(np.abs(self.held).max())
            lines.append(f"{'  reference':<22} up to {largest:.2g} % of unpumped, by the fit; added in `corrected`")
        return lines


class _Zeros(NamedTuple):
    """Logarithms of the gates' efficiencies, (traces, gates), and how they follow from the logarithms of all rates.

    `response` (traces x gates, rates) is their derivative with respect to these, `prior` (traces x gates,) their error
    by that of the instrument response before the fit.
    """

    values: FloatArray
    response: FloatArray
    prior: FloatArray
    source: str


def stitched_trace(rates: Sequence[GateRates], timing: Timing, fit: KineticsFit | None = None) -> StitchedTrace:
    """Return the trace of all gates of one or several delay scans; each gate is a delay of its own.

    A first delay of 10 ns gives points at 10, 163, 317 and 470 ns with gates 153 ns apart. The efficiency of a gate,
    which differs by more than the signal, comes from exposures with the laser blocked, or else from the `fit` if that
    determines the decay of the offset to 30 %. Without both, only the pumped gate has a zero, from the delays before
    the pump. Raises ReductionError if it has none either.
    """
    references = list(timing.reference_probes)
    gates = [gate for gate in range(timing.probes_per_pump) if gate not in references]
    tables = [one.log_rate() for one in rates]
    variance = np.concatenate([table[1].ravel() for table in tables])
    difference = _differences(rates, [table[0] for table in tables], gates, references)
    zeros = _zeros(rates, timing, difference, gates, fit)
    gates = gates[: zeros.values.shape[1]]
    pumped = np.concatenate([one.pumped for one in rates])
    first_ps = np.concatenate([one.delay_ps for one in rates])
    trace = np.repeat(np.arange(len(rates)), [one.pumped.size for one in rates])
    parts = []
    for place, gate in enumerate(gates):
        which = np.flatnonzero(pumped)
        delay = first_ps[which] + timing.gate_delays_ps[gate]
        parts.append((delay, np.full(which.size, gate), which, trace[which] * len(gates) + place))
    delay_ps, gate_of, row, zero = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(delay_ps, kind="stable")
    delay_ps = delay_ps[order]
    gate_of = gate_of[order]
    row = row[order]
    zero = zero[order]
    column = np.searchsorted(gates, gate_of)
    values = difference.values[row, column] - zeros.values.ravel()[zero]
    # All is linear in the logarithms of the rates, whose errors are independent: so is the covariance exact to first
    # order, also between a point and the zero that the fit has taken from the same counts.
    slopes = difference.slopes[row, column] - zeros.response[zero]
    level = np.exp(values)
    prior = zeros.prior[zero]
    covariance = np.outer(level, level) * (slopes * variance @ slopes.T + np.outer(prior, prior))
    held = np.zeros(delay_ps.size)
    if fit is not None and not fit.constant_offset:
        unpumped = [fit.signal(first_ps[row] + timing.gate_delays_ps[probe], trace=0) for probe in references]
        held = np.mean(unpumped, axis=0)
    return StitchedTrace(
        kind="stitched trace",
        delay_ps=delay_ps,
        gate=gate_of,
        transient=level - 1.0,
        covariance=covariance,
        held=held,
        zeros=zeros.source,
        fit=fit,
    )


class _Differences(NamedTuple):
    """Logarithms of each gate over the references, (rows, gates), with their slopes (rows, gates, rates)."""

    values: FloatArray
    slopes: FloatArray


def _differences(
    rates: Sequence[GateRates], logarithms: Sequence[FloatArray], gates: Sequence[int], references: Sequence[int]
) -> _Differences:
    rows = sum(one.delay_ps.size for one in rates)
    probes = logarithms[0].shape[1]
    log_rate = np.concatenate(logarithms)
    # With several references their mean counts; they differ by their efficiencies, which are constants.
    values = log_rate[:, gates] - log_rate[:, references].mean(axis=1, keepdims=True)
    slopes = np.zeros((rows, len(gates), rows, probes))
    every = np.arange(rows)
    for place, gate in enumerate(gates):
        slopes[every, place, every, gate] = 1.0
        for reference in references:
            slopes[every, place, every, reference] = -1.0 / len(references)
    return _Differences(values, slopes.reshape(rows, len(gates), rows * probes))


def _zeros(
    rates: Sequence[GateRates],
    timing: Timing,
    difference: _Differences,
    gates: Sequence[int],
    fit: KineticsFit | None,
) -> _Zeros:
    pumped = np.concatenate([one.pumped for one in rates])
    trace = np.repeat(np.arange(len(rates)), [one.pumped.size for one in rates])
    if all((~pumped[trace == number]).any() for number in range(len(rates))):
        masks = [~pumped & (trace == number) for number in range(len(rates))]
        return _mean_zeros(difference, masks, len(gates), "exposures with the laser blocked")
    if fit is not None and fit.gates == (*gates, timing.unpumped_probe) and _knows_late_signal(fit):
        return _fitted_zeros(rates, fit, len(gates))
    first_ps = np.concatenate([one.delay_ps for one in rates])
    early = pumped & before_pump(first_ps + timing.gate_delays_ps[timing.pumped_probe], timing)
    masks = [early & (trace == number) for number in range(len(rates))]
    if gates[0] != timing.pumped_probe or not all(mask.any() for mask in masks):
        raise ReductionError(
            "The efficiencies of the gates are not known: the run has no exposures with the laser blocked, and no "
            "delays before the pump. Measure with shutter_reference='point'."
        )
    source = "delays before the pump; other gates need the laser blocked at some exposures (shutter_reference='point')"
    return _mean_zeros(difference, masks, 1, source)


def _knows_late_signal(fit: KineticsFit) -> bool:
    """Return whether a fit determines how the signal continues after its last delay, and so the zeros of late gates.

    Late gates see the offset alone. Unless its decay was measured at the delays of the first gate, the fit cannot tell
    it from their efficiencies.
    """
    rate = fit.offset_rate_per_ns
    return fit.model.offset_decays and "offset_rate_per_ns" in fit.parameters and rate.sigma < _KNOWN_RATE * rate.value


def _mean_zeros(difference: _Differences, masks: Sequence[FloatArray], gates: int, source: str) -> _Zeros:
    """Return the zeros as means over the rows of a mask per trace."""
    values = np.array([difference.values[mask, :gates].mean(axis=0) for mask in masks])
    response = np.concatenate([difference.slopes[mask, :gates].mean(axis=0) for mask in masks])
    return _Zeros(values, response, np.zeros(len(response)), source)


def _fitted_zeros(rates: Sequence[GateRates], fit: KineticsFit, gates: int) -> _Zeros:
    """Return the baselines of a fit, with their derivatives with respect to the logarithms of the fitted rates."""
    problem = problem_of(rates, fit)
    jacobian = problem.jacobian(parameters_of(problem, fit))
    names = [name for trace in range(len(rates)) for name in problem.baseline_names(trace)]
    chosen = [fit.parameters.index(name) for name in names]
    # A least-squares fit moves by (inverse square of the Jacobian) x (transposed Jacobian) x (whitened change of data).
    gain = (fit.covariance @ jacobian.T)[chosen]
    whitened = []
    place = 0
    for trace in problem.traces:
        rows = trace.delay_ps.size
        units = np.eye(rows).reshape(rows, *trace.delay_ps.shape)
        by_fitted = gain[:, place : place + rows] @ trace.whiten(units).T
        # The fit orders its gates with the reference last; the rates have them by number.
        table = np.zeros((len(chosen), *trace.delay_ps.shape))
        table[..., list(problem.gates)] = by_fitted.reshape(table.shape)
        whitened.append(table.reshape(len(chosen), rows))
        place += rows
    prior = gain[:, -1] if problem.free_response else np.zeros(len(chosen))
    return _Zeros(fit.baselines[:, :gates], np.concatenate(whitened, axis=1), prior, "the kinetic fit to all gates")
