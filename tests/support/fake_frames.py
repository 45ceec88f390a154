"""A device in memory that plays a table at once, and keeps the frames of it, as sequencer and fly scans do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from ophyd.status import Status

from devices.beamline import Beamline
from devices.exposure.frames import BoxcarFrame, SpcFrame
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.point_reader import PointDevices
from tests.support.fake_beamline import GATES_PER_S

SLOTS = 32
"""Values of watched signals in a frame."""

Frame = TypeVar("Frame")
Entry = TypeVar("Entry")


class FakeFrames(Generic[Frame, Entry]):
    """Frames in memory, made of the entries of a table.

    `spoil` changes a frame before it is published; `cut_short` ends the table at the next frame.
    """

    parent = None
    connected = True

    def __init__(self, line: Beamline) -> None:
        self.frames: list[Frame] = []
        self.tables: list[list[Entry]] = []
        self.cuts = 0
        self.spoil: Callable[[Frame], Frame] = lambda frame: frame
        self.watched: list[str] = []
        self._line = line
        self._token = 0

    @property
    def watch(self) -> Any:
        watched = self.watched

        class Watch:
            def get(self) -> str:
                return " ".join(watched)

        return Watch()

    def arm(self, entries: Sequence[Entry], *, token: int, watch: Sequence[str]) -> None:
        self.tables.append(list(entries))
        self.watched = list(watch)
        self._token = token

    def start(self, duration_s: float) -> Status:
        cuts = self.cuts
        for entry in self.tables[-1]:
            self._play(entry, cuts)
            if self.cuts > cuts:
                break
        status = Status(timeout=duration_s + 10)
        status.set_finished()
        return status

    def _play(self, entry: Entry, cuts: int) -> None:
        """Publish the frames of an entry, until one is cut short."""
        raise NotImplementedError

    def stop(self, *, success: bool = False) -> None:
        """There is never a table under way."""

    def cut_short(self) -> None:
        self.cuts += 1

    def latest_number(self) -> int:
        return len(self.frames)

    def frames_from(self, number: int) -> list[Frame]:
        return self.frames[number - 1 : number + 31]

    def slot(self, signal: Any) -> int:
        """Place of a signal among the watched ones."""
        return self.watched.index(signal.pvname)

    def _reading(self, seconds: float, shutter: int) -> ExposureReading:
        """Return what the detectors have counted in the next frame."""
        exposure_id = 100 + len(self.frames) + 1
        spc = SpcFrame(
            exposure_id=exposure_id, exposure_s=seconds, laser_shutter=shutter,
            counts=np.full((2, 5), 1000), pulses=np.full(5, int(GATES_PER_S * seconds)),
        )  # fmt: skip
        boxcar = BoxcarFrame(
            exposure_id=exposure_id, exposure_s=seconds, laser_shutter=shutter,
            mean=np.full(5, 0.008), variance=np.full(5, 1e-10), covariance=np.zeros(10),
        )  # fmt: skip
        return ExposureReading(spc=spc, boxcar=boxcar, i0=1e6 * seconds, foil=4e5 * seconds)

    def _values(self, moved: dict[str, float]) -> Any:
        """Return the values of the watched signals; `moved` are those, by PV, that the hardware moves itself."""
        known: dict[str, Any] = {}
        # The first signal of a PV counts: those of the axes and of the laser, which the fake hardware moves.
        for one in self._line.signals():
            known.setdefault(one.pvname, one.get())
        known |= moved
        found = [float(known[pv]) for pv in self.watched]
        return np.array(found + [np.nan] * (SLOTS - len(found)))


def devices_of(line: Beamline) -> PointDevices:
    """Return the devices that a reader of frames needs."""
    return PointDevices(axes=line.axes, exposure=line.exposure, laser=line.laser, surroundings=line.surroundings)
