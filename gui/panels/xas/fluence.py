"""The transient against fluence, with the line of the linear regime."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.panel import AnswerSlot
from gui.panels.single_answer import SingleAnswerPanel
from gui.panels.value_table import Cell, ValueTable, quality_row
from gui.panels.xas.choices import Choices
from gui.panels.xas.thin_sample import thin_rows
from gui.plots.axis import FLUENCE, Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.styles import FIT, TRANSIENT, CurveStyle
from gui.requests.xas.fluence import FluenceDependence, FluenceRequest
from gui.requests.xas.spectra import DecayRequest
from reduction.number_text import with_error
from reduction.run_kind import MeasuredDecay
from reduction.xas.fluence_fit import FluenceFit
from reduction.xas.result_text import corrected_slope_text
from reduction.xas.transient import FluenceScan

SHARE = Quantity(name="difference", unit="unpumped = 1", column="transient")
BEYOND = CurveStyle(role="fit", line="dotted", width_px=2.0)
SIGNIFICANT = 1e-3
"""p-value below which the response counts as saturated, as in the reduction."""


class FluencePanel(SingleAnswerPanel[FluenceDependence]):
    """The dependence on the fluence; the line is dotted where it is extrapolated."""

    title = "Fluence"
    key = "fluence"
    position = 30
    run_kinds = ("fluence scan",)
    scans_of = FLUENCE

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["mode", "probe", "reference", "scope"])
        self.choices.changed.connect(self.requests_changed)
        self.plot = LinePlot(FLUENCE, SHARE)
        self.table = ValueTable(["parameter", "value ± error"])
        self.body.addWidget(self.choices)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.table)
        self._decays: AnswerSlot[MeasuredDecay | None] = AnswerSlot()
        self._decay: MeasuredDecay | None = None
        self._found: FluenceDependence | None = None

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for the dependence and for the decay that corrects its slope."""
        return (self.request(), DecayRequest())

    def request(self) -> FluenceRequest:
        """Return the request for the dependence of the transient on the fluence, mJ/cm²."""
        chosen = self.choices
        return FluenceRequest(
            mode=chosen.mode,
            probe=chosen.probe,
            reference=chosen.pair_reference,
            scope=chosen.scope or "mean",
            detector=chosen.detector,
        )

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot of the transient against the fluence, mJ/cm²."""
        return (self.plot,)

    def draw(self, frame: LiveFrame) -> None:
        """Show the answer if it has changed, and name the runs that are missing from the mean of the series."""
        self.choices.follow(frame)
        super().draw(frame)
        if self._decays.changed(frame, DecayRequest()):
            answer = frame.answer(DecayRequest())
            # The decay is fitted to another run, and comes later than the dependence; only the table depends on it.
            self._decay = None if answer is None else answer.value
            self._show_rows()

    def show_message(self, text: str) -> None:
        """Show `text` in the plot."""
        self.plot.show_message(text)

    def show_nothing(self) -> None:
        """Remove curves and rows."""
        self.plot.retain(())
        self._found = None
        self._show_rows()

    def _show_rows(self) -> None:
        found = self._found
        if found is None:
            self.table.show_rows([])
        elif found.fit is None:
            self.table.show_rows([["no line", found.problem]])
        else:
            corrected = corrected_rows(found.scan, found.fit, self._decay)
            thin = thin_rows(found.fit.slope, found.scan.metadata, " per mJ/cm²") if found.scan.scale_known else []
            self.table.show_rows([*fluence_rows(found.fit), *thin, *corrected, *scale_rows(found.scan)])

    def show_answer(self, found: FluenceDependence) -> None:
        """Replace curves and table; the transient relative to the unpumped signal."""
        scan = found.scan
        label = f"{scan.metadata.energy_ev:.1f} eV, {scan.metadata.scans} scan{'s' if scan.metadata.scans != 1 else ''}"
        self.plot.set_curve("transient", scan.fluence_mj_cm2, scan.transient, scan.sigma, style=TRANSIENT, label=label)
        if found.fit is None:
            self.plot.retain(["transient"])
        else:
            # The line is fitted below a limit and drawn dotted above it: a response that saturates then visibly leaves
            # it.
            self._draw_line(found.fit, scan.fluence_mj_cm2)
        self.plot.show_all()
        self._found = found
        self._show_rows()

    def _draw_line(self, fit: FluenceFit, fluence: np.ndarray) -> None:
        end = fit.upper_limit_mj_cm2
        inside = np.array([float(fluence.min()), min(float(fluence.max()), end)])
        self.plot.set_curve("line", inside, fit.line(inside), style=FIT, label=f"line to {end:g} mJ/cm²")
        if fluence.max() > end:
            beyond = np.array([end, float(fluence.max())])
            self.plot.set_curve("extrapolated", beyond, fit.line(beyond), style=BEYOND)


def corrected_rows(scan: FluenceScan, fit: FluenceFit, decay: MeasuredDecay | None) -> list[list[Cell]]:
    """Return the slope against a sample that was never pumped (1, 2); nothing if the sample's slope is unknown."""
    # A slope relative to a signal with an electronic zero is not that of the sample, so no correction can make it one.
    if not scan.scale_known:
        return []
    text = corrected_slope_text(scan, fit, decay)
    is_known = decay is not None or scan.metadata.reference == "laser shutter"
    return [["corrected slope", text if is_known else (text, "warning")]]


def scale_rows(scan: FluenceScan) -> list[list[Cell]]:
    """Return a warning (1, 2) if the unpumped signal contains the electronic zero of the boxcar, otherwise nothing."""
    if scan.scale_known:
        return []
    return [["scale", ("unpumped + ELECTRONIC ZERO: not the slope of the sample", "warning")]]


def fluence_rows(fit: FluenceFit) -> list[list[Cell]]:
    """Return line and saturation as rows of a table, shape (rows, 2): the slope in % per mJ/cm².

    The response counts as saturated if the p-value of the line above its limit is below 0.001.
    """
    rows: list[list[Cell]] = [
        ["slope", with_error(100 * fit.slope.value, 100 * fit.slope.sigma, "% per mJ/cm²")],
        quality_row(fit.chi_square, fit.degrees_of_freedom),
    ]
    if fit.saturation is not None:
        p_value = fit.saturation.p_value
        if p_value < SIGNIFICANT:
            verdict: Cell = (f"SATURATES (p = {p_value:.2g})", "warning")
        else:
            verdict = (f"linear throughout (p = {p_value:.2g})", "good")
        rows.append([f"above {fit.upper_limit_mj_cm2:g} mJ/cm²", verdict])
    return rows
