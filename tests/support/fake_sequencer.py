"""A sequencer in memory: it plays a table at once, and its frames show what the signals of a fake beamline show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from devices.beamline import Beamline
from devices.configuration import SequencerSettings
from devices.exposure.sequence_frames import SequenceFrame, SequenceStep
from devices.exposure.sequence_reader import SequenceReader
from tests.support.fake_beamline import GATES_PER_S
from tests.support.fake_frames import FakeFrames, devices_of

DWELL_PER_FRAME_S = 0.03
"""Time between the ends of two frames, s."""


class FakeSequencer(FakeFrames[SequenceFrame, SequenceStep]):
    """Frames in memory, one per step."""

    name = "sequencer"
    frames_source = "7idd:seq:Frames"

    def __init__(self, settings: SequencerSettings, line: Beamline) -> None:
        super().__init__(line)
        self.settings = settings
        self.pvname = "seq"

    def _play(self, entry: SequenceStep, cuts: int) -> None:
        self.frames.append(self.spoil(self._frame(entry)))

    def _frame(self, step: SequenceStep) -> SequenceFrame:
        number = len(self.frames) + 1
        delay = self._line.delay
        values = self._values({delay.coarse_readback.pvname: step.coarse_s, delay.fine_readback.pvname: step.fine_ps})
        return SequenceFrame(
            number=number, token=self._token, place=step.place, part=step.part, begin_s=number * DWELL_PER_FRAME_S,
            end_s=(number + 1) * DWELL_PER_FRAME_S, low=values, high=values, last=values,
            reading=self._reading(step.dwell_s, step.place[2]),
        )  # fmt: skip


def with_sequencer(line: Beamline) -> tuple[Beamline, FakeSequencer]:
    """Return a beamline in memory with a sequencer."""
    assert line.configuration.sequencer is not None
    sequencer = FakeSequencer(line.configuration.sequencer, line)
    quality = line.configuration.quality
    stand_in: Any = sequencer
    reader = SequenceReader(devices_of(line), stand_in, quality=quality, pulses_per_s=GATES_PER_S)
    return replace(line, sequences=reader), sequencer
