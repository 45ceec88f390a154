"""A sequencer in memory: it plays a table at once, and its frames show what the signals of a fake beamline show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ophyd.status import Status

from devices.beamline import Beamline
from devices.configuration import SequencerSettings
from devices.exposure.frames import BoxcarFrame, SpcFrame
from devices.exposure.gated_detectors import ExposureReading
from devices.exposure.point_reader import PointDevices
from devices.exposure.sequence_frames import SequenceFrame, SequenceStep
from devices.exposure.sequence_reader import SequenceReader
from tests.support.fake_beamline import GATES_PER_S

SLOTS = 32
DWELL_PER_FRAME_S = 0.03
"""Time between the ends of two frames, s."""


class FakeSequencer:
    """Frames in memory. `spoil` changes a frame before it is published; `stop_after` frames a table ends early."""

    name = "sequencer"
    parent = None
    connected = True
    frames_source = "7idd:seq:Frames"

    def __init__(self, settings: SequencerSettings, line: Beamline) -> None:
        self.settings = settings
        self.pvname = "seq"
        self.frames: list[SequenceFrame] = []
        self.tables: list[list[SequenceStep]] = []
        self.cuts = 0
        self.spoil: Callable[[SequenceFrame], SequenceFrame] = lambda frame: frame
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

    def arm(self, steps: Sequence[SequenceStep], *, token: int, watch: Sequence[str]) -> None:
        self.tables.append(list(steps))
        self.watched = list(watch)
        self._token = token

    def start(self, duration_s: float) -> Status:
        for step in self.tables[-1]:
            cuts = self.cuts
            self.frames.append(self.spoil(self._frame(step)))
            if self.cuts > cuts:
                break
        status = Status(timeout=duration_s + 10)
        status.set_finished()
        return status

    def stop(self, *, success: bool = False) -> None:
        """There is never a sequence under way."""

    def cut_short(self) -> None:
        self.cuts += 1

    def latest_number(self) -> int:
        return len(self.frames)

    def frames_from(self, number: int) -> list[SequenceFrame]:
        return self.frames[number - 1 : number + 31]

    def _frame(self, step: SequenceStep) -> SequenceFrame:
        number = len(self.frames) + 1
        shutter = step.place[2]
        pulses = np.full(5, int(GATES_PER_S * step.dwell_s))
        spc = SpcFrame(
            exposure_id=100 + number, exposure_s=step.dwell_s, laser_shutter=shutter,
            counts=np.full((2, 5), 1000), pulses=pulses,
        )  # fmt: skip
        boxcar = BoxcarFrame(
            exposure_id=100 + number, exposure_s=step.dwell_s, laser_shutter=shutter,
            mean=np.full(5, 0.008), variance=np.full(5, 1e-10), covariance=np.zeros(10),
        )  # fmt: skip
        values = self._values(step)
        return SequenceFrame(
            number=number, token=self._token, place=step.place, part=step.part, begin_s=number * DWELL_PER_FRAME_S,
            end_s=(number + 1) * DWELL_PER_FRAME_S, low=values, high=values, last=values,
            reading=ExposureReading(spc=spc, boxcar=boxcar, i0=1e6 * step.dwell_s, foil=4e5 * step.dwell_s),
        )  # fmt: skip

    def _values(self, step: SequenceStep) -> Any:
        line = self._line
        # The first signal of a PV counts: those of the axes and of the laser, which the fake hardware moves.
        known: dict[str, Any] = {}
        for one in line.signals():
            known.setdefault(one.pvname, one.get())
        known[line.delay.coarse_readback.pvname] = step.coarse_s
        known[line.delay.fine_readback.pvname] = step.fine_ps
        found = [float(known[pv]) for pv in self.watched]
        return np.array(found + [np.nan] * (SLOTS - len(found)))

    def slot(self, signal: Any) -> int:
        """Place of a signal among the watched ones."""
        return self.watched.index(signal.pvname)


def with_sequencer(line: Beamline) -> tuple[Beamline, FakeSequencer]:
    """Return a beamline in memory with a sequencer."""
    assert line.configuration.sequencer is not None
    sequencer = FakeSequencer(line.configuration.sequencer, line)
    devices = PointDevices(axes=line.axes, exposure=line.exposure, laser=line.laser, surroundings=line.surroundings)
    quality = line.configuration.quality
    stand_in: Any = sequencer
    reader = SequenceReader(devices, stand_in, quality=quality, pulses_per_s=GATES_PER_S)
    return replace(line, sequences=reader), sequencer
