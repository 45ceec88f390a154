"""The sequencer: hardware that steps delay and shutter through a table, and counts a numbered frame at each row."""

from __future__ import annotations

from collections.abc import Sequence

from ophyd import EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.configuration import ExposureSettings, SequencerSettings
from devices.exposure.frame_player import FramePlayer
from devices.exposure.sequence_frames import FrameLayout, SequenceStep, table_of
from devices.signals.uncached_signal import put_and_wait


class Sequencer(FramePlayer):
    """The sequencer's records; frames are parsed by the gates of the exposure."""

    settle = FCpt(EpicsSignal, "{_prefix}{_settings.settle}", kind="omitted")

    def __init__(self, settings: SequencerSettings, exposure: ExposureSettings, *, prefix: str, name: str) -> None:
        layout = FrameLayout(exposure, watched=settings.watched, pv=prefix + settings.frames)
        super().__init__(settings, layout, prefix=prefix, name=name)

    def arm(self, steps: Sequence[SequenceStep], *, token: int, watch: Sequence[str]) -> None:
        """Make the sequencer ready to play `steps`, with the range of the PVs named in `watch` in each frame.

        Raises AcquisitionError with the sequencer's own reason if it refuses, NotConnectedError if unanswered.
        """
        put_and_wait(self.settle, self.settings.settle_s)
        self.arm_rows(table_of(steps), f"{len(steps)} frames", token=token, watch=watch)
