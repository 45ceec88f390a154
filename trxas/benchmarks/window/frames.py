"""Frames per second with new data in every frame: the plots of the window, and plain pyqtgraph."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Signal, SignalInstance
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QApplication, QGridLayout, QWidget

from gui.plots.axis import ENERGY, Quantity
from gui.plots.image_plot import ImagePlot
from gui.plots.line_plot import LinePlot
from gui.plots.styles import CurveStyle
from trxas.benchmarks.window.synthetic_run import IMAGE_SHAPE, POINTS, SCANS

PLOTS = 4
SIZE_PX = (1600, 1000)
IMAGE_PERIOD_S = 0.1
VARIANTS = 20
"""Number of data sets, made in advance and shown in turn: making random numbers is not part of the measurement."""

SETTLING_FRAMES = 10
"""Frames before the measurement starts."""

LONGEST_FRAME_S = 5.0
"""Time after which a frame is given up."""

FloatArray = NDArray[np.float64]


class PaintedPlot(Protocol):
    """A widget with the Qt signal `painted`."""

    painted: SignalInstance


class Content(Protocol):
    """Plots under test."""

    @property
    def widget(self) -> QWidget:
        """The widget that holds all plots."""

    @property
    def painted(self) -> Sequence[PaintedPlot]:
        """The plots whose paint events count."""

    def show_scans(self, plot: int, scans: Sequence[FloatArray], sigma: FloatArray) -> None:
        """Replace all curves of a plot; each scan and `sigma` have the shape (energies,)."""

    def show_image(self, image: FloatArray) -> None:
        """Replace the image, shape (rows, columns) in counts."""


class WindowContent:
    """Four plots of ten scans with error bars, and an image, from the widgets of the window."""

    def __init__(self, energy_ev: FloatArray) -> None:
        self._energy_ev = energy_ev
        self.plots = [LinePlot(ENERGY, Quantity(name="difference")) for _ in range(PLOTS)]
        self.image = ImagePlot()
        self.widget = _grid([*self.plots, self.image])
        self.painted: Sequence[PaintedPlot] = [plot.canvas for plot in self.plots]

    def show_scans(self, plot: int, scans: Sequence[FloatArray], sigma: FloatArray) -> None:
        """Replace all curves of a plot; each scan and `sigma` have the shape (energies,)."""
        shown = self.plots[plot]
        for number, values in enumerate(scans):
            style = CurveStyle(role=f"series {number}", width_px=1.0)
            shown.set_curve(f"scan_{number + 1}", self._energy_ev, values, sigma, style=style)
        shown.show_all()

    def show_image(self, image: FloatArray) -> None:
        """Replace the image, shape (rows, columns) in counts."""
        self.image.show_image(image)


class _NaivePlot(pg.PlotWidget):
    painted = Signal()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        self.painted.emit()


class NaiveContent:
    """The same content as the pyqtgraph documentation suggests: PlotWidget, ErrorBarItem, showGrid, ImageItem."""

    def __init__(self, energy_ev: FloatArray) -> None:
        self._energy_ev = energy_ev
        self.plots = [_NaivePlot() for _ in range(PLOTS)]
        self._curves = []
        self._bars = []
        for plot in self.plots:
            plot.showGrid(x=True, y=True)
            plot.addLegend()
            plot.setLabel("bottom", "energy (eV)")
            self._curves.append([plot.plot(pen=pg.intColor(n), name=f"scan {n + 1}") for n in range(SCANS)])
            self._bars.append([pg.ErrorBarItem(pen=pg.intColor(number)) for number in range(SCANS)])
            for bars in self._bars[-1]:
                plot.addItem(bars)
        image = pg.PlotWidget()
        self._image = pg.ImageItem(axisOrder="row-major")
        image.addItem(self._image)
        self.widget = _grid([*self.plots, image])
        self.painted: Sequence[PaintedPlot] = list(self.plots)

    def show_scans(self, plot: int, scans: Sequence[FloatArray], sigma: FloatArray) -> None:
        """Replace all curves of a plot; each scan and `sigma` have the shape (energies,)."""
        for curve, bars, values in zip(self._curves[plot], self._bars[plot], scans, strict=True):
            curve.setData(self._energy_ev, values)
            bars.setData(x=self._energy_ev, y=values, height=2.0 * sigma)

    def show_image(self, image: FloatArray) -> None:
        """Replace the image, shape (rows, columns) in counts."""
        self._image.setImage(np.log1p(image))


def frames_per_second(application: QApplication, make: Callable[[FloatArray], Content], seconds: float) -> float:
    """Return the number of frames per second in which every plot has painted new data, over `seconds`, s."""
    rng = np.random.default_rng(5)
    energy_ev = np.linspace(13_450.0, 13_570.0, POINTS)
    sigma = np.full(POINTS, 1e-3)
    shape = 0.02 * np.sin((energy_ev - 13_450.0) / 6.0)
    sets = [[shape + rng.normal(0, 1e-3, POINTS) for _ in range(SCANS)] for _ in range(VARIANTS)]
    images = [rng.poisson(20.0, IMAGE_SHAPE).astype(float) for _ in range(VARIANTS)]
    content = make(energy_ev)
    content.widget.resize(*SIZE_PX)
    content.widget.show()
    try:
        return _count(application, content, sets, sigma, images, seconds)
    finally:
        content.widget.close()
        content.widget.deleteLater()


def _count(
    application: QApplication, content: Content, sets: Sequence[Sequence[FloatArray]], sigma: FloatArray,
    images: Sequence[FloatArray], seconds: float,
) -> float:  # fmt: skip
    waiting: set[int] = set()
    for number, canvas in enumerate(content.painted):
        canvas.painted.connect(lambda number=number: waiting.discard(number))
    # The first frames include the layout of the plots; they are drawn and not counted.
    frames = -SETTLING_FRAMES
    image_at = 0.0
    began = 0.0
    while True:
        now = time.perf_counter()
        if frames == 0:
            began = now
        elif frames > 0 and now - began >= seconds:
            return frames / (now - began)
        if now - image_at >= IMAGE_PERIOD_S:
            content.show_image(images[frames % VARIANTS])
            image_at = now
        for plot in range(PLOTS):
            content.show_scans(plot, sets[(frames + plot) % VARIANTS], sigma)
        # A frame counts when every plot has painted it: setting data alone is cheap, and Qt merges repaints that come
        # too fast.
        waiting.update(range(PLOTS))
        while waiting and time.perf_counter() - now < LONGEST_FRAME_S:
            application.processEvents()
        frames += 1


def _grid(widgets: Sequence[QWidget]) -> QWidget:
    holder = QWidget()
    layout = QGridLayout(holder)
    for number, widget in enumerate(widgets):
        layout.addWidget(widget, number // 3, number % 3)
    return holder
