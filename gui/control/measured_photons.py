"""The forecast's photons, from the run under way."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

from gui.live.frame import LiveFrame
from gui.live.worker import LiveWorker
from gui.panels.panel import run_text
from gui.requests.xas.bunches import BunchRequest

PERIOD_MS = 2000
"""How often the forecast follows the run."""

REQUEST = BunchRequest("run")

WORTH_TELLING = 0.01
"""Relative change of the photons below which a predicted error stays as it is."""


class MeasuredPhotons(QObject):
    """Tells `told` the photons per pulse that `worker` sees in a live run, and where they were seen.

    The mean over all probes, summed over the photodiodes, corrected for pile-up; over all points of the run with the
    laser shutter open. A replay tells nothing: its beam is another one.
    """

    def __init__(self, worker: LiveWorker, told: Callable[[float, str], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._told = told
        self._latest = ("", 0.0)
        worker.want(self, [REQUEST])
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Tell the photons if they are others than those told last."""
        frame = self._worker.frame
        photons = measured_photons(frame)
        if photons is None or frame.run is None:
            return
        uid, before = self._latest
        if uid != frame.run.uid or abs(photons - before) > WORTH_TELLING * before:
            self._latest = (frame.run.uid, photons)
            self._told(photons, f"{photons:.3g} photons per pulse, measured in {run_text(frame.run)}")


def measured_photons(frame: LiveFrame) -> float | None:
    """Photons per X-ray pulse that all photodiodes see together in a live run; None if none were counted."""
    answer = frame.answer(REQUEST)
    if not frame.feed.live or answer is None or answer.value is None:
        return None
    photons = float(answer.value.photons_per_pulse.mean(axis=1).sum())
    return photons if photons > 0.0 else None
