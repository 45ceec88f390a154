"""Diffusivity of a series of maps against the power, and the null tests over rate and excitons per pulse."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qtpy.QtWidgets import QLabel

from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.splitter import above_each_other, beside_each_other
from gui.panels.tplm.quantities import DIFFUSIVITY, EXCITONS, POWER, RATE
from gui.panels.value_table import Cell, ValueTable, quality_row
from gui.plots.line_plot import LinePlot
from gui.plots.styles import FIT, TRANSIENT
from gui.requests.tplm.series import MapSeries, MapSeriesRequest
from reduction.number_text import with_error
from reduction.types import FloatArray


class PowerPanel(SingleAnswerPanel[MapSeries]):
    """D against power with the relaxation curve; below, D against rate and <N>: flat at constant power."""

    title = "Power"
    key = "power"
    position = 63

    def __init__(self) -> None:
        super().__init__()
        self.power = LinePlot(POWER, DIFFUSIVITY)
        self.rate = LinePlot(RATE, DIFFUSIVITY, compact=True, named_x=True)
        self.excitons = LinePlot(EXCITONS, DIFFUSIVITY, compact=True, named_x=True)
        self.table = ValueTable(["quantity", "value ± error"])
        self.remark = QLabel("")
        self.remark.setWordWrap(True)
        tests = beside_each_other(self.rate, self.excitons)
        self.body.addWidget(above_each_other(self.power, tests, self.table), 1)
        self.body.addWidget(self.remark)

    def plots(self) -> Iterable[LinePlot]:
        """Return the three plots of the diffusivity, cm2/s."""
        return (self.power, self.rate, self.excitons)

    def request(self) -> MapSeriesRequest:
        """Return the request for the series."""
        return MapSeriesRequest()

    def show_answer(self, value: MapSeries) -> None:
        """Replace curves and numbers."""
        maps = value.maps
        diffusivity = np.array([one.diffusivity.value for one in maps])
        sigma = np.array([one.diffusivity.sigma for one in maps])
        power = np.asarray(np.log10([max(one.power_nw, 1e-9) for one in maps]), dtype=float)
        # Logarithms, because power and rate are varied by factors; the plots label the axes with the numbers.
        columns = (
            (self.power, power),
            (self.rate, np.log10([one.rate_mhz for one in maps])),
            (self.excitons, np.log10([max(one.excitons, 1e-12) for one in maps])),
        )
        for plot, x in columns:
            plot.set_curve("maps", x, diffusivity, sigma, style=TRANSIENT, label="maps")
        self._draw_law(value, power)
        for plot, _ in columns:
            plot.show_all()
        self.table.show_rows(series_rows(value))
        self.remark.setText("\n".join(value.problems))
        self.remark.setVisible(bool(value.problems))

    def show_nothing(self) -> None:
        """Remove curves and numbers."""
        for plot in self.plots():
            plot.retain(())
        self.table.show_rows([])
        self.remark.setText("")

    def show_message(self, text: str) -> None:
        """Show `text` in the plot against the power."""
        self.power.show_message(text)

    def _draw_law(self, value: MapSeries, power: FloatArray) -> None:
        if value.laws is None:
            self.power.remove_curve("law")
            return
        # The waiting time is inversely proportional to the power, whatever the rate.
        per_nw = np.mean([one.waiting_us * one.power_nw for one in value.maps])
        shown = np.linspace(power.min(), power.max(), 120)
        better = value.laws.better
        label = f"{better.law}, τ = {with_error(*better.tau_us, 'µs')}"
        self.power.set_curve("law", shown, better.at(per_nw / 10**shown), style=FIT, label=label)


def series_rows(value: MapSeries) -> list[list[Cell]]:
    """Return relaxation, cm2/s and us, law and attribution as rows of a table, shape (rows, 2)."""
    rows: list[list[Cell]] = [["maps", str(len(value.maps))]]
    if value.laws is not None:
        better = value.laws.better
        rows += [
            ["τ", with_error(*better.tau_us, "µs")],
            ["D at rest", with_error(*better.slow_cm2_s, "cm2/s")],
            ["D of visited crystals", with_error(*better.fast_cm2_s, "cm2/s")],
            ["law", value.laws.text()],
            quality_row(better.chi_square, better.degrees_of_freedom),
        ]
    if value.attribution is not None:
        found = value.attribution
        exponent = with_error(*found.rate_exponent)
        # A dependence on something else than the power is what the series is measured to exclude, so it is marked.
        text: Cell = exponent if found.is_power_alone else (f"▲ {exponent}, NOT THE POWER ALONE", "warning")
        rows += [
            ["D ~ P^a f^b: a", with_error(*found.power_exponent)],
            ["b (0: power alone)", text],
            ["D depends on", str(found.cause)],
            [
                "rank correlation with P, f, <N>",
                f"{found.ranks.power:+.2f}, {found.ranks.rate:+.2f}, {found.ranks.excitons:+.2f}",
            ],
        ]
    return rows
