"""Lines of text about results of pump-probe absorption runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reduction.fit_quality import quality_text
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.all_gates import AllGatesSpectrum
from reduction.xas.kinetics.fitted import UNDETERMINED_SHARE
from reduction.xas.self_absorption import by_described_jet, described_loss, thin_if_described
from reduction.xas.unpumped_size import TransientSize, decay_text, percent_text, share_by, transient_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.all_bunches import AllBunches
    from reduction.run_kind import MeasuredDecay
    from reduction.timing import Timing
    from reduction.xas.calibration import FoilSpectrum
    from reduction.xas.fluence_fit import FluenceFit
    from reduction.xas.kinetics.fitted import KineticsFit
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.pass_trends import PassTrend
    from reduction.xas.time_zero import TimeZeroFit
    from reduction.xas.transient import FluenceScan, Spectrum, Trace, Transient, TransientMetadata


LARGE_SHARE = 0.4
"""Share of an error from which on the calibration of the gates is named: without it the error would be 8 % smaller."""


def kinetics_lines(fit: KineticsFit) -> list[str]:
    """Return the fitted quantities with their errors, a line each."""
    marks = dict.fromkeys(fit.undetermined, "  (not determined)")
    lines = [
        f"{name:<22} {with_error(*value)}{interval_text(fit, name)}{marks.get(name, '')}"
        for name, value in fit.quantities.items()
    ]
    if fit.model.offset_decays:
        lines.append(f"{'offset decay (1/ns)':<22} {with_error(*fit.offset_rate_per_ns)}")
    lines += response_lines(fit.irf_sigma_ps, fit.timing)
    lines += period_lines(fit.timing)
    lines.append(f"{'chi-square / d.o.f.':<22} {quality_text(fit.chi_square, fit.degrees_of_freedom)}")
    if fit.undetermined:
        lines.append(undetermined_text(fit))
    return lines


def amplitude_lines(fit: KineticsFit, trace: Trace) -> list[str]:
    """Return the amplitude at time zero, in % of unpumped, as measured and as a thin sample would show it."""
    lines = [f"{'amplitude':<22} {percent_text(fit.amplitude)} of unpumped at time zero, as measured"]
    thin = by_described_jet(fit.amplitude, trace.metadata)
    return lines if thin is None else [*lines, _thin_line(percent_text(thin), trace.metadata)]


def _thin_line(text: str, metadata: TransientMetadata) -> str:
    """Return the line with a number for a thin sample, and with the loss that was corrected."""
    loss = described_loss(metadata)
    assert loss is not None
    assert metadata.jet is not None
    measured = metadata.jet.measured_by
    source = f"absorption in the spectrum {measured[:8]}" if measured else "concentration of the configuration"
    return (
        f"{'  thin sample':<22} {text}: fluorescence was {percent_text(loss)} weaker per edge step, by the jet and the "
        f"{source}"
    )


def interval_text(fit: KineticsFit, name: str) -> str:
    """Return the 68 % limits of a quantity whose chi-square is not a parabola, in its unit; "" for any other."""
    if name not in fit.intervals:
        return ""
    low, high = fit.intervals[name]
    return f", {low:.3g} to {high:.3g} (not parabolic)"


def response_lines(response: Value, timing: Timing) -> list[str]:
    """Return the width of the instrument response after a fit, ps, if it was free, and its prior."""
    fitted = [f"{'instrument response':<22} {with_error(*response)} ps"] if response.sigma > 0 else []
    return [*fitted, f"{'  before the fit' if fitted else 'instrument response':<22} {timing.response_text}"]


def period_lines(timing: Timing) -> list[str]:
    """Return the bunch period of a run, ns, and its source: the delays of all gates but the first follow from it."""
    return [f"{'bunch period':<22} {timing.period_text}"]


def undetermined_text(fit: KineticsFit) -> str:
    """Return a sentence on the parameters (at least one) that the data do not determine, with a remedy."""
    percent = f"{100 * UNDETERMINED_SHARE:g} %"
    return (
        f"The data do not determine {', '.join(fit.undetermined)}: lifetimes need errors below {percent} of their "
        f"values, fractions below {UNDETERMINED_SHARE:g}. Measure longer, or at more delays after the pump, or fit "
        "fewer lifetimes (kinetics='BIC')."
    )


def quality_lines(fit: TimeZeroFit | FluenceFit) -> list[str]:
    """Return chi-square of a fit with its probability, as one line."""
    return [f"{'chi-square / d.o.f.':<22} {quality_text(fit.chi_square, fit.degrees_of_freedom)}"]


def slope_lines(scan: FluenceScan, fit: FluenceFit, decay: MeasuredDecay | None) -> list[str]:
    """Return the fluence slope, % of unpumped per mJ/cm2, as measured and corrected, or why it is not the sample's."""
    label = f"fluence slope, {scan.metadata.mode}"
    slope = f"{label:<22} {with_error(100 * fit.slope.value, 100 * fit.slope.sigma)} % of"
    if scan.scale_known:
        corrected = corrected_slope_text(scan, fit, decay)
        thin = by_described_jet(fit.slope, scan.metadata)
        return [
            f"{slope} unpumped per mJ/cm2, as measured",
            *([] if thin is None else [_thin_line(f"{percent_text(thin)} per mJ/cm2", scan.metadata)]),
            f"{'  corrected':<22} {corrected}",
            *quality_lines(fit),
        ]
    return [
        f"{slope} unpumped + electronic zero per mJ/cm2: not the slope of the sample.",
        "Subtract the zero: fluence_scan(run, 'boxcar', zero_v=boxcar_zero(energy_run)).",
    ]


def corrected_slope_text(scan: FluenceScan, fit: FluenceFit, decay: MeasuredDecay | None) -> str:
    """Return the slope of a thin sample that was never pumped, in % per mJ/cm2, or why it is not known."""
    share, problem = share_by(decay, scan.metadata)
    if share is None:
        return problem
    if share == Value(0.0, 0.0):
        return "nothing to correct: the reference has the laser blocked"
    # To first order in the transient, which is 2 %: the reference takes the same share of it at every fluence.
    rest = 1.0 - share.value
    thin = thin_if_described(fit.slope, scan.metadata)
    slope = Value(thin.value / rest, math.hypot(thin.sigma / rest, thin.value * share.sigma / rest**2))
    source = "" if decay is None else decay_text(decay)
    return f"{percent_text(slope)} of unpumped per mJ/cm2: the reference holds {percent_text(share)}, by {source}"


def spectrum_lines(spectrum: Spectrum, size: TransientSize) -> list[str]:
    """Return the size of a spectrum's transient, and what is known about its gates and elements, a line each."""
    label = f"transient, {spectrum.metadata.detector or spectrum.metadata.mode}"
    correlated = []
    # Frames state a correlation for every run; chance alone makes one of up to three errors.
    if abs(spectrum.correlation.value) > 3.0 * spectrum.correlation.sigma:
        correlated = [f"{'  errors of the gates':<22} correlated by {with_error(*spectrum.correlation)}"]
    return [*size.lines(label), *_gate_lines(spectrum), *correlated, *weight_lines(spectrum)]


def _gate_lines(spectrum: Spectrum) -> list[str]:
    """Return a line where gains and zeros of the gates are in the size but not in its error, or a large part of it.

    The recipe of counting gives pumped and unpumped gate each its own offset and scale, which takes them out.
    """
    origin = spectrum.metadata
    if origin.mode == "spc" or origin.reference == "laser shutter":
        return []
    if origin.is_calibrated:
        return _calibration_lines(spectrum)
    return [
        f"{'  gains of the gates':<22} not measured: a difference of 1e-3 between them changes the size by 0.1 %, "
        "which the errors do not contain (gates='before' measures them)"
    ]


def _calibration_lines(spectrum: Spectrum) -> list[str]:
    """Return a line where a longer calibration of the gates would make the error of the size clearly smaller."""
    # The last row is that of self-absorption, where the spectrum is corrected for it.
    rows = spectrum.common[: len(spectrum.common) - (spectrum.absorption_loss.sigma > 0)]
    index = int(abs(spectrum.energy_ev - transient_size(spectrum)[0]).argmin())
    by_gates = float(sum(rows[:, index] ** 2) ** 0.5)
    sigma = float(spectrum.sigma[index])
    if not by_gates > LARGE_SHARE * sigma:
        return []
    static = abs(float(spectrum.off[index]))
    without = (sigma**2 - 0.75 * by_gates**2) ** 0.5
    return [
        f"{'  gates':<22} zeros and gains contribute ± {100 * by_gates / static:.2g} % to the error; calibrated for "
        f"4 times as long (gates_s), the error would be ± {100 * without / static:.2g} %"
    ]


def gates_lines(shown: Spectrum, two: Spectrum, problem: str) -> list[str]:
    """Return by which gates a spectrum was determined, with the size by `two` of them, in %, or why not by all."""
    if not isinstance(shown, AllGatesSpectrum):
        return [f"{'  all gates':<22} not used: {problem}"] if problem else []
    return [
        f"{'  by all gates':<22} {shown.variance_ratio:.2f} of the variance of two gates, which give "
        f"{percent_text(transient_size(two)[1])}",
        f"{'  later gates hold':<22} {held_text(shown)}",
    ]


def hour_lines(best: Spectrum | None) -> list[str]:
    """Return what one more hour gives for the spectrum with the smallest error, at the main feature, in %."""
    text = "" if best is None else hour_text(best)
    return [f"{'one more hour':<22} {text}"] if text else []


def hour_text(best: Spectrum) -> str:
    """Return the error of the size after one more hour at the same points, in %; "" without a beam time."""
    energy_ev, size = transient_size(best)
    after = best.metadata.sigma_after_hour(100 * size.sigma)
    if not math.isfinite(after):
        return ""
    return f"gives ± {after:.2g} % instead of ± {100 * size.sigma:.2g} % at {energy_ev:.2f} eV"


def held_text(found: AllGatesSpectrum) -> str:
    """Return what the later gates hold of the transient, in %, and how well the shapes of all gates agree."""
    held = ", ".join(f"probe {probe} {percent_text(share)}" for probe, share in found.shares.items())
    return f"{held} of the transient; same shape, p = {found.shape_p_value:.2g}"


def best_lines(best: Spectrum | None, spectra: Sequence[Spectrum]) -> list[str]:
    """Return a line on the better of photon counting and boxcar, where a run has both."""
    if best is None or len({one.metadata.mode for one in spectra if not one.metadata.detector}) < 2:
        return []
    gates = "all gates" if best.metadata.reference == "all gates" else "two gates"
    return [
        f"{'most precise':<22} {best.metadata.mode}, {gates}; not averaged, as both detections see the same photons"
    ]


def power_lines(power: PowerUse | None) -> list[str]:
    """Return the line about the laser power during the run, none if it was not recorded."""
    return [] if power is None else [power.line]


def trend_lines(trends: tuple[PassTrend, ...]) -> list[str]:
    """Return a line per trend from pass to pass."""
    return [one.line for one in trends]


def weight_lines(found: Transient) -> list[str]:
    """Return the weights of the elements, unless all elements of the first detector simply add up."""
    weights = found.metadata.weights
    if len(weights) < 2 or (not found.metadata.detector and set(weights) == {1.0}):
        return []
    return [f"{'  weights of elements':<22} {', '.join(f'{weight:g}' for weight in weights)}"]


def ungated_line(found: AllBunches) -> str:
    """Return how well the signal of all bunches is known, in %; it has no transient."""
    top = int(found.signal.argmax())
    per_cent = 100 * found.sigma[top] / found.signal[top]
    text = f"counts all bunches, no transient; highest of {found.signal.size} points known to {per_cent:.2g} %"
    return f"{f'signal, {found.name}':<22} {text}"


def absorption_line(name: str, found: FoilSpectrum) -> str:
    """Return the span of an absorption, without unit, and its energies in eV."""
    energies = f"{found.energy_ev.min():.2f} to {found.energy_ev.max():.2f} eV"
    change = float(found.absorption.max() - found.absorption.min())
    return f"{f'absorption, {name}':<22} ln(I0/I) spans {change:.3g} over {energies}"
