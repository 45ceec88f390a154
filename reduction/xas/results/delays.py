"""Results of delay scans: traces with their kinetic fit, time zero, and the self-test of the delay axis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reduction.curve_table import Column, CurveTable
from reduction.number_text import with_error
from reduction.run_kind import Headline, RunResults
from reduction.timing import Timing
from reduction.values import Value
from reduction.xas.kinetics.results import KineticsResults
from reduction.xas.result_text import (
    amplitude_lines,
    kinetics_lines,
    power_lines,
    quality_lines,
    response_lines,
    trend_lines,
    ungated_line,
    weight_lines,
)
from reduction.xas.results.curves import per_cent, pump_probe_table
from reduction.xas.self_absorption import thin_if_described

if TYPE_CHECKING:
    from reduction.all_bunches import AllBunches
    from reduction.types import FloatArray
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.pass_trends import PassTrend
    from reduction.xas.time_zero import TimeZeroFit
    from reduction.xas.transient import Trace


@dataclass(frozen=True, kw_only=True)
class TraceResults(KineticsResults):
    """Trace of a pump-probe delay scan, and its kinetic fit if the trace determines one.

    `others` names further detectors with gates, for `reduce(-1, detector=...)`; `ungated` has the signals of those
    without. `scale_known`: whether the trace is relative to the sample's signal alone; that of a mean in V contains the
    electronic zero. `trends`: changes from pass to pass; `power`: that of the laser, None if it was not recorded.
    """

    trace: Trace
    scale_known: bool = True
    others: tuple[str, ...] = ()
    ungated: tuple[AllBunches, ...] = ()
    trends: tuple[PassTrend, ...] = ()
    power: PowerUse | None = None

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient with their errors against the delay of the probe, ps."""
        axis = Column(name="delay_ps", unit="ps", values=self.trace.delay_ps)
        return (pump_probe_table(self.trace, axis, "unpumped = 1"),)

    def headline(self) -> Headline | None:
        """Return the fitted size of the transient at time zero, in % of unpumped; None without a fit."""
        return None if self.amplitude is None else per_cent("transient at time zero, fitted", self.amplitude)

    @property
    def amplitude(self) -> Value | None:
        """Fitted size of the transient at time zero as a thin sample would show it, without unit; None without a fit.

        As measured (`fit.amplitude`) where the run does not describe its jet and concentration.
        """
        return None if self.fit is None else thin_if_described(self.fit.amplitude, self.trace.metadata)

    def lines(self) -> list[str]:
        """Return the fitted quantities, a line each, and the criteria of the models if one of them chose."""
        fitted = [] if self.fit is None else [*kinetics_lines(self.fit), *amplitude_lines(self.fit, self.trace)]
        chosen = [] if self.choice is None else self.choice.lines()
        return [
            *fitted,
            *self._forecast_lines(),
            *chosen,
            *self._detector_lines(),
            *weight_lines(self.trace),
            *map(ungated_line, self.ungated),
            *power_lines(self.power),
            *trend_lines(self.trends),
        ]

    def _forecast_lines(self) -> list[str]:
        if self.fit is None or self.fit.undetermined or not self.beam_time_s > 0:
            return []
        return [f"{'forecast':<22} {self.time_to().text_with_hour}"]

    def _detector_lines(self) -> list[str]:
        lines = []
        if self.trace.metadata.detector:
            lines.append(f"{'detector':<22} {self.trace.metadata.detector}")
        if self.others:
            choices = ", ".join(f"reduce(-1, detector={name!r})" for name in self.others)
            lines.append(f"{'other detectors':<22} {choices}")
        if not self.scale_known:
            lines.append("Amplitudes are relative to unpumped + electronic zero; lifetimes do not depend on it.")
        return lines


@dataclass(frozen=True, kw_only=True)
class TimeZeroResults(RunResults):
    """Trace of a short delay scan, and time zero on the axis it was measured on if the trace shows a step.

    `response`: width of the instrument response, ps, from this scan alone, for `apply_instrument_response`; None if the
    scan does not determine it. `timing` has the response that the run records, the prior of time zero. `trends`:
    changes from pass to pass; where time zero itself moved, its scatter is in its error.
    """

    trace: Trace
    time_zero: TimeZeroFit | None = None
    response: Value | None = None
    timing: Timing = field(default_factory=Timing)
    axis_zero_raw_ps: float | None = None
    trends: tuple[PassTrend, ...] = ()

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient with their errors against the delay of the probe, ps."""
        axis = Column(name="delay_ps", unit="ps", values=self.trace.delay_ps)
        return (pump_probe_table(self.trace, axis, "unpumped = 1"),)

    @property
    def time_zero_raw_ps(self) -> Value | None:
        """Time zero on the raw delay, ps, which no calibration changes; None if it is not known.

        An axis that already has this raw zero must not be shifted again.
        """
        if self.time_zero is None or self.axis_zero_raw_ps is None:
            return None
        return Value(self.axis_zero_raw_ps + self.time_zero.t0_ps.value, self.time_zero.t0_ps.sigma)

    def headline(self) -> Headline | None:
        """Return time zero on the axis of the run, ps; None without a step."""
        return None if self.time_zero is None else Headline(quantity="t0", value=self.time_zero.t0_ps, unit="ps")

    def lines(self) -> list[str]:
        """Return time zero on the axis of the run and on the raw delay, and the instrument response, ps."""
        if self.time_zero is None:
            return []
        lines = [f"{'time zero':<22} {with_error(*self.time_zero.t0_ps)} ps on the axis of this run"]
        raw = self.time_zero_raw_ps
        lines += [] if raw is None else [f"{'time zero, raw':<22} {with_error(*raw)} ps"]
        low_ps, high_ps = self.time_zero.interval
        if not self.time_zero.is_parabolic:
            lines.append(f"{'  68 % limits':<22} {low_ps:.1f} to {high_ps:.1f} ps (not parabolic)")
        lines += response_lines(self.time_zero.irf_sigma_ps, self.timing)
        lines += quality_lines(self.time_zero)
        alone = [] if self.response is None else [f"{'  from this scan alone':<22} {with_error(*self.response)} ps"]
        return [*lines, *alone, *trend_lines(self.trends)]


@dataclass(frozen=True, kw_only=True)
class SelfTestResults(RunResults):
    """One arm of the self-test of the delay axis: its rise against the delay from the arm's own zero, ps.

    `change` is ln(watched probe / compared probe), `sigma` its counting error, (points,) each. All arms together are
    judged by `judge_delay_axis`.
    """

    arm: str
    delay_ps: FloatArray
    change: FloatArray
    sigma: FloatArray
    time_zero: TimeZeroFit | None = None

    def lines(self) -> list[str]:
        """Return where the rise of this arm is, ps."""
        if self.time_zero is None:
            return []
        rise = f"{f'rise, arm {self.arm}':<22} {with_error(*self.time_zero.t0_ps)} ps from where it is expected"
        return [rise, *quality_lines(self.time_zero)]
