"""Time traces and their fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from errors import ReductionError
from gui.delay_scale import curve_delays_ps
from gui.live.request import Request
from gui.live.run_state import RunState, Scope
from reduction.timing import Timing
from reduction.types import FloatArray, PairReference
from reduction.xas.gate_rates import GateRates, gate_rates
from reduction.xas.kinetics.choice import ModelChoice, choose_kinetics
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel
from reduction.xas.kinetics.precision import precision_forecast
from reduction.xas.spc_time import spc_trace
from reduction.xas.transient import Trace


@dataclass(frozen=True, kw_only=True)
class TraceRequest(Request[Trace]):
    """On, off and transient of a delay scan; `probe` 0 to 4."""

    probe: int = 0
    reference: PairReference = "unpumped probe"
    scope: Scope = "mean"
    detector: str = ""

    def compute(self, run: RunState) -> Trace:
        """Return the trace, unpumped signal = 1. Raises ReductionError for a run that is not a delay scan."""
        return spc_trace(run.within(self.scope, self.detector), self.probe, self.reference)


@dataclass(frozen=True, kw_only=True)
class FittedTrace:
    """A fit and its data, and the criteria of all models if one of them has chosen the model.

    `curve` at the delays `delay_ps` (of the probe that is shown) passes through `trace`; `residuals` (points,) are
    trace minus curve, in standard errors of the trace. `forecast`: error of the longest lifetime and the beam time to
    the next smaller one, as text; "" if the fit does not determine it.
    """

    fit: KineticsFit
    trace: Trace
    delay_ps: FloatArray = field(repr=False)
    curve: FloatArray = field(repr=False)
    residuals: FloatArray = field(repr=False)
    choice: ModelChoice | None = None
    forecast: str = ""


@dataclass(frozen=True, kw_only=True)
class KineticsRequest(Request[FittedTrace]):
    """Kinetic fit to all gates of a delay scan, with its curve through the trace of one probe.

    `kinetics` is a model, or the criterion that chooses one.
    """

    slow: ClassVar[bool] = True

    probe: int = 0
    scope: Scope = "mean"
    detector: str = ""
    constant_offset: bool = False
    kinetics: KineticModel | Criterion = KineticModel.TWO_OFFSET

    def compute(self, run: RunState) -> FittedTrace:
        """Return fit, curve and residuals. Raises ReductionError if the fit fails or the run is not a delay scan."""
        sums = run.within(self.scope, self.detector)
        timing = sums.metadata.timing
        trace = spc_trace(sums, self.probe)
        choice, fit = self._fitted(gate_rates(sums), timing)
        first = curve_delays_ps(float(trace.first_delay_ps.min()), float(trace.first_delay_ps.max()))
        residuals = (trace.transient - fit.curve_through(trace, trace.first_delay_ps)) / trace.sigma
        return FittedTrace(
            fit=fit,
            trace=trace,
            delay_ps=first + timing.delay_of(self.probe, 0.0),
            curve=fit.curve_through(trace, first),
            residuals=residuals,
            choice=choice,
            forecast=self._forecast(fit, float(sums.exposure_s.sum())),
        )

    def _forecast(self, fit: KineticsFit, beam_time_s: float) -> str:
        if fit.undetermined:
            return ""
        try:
            return precision_forecast(fit, beam_time_s).text_with_hour
        except ReductionError:
            # A lifetime without an error; the fit itself is shown.
            return ""

    def _fitted(self, rates: GateRates, timing: Timing) -> tuple[ModelChoice | None, KineticsFit]:
        if isinstance(self.kinetics, Criterion):
            choice = choose_kinetics(rates, timing, criterion=self.kinetics, constant_offset=self.constant_offset)
            return choice, choice.fit
        return None, fit_kinetics(rates, timing, model=self.kinetics, constant_offset=self.constant_offset)
