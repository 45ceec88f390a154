"""Diffusion in the map while it is measured: displacement, decay, and the error expected at its end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.splitter import above_each_other
from gui.panels.tplm.quantities import DELAY_NS, DISPLACEMENT, LOG_LIGHT
from gui.panels.value_table import Cell, ValueTable, quality_row
from gui.plots.line_plot import LinePlot
from gui.plots.styles import FIT, TRANSIENT, CurveStyle
from gui.requests.tplm.maps import LiveMap, LiveMapRequest
from reduction.number_text import with_error
from reduction.tplm.limits import diffusivity_text
from reduction.tplm.map_model import NM2_PER_NS
from reduction.tplm.response import seen_exponential

LINE = CurveStyle(role="off", line="dashed")


class DiffusionPanel(SingleAnswerPanel[LiveMap]):
    """Mean square displacement with line and fit, decay of the light, and the numbers with errors."""

    title = "Diffusion"
    key = "diffusion"
    position = 62

    def __init__(self) -> None:
        super().__init__()
        self.displacement = LinePlot(DELAY_NS, DISPLACEMENT)
        self.decay = LinePlot(DELAY_NS, LOG_LIGHT)
        self.table = ValueTable(["quantity", "value ± error"])
        self.body.addWidget(above_each_other(self.displacement, self.decay, self.table, shares=(3, 2, 2)), 1)

    def plots(self) -> Iterable[LinePlot]:
        """Return displacement (nm2) and light against delay (ns)."""
        return (self.displacement, self.decay)

    def request(self) -> LiveMapRequest:
        """Return the request for the fit of the map."""
        return LiveMapRequest()

    def show_answer(self, value: LiveMap) -> None:
        """Replace curves and numbers."""
        self._draw_displacement(value)
        self._draw_decay(value)
        self.table.show_rows(diffusion_rows(value))

    def show_nothing(self) -> None:
        """Remove curves and numbers."""
        self.displacement.retain(())
        self.decay.retain(())
        self.table.show_rows([])

    def show_message(self, text: str) -> None:
        """Show `text` in the plot of the displacement."""
        self.displacement.show_message(text)

    def _draw_displacement(self, value: LiveMap) -> None:
        results = value.results
        # All curves are shown above the width at time zero of the fit: absolute variances would put four fifths of the
        # plot below the points.
        start = float(results.fit.common[1])
        time = np.linspace(0.0, 3.0, 60)
        slope = 2 * NM2_PER_NS * results.fit.common[0]
        self.displacement.retain(("points", "map", "line"))
        self.displacement.set_curve("map", time, slope * time, style=FIT, label="fit of the whole map")
        if results.widths is not None:
            widths = results.widths
            self.displacement.set_curve(
                "points", widths.time_ns, widths.variance_nm2 - start, widths.sigma_nm2, style=TRANSIENT,
                label="width at each delay",
            )  # fmt: skip
        if results.line is not None:
            slope = 2 * NM2_PER_NS * results.line.diffusivity_cm2_s.value
            line = results.line.start_nm2.value - start + slope * time
            self.displacement.set_curve("line", time, line, style=LINE, label="line, free intercept")
        self.displacement.show_all()

    def _draw_decay(self, value: LiveMap) -> None:
        results = value.results
        fit = results.fit
        # The light of the whole image, not that at the centre, which falls faster as the image spreads.
        area = fit.variance_nm2 / fit.common[1]
        light = fit.light * area
        top = float(light.max())
        self.decay.retain(("light", "tail", "lifetime"))
        self.decay.set_curve(
            "light", fit.delay_ns, np.log10(np.maximum(light / top, 1e-6)), style=TRANSIENT, label="whole image"
        )
        if results.widths is not None and (late := ~results.widths.on_line).any():
            tail = np.maximum(results.widths.light[late] / top, 1e-6)
            # An error on a logarithmic axis is the relative one over ln 10.
            sigma = results.widths.light_sigma[late] / top / tail / np.log(10)
            self.decay.set_curve(
                "tail", results.widths.delay_ns[late], np.log10(tail), sigma, style=TRANSIENT, label="power law"
            )
        if results.lifetime_ns is not None:
            shape = seen_exponential(fit.delay_ns, results.lifetime_ns.value, value.response)
            # The exponential is laid through the light by least squares: the fit gives its lifetime, not its height.
            shape *= float((light * shape).sum() / (shape**2).sum()) / top
            self.decay.set_curve(
                "lifetime",
                fit.delay_ns,
                np.log10(np.maximum(shape, 1e-6)),
                style=FIT,
                label="exponential, with response",
            )
        self.decay.show_all()


def diffusion_rows(value: LiveMap) -> list[list[Cell]]:
    """Return diffusivity (cm2/s), forecast, line, lifetime (ns), and centre (um), as rows of a table.

    Its shape is (rows, 2).
    """
    results = value.results
    rows: list[list[Cell]] = [["diffusivity", diffusivity_text(results.diffusivity_cm2_s)]]
    if value.expected is not None:
        rows.append(
            [
                "error at the end of the map",
                f"{value.expected:.2g} cm2/s, after {value.planned} exposures ({value.measured} so far)",
            ]
        )
    rows.append(quality_row(results.fit.chi_square, results.fit.degrees_of_freedom))
    if results.line is not None:
        rows.append(["line, free intercept", with_error(*results.line.diffusivity_cm2_s, "cm2/s")])
    if results.paper_cm2_s is not None:
        rows.append(["line through (0, 0)", with_error(*results.paper_cm2_s, "cm2/s")])
    if results.lifetime_ns is not None:
        rows.append(["prompt lifetime", with_error(*results.lifetime_ns, "ns")])
    if results.tail is not None:
        rows.append(["power-law exponent", with_error(*results.tail.exponent)])
    centre = results.fit.value("centre")
    rows.append(["centre", with_error(1e-3 * centre.value, 1e-3 * centre.sigma, "µm")])
    dose = results.conditions.dose
    rows.append(["<N>, waiting time", f"{dose.excitons:.3g}, {dose.waiting_us:.3g} µs"])
    return rows + [["▲ remark", (remark, "warning")] for remark in results.remarks]
