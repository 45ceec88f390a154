"""The map of photons while it grows, and its profile at a chosen delay."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider

from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.panel import AnswerSlot, Panel, problem_of
from gui.panels.splitter import above_each_other
from gui.panels.tplm.quantities import DELAY_NS, LIGHT, PLACE
from gui.plots.line_plot import LinePlot
from gui.plots.map_plot import LogMapPlot
from gui.plots.styles import FIT, TRANSIENT
from gui.requests.tplm.maps import LiveMap, LiveMapRequest, PhotonMap, PhotonMapRequest
from gui.status.liveness import Liveness
from reduction.types import FloatArray

FIRST_SHOWN_NS = 0.1
"""Delay of the profile until a user chooses another, ns: just after the pulse."""


class PhotonMapPanel(Panel):
    """Light over delay and place, on a logarithmic scale, and the profile at one delay with its Gaussian."""

    title = "Photon map"
    key = "photon map"
    position = 61
    run_kinds = ("photoluminescence map",)

    def __init__(self) -> None:
        super().__init__()
        self.normalised = QCheckBox("Normalise every delay")
        self.normalised.setToolTip("Divide every delay by its brightest place, so that the widening shows")
        self.normalised.toggled.connect(self._redraw)
        self.delay = QSlider(Qt.Orientation.Horizontal)
        self.delay.setToolTip("Delay of the profile")
        self.delay.valueChanged.connect(self._redraw)
        self.chosen = QLabel("")
        self.map = LogMapPlot(DELAY_NS, PLACE, unit="1/(s ns)")
        self.profile = LinePlot(PLACE, LIGHT)
        self._maps: AnswerSlot[PhotonMap] = AnswerSlot()
        self._fits: AnswerSlot[LiveMap] = AnswerSlot()
        self._map: PhotonMap | None = None
        self._fit: LiveMap | None = None
        self._placed = False
        self._lay_out()

    def requests(self) -> Collection[Request[Any]]:
        """Return the requests for the map and for its fit."""
        return (PhotonMapRequest(), LiveMapRequest())

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot of the profile, photons per s and ns against um."""
        return (self.profile,)

    def show_liveness(self, liveness: Liveness) -> None:
        """Show whether the panel is live, in the map as well."""
        super().show_liveness(liveness)
        self.map.canvas.mark(liveness.watermark)

    def draw(self, frame: LiveFrame) -> None:
        """Replace map and profile."""
        # Map and fit come in answers of their own: the map at every exposure, the fit when it is done. Both have to be
        # asked, as the question also marks the answer as seen.
        new_map = self._maps.changed(frame, PhotonMapRequest())
        new_fit = self._fits.changed(frame, LiveMapRequest())
        if not new_map and not new_fit:
            return
        answer = frame.answer(PhotonMapRequest())
        fit = frame.answer(LiveMapRequest())
        self._map = None if answer is None else answer.value
        self._fit = None if fit is None else fit.value
        self.map.canvas.show_message(problem_of(answer))
        self._redraw()

    def _redraw(self, *_: object) -> None:
        found = self._map
        if found is None:
            self.map.clear()
            self.profile.retain(())
            self.chosen.setText("")
            return
        self.delay.setMaximum(len(found.delay_ns) - 1)
        if not self._placed:
            # The first delays lie before the pulse, where nothing is seen; from then on the choice is the user's.
            self._placed = True
            self.delay.setValue(int(np.searchsorted(found.delay_ns, FIRST_SHOWN_NS)))
        self.map.unit = "of the brightest place" if self.normalised.isChecked() else LIGHT.unit
        # Ticks are at cells, whose delays have the digits of time zero.
        delay_ns = found.delay_ns.round(3)
        self.map.show_map((DELAY_NS, delay_ns), (PLACE, found.x_um.round(3)), self._shown(found.light))
        self._draw_profile(found, self.delay.value())

    def _shown(self, light: FloatArray) -> FloatArray:
        if not self.normalised.isChecked():
            return light
        with np.errstate(invalid="ignore", divide="ignore"):
            # Places that are not measured yet are NaN, and a delay of nothing but NaN has no brightest place.
            top = np.nanmax(np.where(np.isfinite(light).any(axis=1, keepdims=True), light, -np.inf), axis=0)
            return np.asarray(np.where(top > 0, light / top, np.nan))

    def _draw_profile(self, found: PhotonMap, column: int) -> None:
        measured = np.isfinite(found.light[:, column])
        light = found.light[measured, column]
        sigma = found.sigma[measured, column]
        self.chosen.setText(f"profile at {found.delay_ns[column]:.2f} ns")
        place = self._without_drift(found)[measured]
        self.profile.set_curve("profile", place, light, sigma, style=TRANSIENT, label="measured")
        curve = self._gaussian(found, column)
        if curve is None:
            self.profile.remove_curve("gaussian")
        else:
            self.profile.set_curve("gaussian", *curve, style=FIT, label="fit of the whole map")
        self.profile.show_all()

    def _without_drift(self, found: PhotonMap) -> FloatArray:
        """Return the places relative to the image, um: as if it had stood all the time where it was in mid-map."""
        # Even places are measured before odd ones, so the drift would set them apart from each other and the curve.
        if self._fit is None:
            return found.x_um
        order = (found.number + 0.5) / self._fit.measured - 0.5
        return np.asarray(found.x_um - 1e-3 * self._fit.results.fit.value("drift").value * order)

    def _gaussian(self, found: PhotonMap, column: int) -> tuple[FloatArray, FloatArray] | None:
        """Return the fitted profile at a delay within the fit, um and photons per s and ns; None elsewhere."""
        if self._fit is None:
            return None
        results = self._fit.results
        fit = results.fit
        delay = float(found.delay_ns[column])
        if not fit.delay_ns[0] <= delay <= fit.delay_ns[-1]:
            return None
        per_pulse = float(np.interp(delay, fit.delay_ns, fit.light))
        variance = float(np.interp(delay, fit.delay_ns, fit.variance_nm2))
        # Photons per pulse and channel become photons per second and ns by the rate over the width of a channel.
        width_ns = float(np.diff(fit.delay_ns).mean())
        scale = 1e6 * results.conditions.rate_mhz / width_ns
        place = np.linspace(found.x_um[0], found.x_um[-1], 200)
        squared = (1e3 * place - fit.value("centre").value) ** 2
        shape = np.exp(-squared / (2 * variance))
        # What earlier pulses left has the shape of the image, but wider.
        left = fit.value("left").value * np.exp(-squared / (2 * fit.value("left_width").value))
        return place, np.asarray(scale * (per_pulse * shape + left + fit.value("background").value))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.normalised)
        row.addWidget(self.delay, 1)
        row.addWidget(self.chosen)
        self.body.addLayout(row)
        self.body.addWidget(above_each_other(self.map, self.profile), 1)
