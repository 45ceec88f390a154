"""Static spectra of the powder at several temperatures, and their differences."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSplitter

from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.panel import AnswerSlot, Panel, problem_of
from gui.plots.axis import ENERGY, Quantity
from gui.plots.line_plot import LinePlot
from gui.plots.styles import series_style
from gui.requests.xas.static import AtTemperature, TemperatureSeries, TemperatureSeriesRequest

MEASURED = Quantity(name="counts per I0", unit="", column="intensity")
"""Intensity corrected for dead time, not normalised, so that it can be shown from the first point on."""

DIFFERENCE = Quantity(name="difference", unit="1/eV", column="difference")
"""Difference of spectra with an edge integral of 1, aligned and corrected as published (SI 8)."""

REQUEST = TemperatureSeriesRequest()
WHERE = "No static spectrum yet. Start the plan Static energy scan or Temperature series."
FIRST_ALONE = "One temperature so far. Differences are relative to the first temperature of the series."


class StaticPanel(Panel):
    """Mean spectra per temperature above, their differences to the first temperature below."""

    title = "Powder"
    key = "static"
    position = 50
    run_kinds = ("static spectrum",)

    def __init__(self) -> None:
        super().__init__()
        self.spectra = LinePlot(ENERGY, MEASURED, compact=True)
        self.differences = LinePlot(ENERGY, DIFFERENCE)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.spectra)
        split.addWidget(self.differences)
        split.setSizes([450, 450])
        self.body.addWidget(split, 1)
        self._slot: AnswerSlot[TemperatureSeries] = AnswerSlot()

    def requests(self) -> Collection[Request[Any]]:
        """Return the request for the series."""
        return (REQUEST,)

    def plots(self) -> Iterable[LinePlot]:
        """Return the plots of spectra and differences against the energy in eV."""
        return (self.spectra, self.differences)

    def draw(self, frame: LiveFrame) -> None:
        """Replace the curves."""
        if not self._slot.changed(frame, REQUEST):
            return
        answer = frame.answer(REQUEST)
        if answer is None or answer.value is None:
            for plot in self.plots():
                plot.retain(())
            self.spectra.show_message(WHERE if answer is not None else problem_of(answer))
            self.differences.show_message("")
            return
        self._draw(answer.value.temperatures)

    def _draw(self, temperatures: tuple[AtTemperature, ...]) -> None:
        # Curves are named by their temperature, not by their run: repeated runs at one temperature are one curve, and a
        # curve keeps its colour and its place in the legend when another temperature is added.
        labels = [temperature_text(one) for one in temperatures]
        with_difference = [name for name, one in zip(labels, temperatures, strict=True) if one.difference is not None]
        self.spectra.show_message("")
        self.spectra.retain(labels)
        self.differences.retain(with_difference)
        for place, (name, one) in enumerate(zip(labels, temperatures, strict=True)):
            points = one.measured
            runs = f", {len(one.runs)} runs" if len(one.runs) > 1 else ""
            style = series_style(place, line="solid")
            label = f"{name}{runs}"
            self.spectra.set_curve(name, points.energy_ev, points.intensity, points.sigma, style=style, label=label)
            if one.difference is not None:
                points = one.difference.difference
                label = f"{name} - {labels[0]}"
                style = series_style(place)
                self.differences.set_curve(
                    name, points.energy_ev, points.intensity, points.sigma, style=style, label=label
                )
        self.differences.show_message("" if with_difference else _why_none(temperatures))
        for plot in self.plots():
            plot.show_all()


def temperature_text(one: AtTemperature) -> str:
    """Return the set temperature, or the reading of the thermocouple if no temperature was set."""
    return f"{one.temperature_c:.1f} °C" if one.setpoint_c is None else f"{one.setpoint_c:g} °C"


def _why_none(temperatures: tuple[AtTemperature, ...]) -> str:
    if len(temperatures) == 1:
        return FIRST_ALONE
    return next((one.problem for one in temperatures if one.problem), "")
