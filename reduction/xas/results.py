"""Results of pump-probe absorption runs, kind by kind, as numbers and as lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reduction.curve_table import Column, CurveTable
from reduction.number_text import with_error
from reduction.run_kind import Headline, RunResults
from reduction.run_metadata import Timing
from reduction.values import Value
from reduction.xas.information import information_lines, primary
from reduction.xas.kinetics.results import KineticsResults
from reduction.xas.result_text import (
    absorption_line,
    all_gates_lines,
    best_lines,
    hour_lines,
    kinetics_lines,
    period_lines,
    power_lines,
    quality_lines,
    response_lines,
    slope_lines,
    spectrum_lines,
    trend_lines,
    ungated_line,
    weight_lines,
)
from reduction.xas.transient import CurvesWithErrors
from reduction.xas.unpumped_size import (
    TransientSize,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.all_bunches import AllBunches
    from reduction.run_kind import MeasuredDecay
    from reduction.types import FloatArray
    from reduction.xas.all_gates import AllGatesSpectrum
    from reduction.xas.calibration import FoilEdge, FoilSpectrum
    from reduction.xas.energy_correction import EnergyUse
    from reduction.xas.fluence_fit import FluenceFit
    from reduction.xas.foil_reference import AlignedEdge
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.overlap import OverlapFit
    from reduction.xas.pass_trends import Trend
    from reduction.xas.sample_absorption import SampleAbsorption
    from reduction.xas.static_xas import StaticSpectrum
    from reduction.xas.time_zero import TimeZeroFit
    from reduction.xas.transient import FluenceScan, Spectrum, Trace, Transient


@dataclass(frozen=True, kw_only=True)
class SpectrumResults(RunResults):
    """Spectra of a pump-probe energy scan: boxcar, photon counting, then one per further detector of the fluorescence.

    Text and figures begin with the `primary` one.

    `all_gates`: each of the spectra by all gates instead of two, None where they add nothing; `all_gates_problems` are
    the reasons, "" without one. `blocked`: the same against exposures with the laser blocked, None where the run has
    none. `decay`: that of the same sample, which corrects the sizes. `absorptions`: ln(I0/I) of each detector behind
    the sample, by its name.
    `ungated`: the signal of each detector that counts all bunches, which has no transient. `trends`: changes from pass
    to pass; `power`: that of the laser, None if it was not recorded; `energy`: what foil scans say about the axis;
    `absorbed`: absorption of the sample itself over its edge, None where the diode behind it shows none.
    """

    spectra: tuple[Spectrum, ...] = ()
    all_gates: tuple[AllGatesSpectrum | None, ...] = ()
    all_gates_problems: tuple[str, ...] = ()
    blocked: tuple[Spectrum | None, ...] = ()
    decay: MeasuredDecay | None = None
    timing: Timing = field(default_factory=Timing)
    absorptions: Mapping[str, FoilSpectrum] = field(default_factory=dict)
    ungated: tuple[AllBunches, ...] = ()
    trends: tuple[Trend, ...] = ()
    power: PowerUse | None = None
    energy: EnergyUse | None = None
    absorbed: SampleAbsorption | None = None

    @property
    def sizes(self) -> tuple[TransientSize, ...]:
        """Size of each transient at the edge's main feature, without unit, as measured and corrected, (spectra,)."""
        blocked = self.blocked or (None,) * len(self.spectra)
        return tuple(size_of(one, self.decay, other) for one, other in zip(self.spectra, blocked, strict=True))

    @property
    def primary(self) -> Spectrum | None:
        """Spectrum with the most information, photon counting or boxcar, stated first; None without spectra."""
        return primary(self.spectra)

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient with their errors against the energy, eV, a table per detector."""
        return tuple(
            pump_probe_table(one, Column(name="energy_ev", unit="eV", values=one.energy_ev), "post-edge = 1")
            for one in self.spectra
        )

    def headline(self) -> Headline | None:
        """Return the size of the primary spectrum at the main feature, in % of unpumped, as measured."""
        if self.primary is None:
            return None
        chosen = size_of(self.primary, self.decay)
        return _per_cent(f"transient at {chosen.energy_ev:.1f} eV", chosen.measured)

    @property
    def best(self) -> Spectrum | None:
        """The spectrum of the first detector with the smallest error, by all gates where they help; None without one.

        Photon counting and boxcar see the same photons, so the better one is taken, and never the sum of both.
        """
        own = [one for one in (*self.spectra, *self.all_gates) if one is not None and not one.metadata.detector]
        return min(own, key=lambda one: float(np.mean(one.sigma**2)), default=None)

    def lines(self) -> list[str]:
        """Return the size of each transient at the edge's main feature, in % of unpumped, as measured and corrected."""
        lines = []
        places = sorted(range(len(self.spectra)), key=lambda place: self.spectra[place] is not self.primary)
        sizes = self.sizes
        for place in places:
            lines += spectrum_lines(self.spectra[place], sizes[place])
            if self.all_gates:
                lines += all_gates_lines(self.all_gates[place], self.all_gates_problems[place])
        best = self.best
        lines += [*information_lines(self.spectra), *best_lines(best, self.spectra), *hour_lines(best)]
        lines += period_lines(self.timing) if lines else []
        lines += [absorption_line(name, found) for name, found in self.absorptions.items()]
        lines += [] if self.energy is None else [self.energy.line]
        lines += [] if self.absorbed is None else [self.absorbed.line]
        return [*lines, *map(ungated_line, self.ungated), *power_lines(self.power), *trend_lines(self.trends)]


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
    trends: tuple[Trend, ...] = ()
    power: PowerUse | None = None

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient with their errors against the delay of the probe, ps."""
        axis = Column(name="delay_ps", unit="ps", values=self.trace.delay_ps)
        return (pump_probe_table(self.trace, axis, "unpumped = 1"),)

    def headline(self) -> Headline | None:
        """Return the fitted size of the transient at time zero, in % of unpumped; None without a fit."""
        return None if self.fit is None else _per_cent("transient at time zero, fitted", self.fit.amplitudes[0])

    def lines(self) -> list[str]:
        """Return the fitted quantities, a line each, and the criteria of the models if one of them chose."""
        fitted = [] if self.fit is None else kinetics_lines(self.fit)
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
class FluenceResults(RunResults):
    """Transient against fluence by counted photons, and the line through its linear regime if one could be fitted.

    `others`: the same by further detection modes, scan and line each; a run without photon counting has only one.
    `decay`: that of the same sample, which corrects the slope for what the reference holds.
    `probed_share`: fluence averaged over the X-rays, relative to the fluence of the run; 0 if the run does not tell.
    `trends`: changes from pass to pass; `power`: that of the laser, None if it was not recorded.
    """

    dependence: FluenceScan
    line: FluenceFit | None = None
    others: tuple[tuple[FluenceScan, FluenceFit | None], ...] = ()
    decay: MeasuredDecay | None = None
    probed_share: float = 0.0
    trends: tuple[Trend, ...] = ()
    power: PowerUse | None = None

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient against the fluence, mJ/cm2, a table per detection mode."""
        return tuple(
            pump_probe_table(
                one, Column(name="fluence_mj_cm2", unit="mJ/cm2", values=one.fluence_mj_cm2), "unpumped = 1"
            )
            for one in (self.dependence, *(scan for scan, _ in self.others))
        )

    def headline(self) -> Headline | None:
        """Return the slope of the linear regime, in % of unpumped per mJ/cm2; None without a line."""
        if self.line is None:
            return None
        slope = self.line.slope
        return Headline(quantity="slope", value=Value(100 * slope.value, 100 * slope.sigma), unit="% / (mJ/cm2)")

    def lines(self) -> list[str]:
        """Return the slopes, in % of the unpumped signal per mJ/cm2, one per detection mode."""
        found = ((self.dependence, self.line), *self.others)
        slopes = [line for scan, fit in found if fit is not None for line in slope_lines(scan, fit, self.decay)]
        return [
            *slopes,
            *self._meaning(),
            *weight_lines(self.dependence),
            *power_lines(self.power),
            *trend_lines(self.trends),
        ]

    def _meaning(self) -> list[str]:
        """Return what the fluence of the run is, mJ/cm2, if the run records it."""
        if not self.probed_share:
            return []
        return [
            f"{'  fluence':<22} pulse energy over the laser's FWHM ellipse; the probed spot has "
            f"{self.probed_share:.3g} of it"
        ]


@dataclass(frozen=True, kw_only=True)
class FoilResults(RunResults):
    """Absorption of a metal foil, its steepest point `foil`, and its edge by the reference that the run records.

    `axis_offset_ev` is the energy calibration of the axis it was measured on, eV. `aligned` is None in runs that record
    no reference, those up to version 0.2.0: their steepest point alone is no calibration. `uid` is that of the run, and
    `time_s` its mean time, s since 1970; 0 if its events have none.
    """

    absorption: FoilSpectrum
    foil: FoilEdge | None = None
    aligned: AlignedEdge | None = None
    axis_offset_ev: float = 0.0
    uid: str = ""
    time_s: float = 0.0

    @property
    def edge_ev(self) -> Value | None:
        """Edge on the axis of the run, eV, with the error of the scan: the aligned one, or else the steepest point."""
        if self.aligned is not None:
            return self.aligned.edge_ev
        return None if self.foil is None else self.foil.edge_ev

    @property
    def offset_ev(self) -> Value | None:
        """Offset to add to the axis of the run, eV, with the errors of scan and reference; None without alignment."""
        return None if self.aligned is None else self.aligned.offset_ev

    @property
    def uncalibrated_edge_ev(self) -> Value | None:
        """Edge on the monochromator's own energy axis, eV, which no calibration changes; None without an edge.

        The right energy calibration is the edge of the reference minus this, however often it was applied.
        """
        edge = self.edge_ev
        return None if edge is None else Value(edge.value - self.axis_offset_ev, edge.sigma)

    def headline(self) -> Headline | None:
        """Return the offset to apply to the energy axis, eV; the edge on the axis in runs without a reference."""
        if self.offset_ev is not None:
            return Headline(quantity="offset to apply", value=self.offset_ev, unit="eV")
        return None if self.edge_ev is None else Headline(quantity="edge", value=self.edge_ev, unit="eV")

    def lines(self) -> list[str]:
        """Return steepest point and aligned edge on the axis of the run, the offset to apply, and the reference; eV."""
        found = [] if self.foil is None else [f"{'steepest point':<22} {with_error(*self.foil.edge_ev)} eV on the axis"]
        own = self.uncalibrated_edge_ev
        if own is None:
            return found
        calibration = f"(energy calibration {self.axis_offset_ev:+.10g} eV)"
        if self.aligned is None:
            return [*found, f"{'  uncalibrated':<22} {with_error(*own)} eV {calibration}"]
        name = self.aligned.reference.edge
        return [
            *found,
            f"{f'edge {name}, aligned':<22} {with_error(*self.aligned.edge_ev)} eV on the axis, where it should be "
            f"{self.aligned.reference.edge_ev:.10g} eV",
            f"{'  uncalibrated':<22} {with_error(*own)} eV {calibration}",
            f"{'  offset to apply':<22} {with_error(*self.aligned.offset_ev)} eV, with the error of the reference",
            f"{'  reference':<22} {self.aligned.reference.text}",
        ]


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
    trends: tuple[Trend, ...] = ()

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


@dataclass(frozen=True, kw_only=True)
class OverlapResults(RunResults):
    """Transient ln(pumped / unpumped) with its counting error against the mirror position, um; (points,) each."""

    axis: str
    position_um: FloatArray
    change: FloatArray
    sigma: FloatArray
    fit: OverlapFit | None = None

    def headline(self) -> Headline | None:
        """Return the centre of the overlap, um; None without a fit."""
        if self.fit is None:
            return None
        return Headline(quantity="centre", value=Value(self.fit.center_um, self.fit.center_sigma_um), unit="um")

    def lines(self) -> list[str]:
        """Return centre and width of the overlap, um."""
        if self.fit is None:
            return []
        return [
            f"{'centre of the overlap':<22} {with_error(self.fit.center_um, self.fit.center_sigma_um)} um",
            f"{'width (FWHM)':<22} {with_error(self.fit.fwhm_um, self.fit.fwhm_sigma_um)} um",
        ]


@dataclass(frozen=True, kw_only=True)
class DependenceResults(RunResults):
    """Transient ln(pumped / unpumped) with its counting error against the scanned axis; (points,) each.

    `position` is in the unit of the axis; `power` is that of the laser, None if it was not recorded.
    """

    axis: str
    position: FloatArray
    change: FloatArray
    sigma: FloatArray
    power: PowerUse | None = None

    def lines(self) -> list[str]:
        """Return the transient at every position, in % of the unpumped signal."""
        rows = zip(self.position, self.change, self.sigma, strict=True)
        lines = [
            f"{self.axis} = {position:<12g} {with_error(100 * change, 100 * sigma)} % of unpumped"
            for position, change, sigma in rows
        ]
        return [*lines, *power_lines(self.power)]


@dataclass(frozen=True, kw_only=True)
class AttenuatorResults(RunResults):
    """Laser power, W, with its error against the angle of the half-wave plate, degrees; (points,) each."""

    angle_deg: FloatArray
    power_w: FloatArray
    sigma_w: FloatArray

    def lines(self) -> list[str]:
        """Return the largest and the smallest power that were read, W; the plan itself fits them."""
        ends = (("largest power", int(self.power_w.argmax())), ("smallest power", int(self.power_w.argmin())))
        return [
            f"{label:<22} {with_error(float(self.power_w[index]), float(self.sigma_w[index]))} W"
            f" at {self.angle_deg[index]:.2f} degrees"
            for label, index in ends
        ]


@dataclass(frozen=True, kw_only=True)
class StaticResults(RunResults):
    """Static spectrum at one temperature."""

    spectrum: StaticSpectrum

    def lines(self) -> list[str]:
        """Return the spectrum in a line: its temperature, and how well its highest point is known."""
        points = self.spectrum.measured
        top = int(points.intensity.argmax())
        per_cent = 100 * points.sigma[top] / points.intensity[top]
        temperature = f"{self.spectrum.temperature_c:.2f} C"
        text = f"{points.energy_ev.size} points at {temperature}, the highest known to {per_cent:.2g} %"
        return [f"{'static spectrum':<22} {text}"]


def pump_probe_table(found: Transient, axis: Column, scale: str) -> CurveTable:
    """Return off, on and transient, without unit on a `scale`, with the errors that they have, over an axis."""
    curves = found if isinstance(found, CurvesWithErrors) else None
    return CurveTable(
        name=found.metadata.detector or found.metadata.mode,
        axis=axis,
        columns=(
            Column(name="off", unit="", values=found.off, sigma=None if curves is None else curves.off_sigma),
            Column(name="on", unit="", values=found.on, sigma=None if curves is None else curves.on_sigma),
            Column(name="transient", unit="", values=found.transient, sigma=found.sigma),
        ),
        scale=scale,
    )


def _per_cent(quantity: str, value: Value) -> Headline:
    return Headline(quantity=quantity, value=Value(100 * value.value, 100 * value.sigma), unit="%")
