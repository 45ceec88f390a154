"""Photons per pulse of the current run, for the forecast."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

from gui.live.frame import LiveFrame
from gui.live.words import run_text
from gui.live.worker import LiveWorker
from gui.requests.xas.bunches import BunchRequest

PERIOD_MS = 2000
"""Interval at which the run is checked for new photons, ms."""

REQUEST = BunchRequest("run")

REPORTED_CHANGE = 0.01
"""Smaller relative changes are not reported; the forecast would not change visibly."""


class MeasuredPhotons(QObject):
    """Reporter that calls `report` with the photons per pulse of the live run of `worker`, and the name of the run.

    The number is the mean over all probes and all points of the run with the laser shutter open, summed over the
    photodiodes and corrected for pile-up. A replay reports nothing, because its beam is not the current one.
    """

    def __init__(
        self, worker: LiveWorker, report: Callable[[float, str], object], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._report = report
        self._latest = ("", 0.0)
        worker.want(self, [REQUEST])
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()

    def poll(self) -> None:
        """Report the photons per pulse if they differ by more than 1 % from the last report, or for a new run."""
        frame = self._worker.frame
        photons = measured_photons(frame)
        if photons is None or frame.run is None:
            return
        # The mean of a run changes a little with every exposure; the forecast is updated only for changes that are
        # visible in it. Another run is always reported, because its name is part of the text.
        uid, before = self._latest
        if uid != frame.run.uid or abs(photons - before) > REPORTED_CHANGE * before:
            self._latest = (frame.run.uid, photons)
            self._report(photons, f"{photons:.3g} photons per pulse, measured in {run_text(frame.run)}")


def measured_photons(frame: LiveFrame) -> float | None:
    """Return the photon counts per X-ray pulse of all photodiodes together in a live run; None without any."""
    answer = frame.answer(REQUEST)
    if not frame.feed.live or answer is None or answer.value is None:
        return None
    photons = float(answer.value.photons_per_pulse.mean(axis=1).sum())
    return photons if photons > 0.0 else None
