"""What a run reduces to, live or stored: spectra, a trace and its fit, as tables and figures."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.figure import Figure

from errors import ReductionError
from plans.edges import edge_preset
from reduction.accumulator import RunAccumulator
from reduction.number_text import plus_minus
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.calibration import FoilEdge, find_edge, foil_absorption
from reduction.xas.fluence import FluenceScan, fluence_scan
from reduction.xas.fluence_fit import FluenceFit, fit_fluence
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import KineticsFit, Value, fit_kinetics
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from reduction.xas.transient import Spectrum, Trace
from trxas.results.figures import delay_figure, energy_figure, fluence_figure

KINETIC_NAMES = ("tau1_ps", "tau2_ps", "fraction1", "fraction2", "offset", "t0_ps")
"""Fitted quantities of the table, by their name in `KineticsFit`."""


@dataclass(frozen=True)
class RunResults:
    """Everything that could be reduced; `remarks` say what could not, and why."""

    spectra: tuple[Spectrum, ...] = ()
    trace: Trace | None = None
    fit: KineticsFit | None = None
    dependence: FluenceScan | None = None
    line: FluenceFit | None = None
    foil: FoilEdge | None = None
    remarks: tuple[str, ...] = field(default=())

    def figure(self) -> Figure | None:
        """A figure of these results, or None if there is nothing to draw."""
        if self.spectra:
            return energy_figure(self.spectra)
        if self.dependence is not None:
            return fluence_figure([self.dependence], [self.line])
        return None if self.trace is None else delay_figure(self.trace, self.fit)

    def table(self) -> str:
        """The results as lines of text."""
        lines = [_spectrum_line(spectrum) for spectrum in self.spectra]
        if self.fit is not None:
            lines += kinetics_lines(self.fit)
        if self.line is not None:
            per_cent = plus_minus(100 * self.line.slope.value, 100 * self.line.slope.sigma)
            lines.append(f"{'fluence slope':<22} {per_cent} % of unpumped per mJ/cm2")
        if self.foil is not None:
            lines.append(f"{'edge of the foil':<22} {plus_minus(*self.foil.edge_ev)} eV")
        return "\n".join([*lines, *self.remarks])


def reduce_run(accumulator: RunAccumulator) -> RunResults:
    """Reduce a run as far as it goes; a scan under way gives what is there."""
    try:
        if accumulator.metadata.plan_name == "foil_scan":
            return RunResults(foil=find_edge(foil_absorption(accumulator)))
        if accumulator.metadata.axis == "fluence_mj_cm2":
            dependence = fluence_scan(accumulator)
            return RunResults(dependence=dependence, line=fit_fluence(dependence))
        if accumulator.metadata.axis == "energy_ev":
            return RunResults(spectra=(boxcar_spectrum(accumulator), spc_spectrum(accumulator)))
        trace = spc_trace(accumulator)
    except ReductionError as error:
        return RunResults(remarks=(str(error),))
    try:
        return RunResults(trace=trace, fit=fit_kinetics(gate_rates(accumulator), accumulator.metadata.timing))
    except ReductionError as error:
        return RunResults(trace=trace, remarks=(f"No fit: {error}",))


def transient_size(spectrum: Spectrum) -> tuple[float, Value]:
    """Energy nearest the edge's main feature, eV, and the transient there relative to the unpumped signal.

    A fixed energy: the largest of many noisy points would be larger than the transient is.
    """
    index = int(abs(spectrum.energy_ev - edge_preset(spectrum.metadata.edge).main_feature_ev).argmin())
    static = float(spectrum.off[index])
    return float(spectrum.energy_ev[index]), Value(
        float(spectrum.transient[index]) / static, float(spectrum.sigma[index]) / abs(static)
    )


def kinetics_lines(fit: KineticsFit) -> list[str]:
    """Fitted quantities with their errors, a line each."""
    lines = [f"{name:<22} {plus_minus(*getattr(fit, name))}" for name in KINETIC_NAMES]
    rate = fit.offset_rate_per_ns
    lines.append(f"{'offset decay (1/ns)':<22} {plus_minus(*rate)}")
    lines.append(f"{'chi-square / d.o.f.':<22} {fit.chi_square:.1f} / {fit.degrees_of_freedom}")
    return lines


def _spectrum_line(spectrum: Spectrum) -> str:
    energy_ev, size = transient_size(spectrum)
    label = f"transient, {spectrum.metadata.mode}"
    return f"{label:<22} {plus_minus(100 * size.value, 100 * size.sigma)} % of unpumped at {energy_ev:.2f} eV"
