"""Spectra of the emission: their shape, the light per power at every setting, and shift and broadening."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.splitter import above_each_other
from gui.panels.tplm.quantities import POWER, SHAPE, WAVELENGTH, YIELD
from gui.panels.value_table import Cell, ValueTable
from gui.plots.line_plot import LinePlot
from gui.plots.styles import FIT, OFF, TRANSIENT
from gui.requests.tplm.spectra import SpectraRequest
from reduction.number_text import with_error
from reduction.tplm.spectrum import EV_NM
from reduction.tplm.spectrum_results import SpectrumResults
from reduction.values import Value

SHOWN_NM = 60.0
"""Distance from the peak up to which spectra are shown, nm."""

SIGNIFICANT = 3.0
"""Deviation of a shift or exponent from its expected value, in errors, from which it is marked."""


class SpectraPanel(SingleAnswerPanel[SpectrumResults]):
    """First and latest spectrum, each divided by its peak; light per power; numbers with errors."""

    title = "Emission spectra"
    key = "pl_spectra"
    position = 64
    run_kinds = ("photoluminescence spectra",)

    def __init__(self) -> None:
        super().__init__()
        self.shape = LinePlot(WAVELENGTH, SHAPE)
        self.light = LinePlot(POWER, YIELD)
        self.table = ValueTable(["quantity", "value ± error"])
        self.body.addWidget(above_each_other(self.shape, self.light, self.table, shares=(3, 2, 2)), 1)

    def plots(self) -> Iterable[LinePlot]:
        """Return spectra against wavelength (nm) and light per power, of its mean, against power (nW)."""
        return (self.shape, self.light)

    def request(self) -> SpectraRequest:
        """Return the request for the spectra."""
        return SpectraRequest()

    def show_answer(self, value: SpectrumResults) -> None:
        """Replace curves and numbers."""
        self._draw_shapes(value)
        self._draw_yield(value)
        self.table.show_rows(spectrum_rows(value))

    def show_nothing(self) -> None:
        """Remove curves and numbers."""
        for plot in self.plots():
            plot.retain(())
        self.table.show_rows([])

    def show_message(self, text: str) -> None:
        """Show `text` in the plot of the spectra."""
        self.shape.show_message(text)

    def _draw_shapes(self, value: SpectrumResults) -> None:
        # Two spectra on top of each other show a shift; all of them would hide it under noise.
        shown = {"first": (value.points[0], OFF), "latest": (value.points[-1], TRANSIENT)}
        if len(value.points) == 1:
            del shown["first"]
        self.shape.retain(tuple(shown))
        for name, (point, style) in shown.items():
            spectrum = point.spectrum
            near = np.abs(spectrum.wavelength_nm - EV_NM / point.fit.peak_ev.value) < SHOWN_NM
            # The top of the fit's curve; that of the counts would be the highest noise.
            smooth = np.convolve(spectrum.counts, np.ones(5) / 5, mode="same")
            top = max(float(smooth.max()), 1.0)
            columns = (spectrum.wavelength_nm[near], spectrum.counts[near] / top, spectrum.sigma[near] / top)
            self.shape.set_curve(
                name, *columns, style=style,
                label=f"{point.power_nw:.3g} nW, {point.rate_mhz:.3g} MHz, {point.temperature_k:.0f} K",
            )  # fmt: skip
        self.shape.show_all()

    def _draw_yield(self, value: SpectrumResults) -> None:
        # The light itself spans two decades, over which a departure of 1 % from the proportional would not be seen.
        mean = value.mean_yield.value
        power = np.asarray(np.log10([one.power_nw for one in value.points]), dtype=float)
        values = np.array([one.yield_per_nw.value for one in value.points]) / mean
        sigma = np.array([one.yield_per_nw.sigma for one in value.points]) / mean
        self.light.retain(("yield", "same"))
        self.light.set_curve("yield", power, values, sigma, style=TRANSIENT, label="light per power")
        ends = np.array([power.min(), power.max()])
        self.light.set_curve("same", ends, np.ones(2), style=FIT, label="same quantum yield")
        self.light.show_all()


def spectrum_rows(value: SpectrumResults) -> list[list[Cell]]:
    """Return the latest spectrum, the trends with power and temperature, and remarks as rows of a table.

    Its shape is (rows, 2).
    """
    latest = value.points[-1].fit
    fwhm = latest.fwhm_ev
    rows: list[list[Cell]] = [
        ["spectra", str(len(value.points))],
        ["latest peak", with_error(*latest.peak_ev, "eV")],
        ["latest FWHM", with_error(1e3 * fwhm.value, 1e3 * fwhm.sigma, "meV")],
    ]
    if value.power is not None:
        trends = value.power
        rows += [
            ["light ~ power^s: s", _null(trends.exponent, 1.0, "", "NOT PROPORTIONAL")],
            ["shift per decade of power", _null(trends.peak_mev.slope, 0.0, "meV", "SHIFTS")],
            ["broadening per decade", _null(trends.fwhm_mev.slope, 0.0, "meV", "BROADENS")],
        ]
    if value.temperature is not None:
        rows += [
            ["shift on warming", with_error(*value.temperature.peak_mev_k.slope, "meV/K")],
            ["broadening", with_error(*value.temperature.fwhm_mev_k.slope, "meV/K")],
        ]
    return rows + [["▲ remark", (remark, "warning")] for remark in value.remarks]


def _null(found: Value, expected: float, unit: str, otherwise: str) -> Cell:
    """Return the text of a number that is `expected` where excitons do not interact, marked if it is not."""
    text = with_error(*found, unit)
    if abs(found.value - expected) <= SIGNIFICANT * found.sigma:
        return text
    return f"▲ {text}, {otherwise}", "warning"
