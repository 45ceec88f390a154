"""A map over two axes while it is measured, with the global fit of an energy x delay map."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel

from gui.live.frame import LiveFrame
from gui.live.request import Answer, Request
from gui.panels.panel import AnswerSlot, Panel, problem_of
from gui.panels.splitter import beside_each_other, results_below
from gui.panels.value_table import Cell, ValueTable
from gui.panels.xas.choices import Choices
from gui.panels.xas.kinetics import DEFAULT_MODEL, MAP_MODELS
from gui.plots.axis import DELAY, ENERGY, Quantity, axis_of
from gui.plots.line_plot import LinePlot
from gui.plots.map_plot import MapPlot
from gui.plots.styles import series_style
from gui.requests.xas.transient_map import FittedMap, MapFitRequest, MapRequest, ShownMap
from gui.status.liveness import Liveness
from reduction.number_text import with_error
from reduction.xas.map_fit import MapFit

MAP_WIDTH_PX = 320
AMPLITUDE = Quantity(name="amplitude", unit="% of unpumped", column="amplitude")


class MapPanel(Panel):
    """The transient as colours over both axes, the spectra of the decays, and the lifetimes with errors."""

    title = "Map"
    key = "map"
    position = 35
    run_kinds = ("map of two axes",)

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(["detector"])
        self.choices.changed.connect(self.requests_changed)
        self.model = QComboBox()
        self.model.setObjectName("map model")
        self.model.setToolTip("Number of lifetimes, or the criterion that chooses it and shows its values")
        for text in MAP_MODELS:
            self.model.addItem(text)
        self.model.setCurrentText(DEFAULT_MODEL)
        self.model.currentIndexChanged.connect(lambda *_: self.requests_changed.emit())
        self.map = MapPlot(ENERGY, DELAY)
        self.spectra = LinePlot(ENERGY, AMPLITUDE)
        self.table = ValueTable(["parameter", "value ± error"])
        self.remark = QLabel("")
        self.remark.setWordWrap(True)
        self._maps: AnswerSlot[ShownMap] = AnswerSlot()
        self._fits: AnswerSlot[FittedMap] = AnswerSlot()
        self._lay_out()

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for the map and for its fit."""
        return (self._map_request(), self._fit_request())

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot of the spectra, in % of the unpumped signal against eV."""
        return (self.spectra,)

    def show_liveness(self, liveness: Liveness) -> None:
        """Show whether the panel is live, in the map as well."""
        super().show_liveness(liveness)
        self.map.canvas.mark(liveness.watermark)

    def draw(self, frame: LiveFrame) -> None:
        """Replace the map, the spectra and the table."""
        # Two requests, as the map follows every exposure and the fit takes a second: while they differ, the spectra are
        # those of some exposures before.
        self.choices.follow(frame)
        maps = self._map_request()
        if self._maps.changed(frame, maps):
            answer = frame.answer(maps)
            self.map.canvas.show_message(problem_of(answer))
            self._draw_map(answer.value if answer else None)
        fits = self._fit_request()
        if self._fits.changed(frame, fits):
            self._draw_fit(frame.answer(fits))

    def _draw_map(self, found: ShownMap | None) -> None:
        if found is None:
            self.map.clear()
            return
        # The energy is shown along the abscissa, as in the spectra, whichever axis was slow.
        rows = (axis_of(found.map.axes[0]), found.map.rows)
        columns = (axis_of(found.map.axes[1]), found.map.columns)
        if rows[0] == ENERGY:
            self.map.show_map(rows, columns, 100.0 * found.change.T)
        else:
            self.map.show_map(columns, rows, 100.0 * found.change)

    def _draw_fit(self, answer: Answer[FittedMap] | None) -> None:
        found = None if answer is None else answer.value
        remark = "" if answer is None or not answer.problem else f"No fit: {answer.problem}"
        if found is None:
            self.spectra.retain(())
            self.table.show_rows([])
        else:
            remark = "\n".join(" ".join(line.split()) for line in found.compared)
            self._draw_spectra(found.fit)
            self.table.show_rows(map_rows(found.fit))
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))

    def _draw_spectra(self, fit: MapFit) -> None:
        names = fit.component_names
        self.spectra.retain(names)
        for index, name in enumerate(names):
            known = fit.spectra_sigma[index] > 0  # an energy that is not measured yet has NaN
            amplitude = 100.0 * fit.spectra[index][known]
            sigma = 100.0 * fit.spectra_sigma[index][known]
            style = series_style(index, line="solid")
            vague = bool(fit.vague_components[index])
            label = f"{name}, NOT DETERMINED" if vague else name
            self.spectra.set_curve(name, fit.energy_ev[known], amplitude, sigma, style=style, label=label)
            # Two lifetimes that the data cannot separate have huge spectra of opposite sign, beside which the others
            # would be a line.
            self.spectra.curves[name].sets_range = not vague
        self.spectra.show_all()

    def _fit_request(self) -> MapFitRequest:
        return MapFitRequest(kinetics=MAP_MODELS[self.model.currentText()], detector=self.choices.detector)

    def _map_request(self) -> MapRequest:
        return MapRequest(detector=self.choices.detector)

    def _lay_out(self) -> None:
        results = results_below(self.spectra, self.remark, self.table)
        self.map.setMinimumWidth(MAP_WIDTH_PX)
        top = QHBoxLayout()
        top.addWidget(self.choices, 1)
        top.addWidget(self.model)
        self.body.addLayout(top)
        self.body.addWidget(beside_each_other(self.map, results, shares=(1, 1)), 1)


def map_rows(fit: MapFit) -> list[list[Cell]]:
    """Return lifetimes and time zero, ps, as rows of a table, shape (rows, 2), with a mark if not determined."""
    rows: list[list[Cell]] = []
    for number, value in enumerate(fit.lifetimes_ps, 1):
        text = with_error(value.value, value.sigma, "ps")
        vague = f"tau{number}_ps" in fit.undetermined
        rows.append([f"τ{number}", (f"▲ {text}, NOT DETERMINED", "warning") if vague else text])
    rows.append(["time zero", with_error(fit.t0_ps.value, fit.t0_ps.sigma, "ps")])
    ratio = fit.chi_square / max(fit.degrees_of_freedom, 1)
    rows.append(["χ² / degrees of freedom", f"{fit.chi_square:.0f} / {fit.degrees_of_freedom} = {ratio:.2f}"])
    return rows
