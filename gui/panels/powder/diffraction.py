"""The panel of the Pilatus: the latest image and its powder pattern."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from errors import ReductionError
from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.context import PanelContext
from gui.panels.panel import AnswerSlot, Panel, problem_of
from gui.panels.splitter import above_each_other
from gui.plots.axis import Q, Quantity
from gui.plots.image_plot import ImagePlot
from gui.plots.line_plot import LinePlot
from gui.plots.styles import CurveStyle
from gui.requests.powder.diffraction import DiffractionRequest, IntegratedImage
from gui.status.liveness import Liveness
from reduction.powder.diffraction import DetectorGeometry
from reduction.powder.series import geometry_of

INTENSITY = Quantity(name="intensity", unit="counts per pixel", column="intensity")
PATTERN = CurveStyle(role="off", width_px=1.2)


class DiffractionPanel(Panel):
    """Image and pattern, with region and masks for both. `geometry`: for runs that do not record it.

    It does not come to the front by itself: the images of a temperature series would hide its spectra.
    """

    title = "Pilatus"
    key = "pilatus"
    position = 60

    def __init__(self, geometry: DetectorGeometry | None = None) -> None:
        super().__init__()
        self._configured = self._geometry = geometry or DetectorGeometry()
        self.image = ImagePlot()
        self.image.region_changed.connect(self.requests_changed)
        self.pattern = LinePlot(Q, INTENSITY)
        self.body.addWidget(above_each_other(self.image, self.pattern), 1)
        self._slot: AnswerSlot[IntegratedImage] = AnswerSlot()

    @classmethod
    def for_beamline(cls, context: PanelContext) -> DiffractionPanel:
        """Return the panel for the detector in `context`, whose geometry is in m."""
        return cls(context.geometry)

    def requests(self) -> Collection[Request[Any]]:
        """Return the request for the latest image, shape (rows, columns), with its pattern against Q, 1/Å."""
        return (self._request(),)

    def plots(self) -> Iterable[LinePlot]:
        """Return the plot of the pattern."""
        return (self.pattern,)

    def forget_run(self) -> None:
        """Remove the image of the previous run."""
        self.image.show_image(None)
        self.pattern.retain(())

    def show_liveness(self, liveness: Liveness) -> None:
        """Show whether image and pattern are live."""
        super().show_liveness(liveness)
        self.image.canvas.mark(liveness.watermark)

    def draw(self, frame: LiveFrame) -> None:
        """Replace image and pattern; after a change of the region the old ones stay until the new ones are computed.

        A recorded geometry that raises an error is replaced by the configured one, and the error is shown in the plot.
        """
        # The geometry is part of the request. A run that records another one than the configured, as a stored run of
        # last year, changes the request, which the window asks for with its next turn. Until then the old answer stays.
        geometry = self._recorded_geometry(frame)
        if geometry != self._geometry:
            self._geometry = geometry
            self.requests_changed.emit()
        request = self._request()
        answer = frame.answer(request)
        if answer is None or not self._slot.changed(frame, request):
            return
        self.image.canvas.show_message(problem_of(answer))
        self._draw(answer.value)

    def _draw(self, found: IntegratedImage | None) -> None:
        self.image.show_image(None if found is None else found.image)
        if found is None or found.pattern is None:
            self.pattern.retain(())
            self.pattern.show_message(found.problem if found else "")
            return
        self.pattern.show_message("")
        where = "region" if self.image.region else "whole image"
        label = f"image {found.reference.index + 1}, {where}"
        pattern = found.pattern
        self.pattern.set_curve(
            "pattern", pattern.q_inv_angstrom, pattern.intensity, pattern.sigma, style=PATTERN, label=label
        )
        self.pattern.show_all()

    def _recorded_geometry(self, frame: LiveFrame) -> DetectorGeometry:
        if frame.run is None or "geometry" not in frame.run.start:
            return self._configured
        try:
            return geometry_of(frame.run.start)
        except ReductionError as error:
            self.pattern.show_message(str(error))
            return self._configured

    def _request(self) -> DiffractionRequest:
        return DiffractionRequest(geometry=self._geometry, masked=self.image.masked, region=self.image.region)
