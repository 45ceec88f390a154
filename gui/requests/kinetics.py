"""Time traces and their fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.xas.exposure_pairs import Reference
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import KineticsFit, fit_kinetics
from reduction.xas.spc_time import spc_trace
from reduction.xas.transient import Trace

LINEAR_TO_PS = 500.0
"""The curve has its points evenly up to here and logarithmically beyond, as delays are shown."""


@dataclass(frozen=True)
class TraceRequest(Request[Trace]):
    """On, off and transient of a delay scan."""

    probe: int = 0
    reference: Reference = "unpumped probe"
    scope: Scope = "mean"

    def compute(self, run: RunState) -> Trace:
        """By `spc_trace`."""
        return spc_trace(run.within(self.scope), self.probe, self.reference)


@dataclass(frozen=True)
class Kinetics:
    """A fit and what it was made to.

    `curve` (`delay_ps`: delays of the probe shown) passes through `trace`; `residuals` (points,) are trace minus curve
    in units of the trace's errors.
    """

    fit: KineticsFit
    trace: Trace
    delay_ps: NDArray[np.float64] = field(repr=False)
    curve: NDArray[np.float64] = field(repr=False)
    residuals: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class KineticsRequest(Request[Kinetics]):
    """Biexponential fit to all gates of a delay scan, drawn through the trace of one probe."""

    slow: ClassVar[bool] = True

    probe: int = 0
    scope: Scope = "mean"
    constant_offset: bool = False

    def compute(self, run: RunState) -> Kinetics:
        """By `fit_kinetics`."""
        sums = run.within(self.scope)
        timing = sums.metadata.timing
        trace = spc_trace(sums, self.probe)
        fit = fit_kinetics(gate_rates(sums), timing, constant_offset=self.constant_offset)
        first = _fine(trace.first_delay_ps)

        def curve(delays: NDArray[np.float64]) -> NDArray[np.float64]:
            return fit.curve(delays, probe=self.probe, zero_at_ps=trace.zero_at_ps)

        residuals = (trace.transient - curve(trace.first_delay_ps)) / trace.sigma
        return Kinetics(fit, trace, first + timing.delay_of(self.probe, 0.0), curve(first), residuals)


def _fine(delay_ps: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = float(delay_ps.min()), float(delay_ps.max())
    even = np.linspace(low, min(high, LINEAR_TO_PS), 400)
    return np.unique(np.concatenate([even, np.geomspace(LINEAR_TO_PS, high, 200)])) if high > LINEAR_TO_PS else even
