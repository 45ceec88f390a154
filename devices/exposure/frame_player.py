"""Hardware that plays a table by itself and counts numbered frames: what sequences and fly scans have in common.

Nothing that a client does comes between two frames. Frames are read by number, from a ring of the latest ones, so that
a slow or a new session misses none and reads none twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt
from ophyd.status import DeviceStatus

from devices.configuration import FlySettings, SequencerSettings
from devices.exposure.sequence_frames import FrameLayout, SequenceFrame
from devices.signals.move_status import MoveStatus, finish
from devices.signals.uncached_signal import (
    FreshSignalRO,
    put_and_wait,
    put_with_completion,
    put_without_completion,
    read_together,
)
from devices.types import FloatArray
from errors import AcquisitionError

IDLE_POLL_S = 0.01

STATES = ("Idle", "Armed", "Running")
"""States of a player, in the order of their numbers."""

READ_AGAIN = 3
"""Attempts at one block of frames, while another client chooses a different one in between."""


class FramePlayer(Device):
    """The records of a player; `layout` parses its frames, `what` names what it plays in messages."""

    what = "a sequence"

    table = FCpt(EpicsSignal, "{_prefix}{_settings.table}", kind="omitted")
    watch = FCpt(EpicsSignal, "{_prefix}{_settings.watch}", kind="omitted", string=True)
    token = FCpt(EpicsSignal, "{_prefix}{_settings.token}", kind="omitted")
    arm_table = FCpt(EpicsSignal, "{_prefix}{_settings.arm}", kind="omitted")
    run = FCpt(EpicsSignal, "{_prefix}{_settings.run}", kind="omitted")
    read_from = FCpt(EpicsSignal, "{_prefix}{_settings.read_from}", kind="omitted")
    state = FCpt(FreshSignalRO, "{_prefix}{_settings.state}", kind="omitted")
    message = FCpt(FreshSignalRO, "{_prefix}{_settings.message}", kind="omitted", string=True)
    latest = FCpt(FreshSignalRO, "{_prefix}{_settings.latest}", kind="omitted")
    frames = FCpt(FreshSignalRO, "{_prefix}{_settings.frames}", kind="omitted")

    def __init__(
        self, settings: SequencerSettings | FlySettings, layout: FrameLayout, *, prefix: str, name: str
    ) -> None:
        self._settings = settings
        self._prefix = prefix
        self._layout = layout
        super().__init__("", name=name)

    @property
    def settings(self) -> Any:
        """Configured PVs and limits."""
        return self._settings

    @property
    def frames_source(self) -> str:
        """Name of the PV with the frames."""
        return str(self.frames.pvname)

    def arm_rows(self, rows: FloatArray, what: str, *, token: int, watch: Sequence[str]) -> None:
        """Make the player ready for a table, flat, with the range of the PVs named in `watch` in each frame.

        Raises AcquisitionError with the player's own reason if it refuses `what`, NotConnectedError if unanswered.
        """
        # The table comes last but one, and arming last: the player checks the table with the settings that stand then.
        put_and_wait(self.token, token)
        put_and_wait(self.watch, " ".join(watch))
        put_and_wait(self.table, rows)
        put_and_wait(self.arm_table, 1)
        # A refusal is not a failed put: the record accepts the 1, and only state and message show that it did not arm.
        found = read_together({"state": self.state, "message": self.message})
        if int(found["state"]) != STATES.index("Armed"):
            raise AcquisitionError(
                f"{self.arm_table.pvname} did not arm {what}: {_text(found['message'])}. Measure with "
                f'stepping="software", or correct {self.what}.'
            )

    def start(self, duration_s: float) -> DeviceStatus:
        """Play the armed table, of `duration_s` seconds; the status is done at its end, or when it is stopped."""
        status = MoveStatus(
            self,
            what=f"{self.what} of {duration_s:g} s",
            pvs=[self.run.pvname],
            timeout_s=duration_s + self._settings.margin_s,
        )
        status.begin_by(lambda: put_with_completion(self.run, 1, lambda **_: finish(status)))
        return status

    def cut_short(self) -> None:
        """Stop the frame under way and the sequence, without waiting; raises NotConnectedError as a put does."""
        if self.run.connected:
            put_without_completion(self.run, 0)

    def stop(self, *, success: bool = False) -> None:
        """Stop the sequence and wait until its last frame is in the ring; raises AcquisitionError if it continues."""
        del success
        if not self.connected:
            return
        if not self._is_running():
            return
        self.cut_short()
        deadline = time.monotonic() + self._settings.margin_s
        while self._is_running():
            if time.monotonic() > deadline:
                raise AcquisitionError(
                    f"{self.state.pvname} still shows {self.what} under way {self._settings.margin_s:g} s after it was "
                    "stopped. Restart its IOC."
                )
            time.sleep(IDLE_POLL_S)

    def latest_number(self) -> int:
        """Return the number of the latest frame, requested from the server; raises NotConnectedError."""
        return int(read_together({"latest": self.latest})["latest"])

    def frames_from(self, number: int) -> list[SequenceFrame]:
        """Return the frames from `number` on, as many as fit into one answer; none if there is none yet.

        It begins with the oldest frame of the ring if `number` is not in there any more. Raises AcquisitionError if
        another client keeps asking for other frames, NotConnectedError if unanswered.
        """
        # Choosing the first frame and reading are two requests: another client may choose between them, so the answer
        # is checked, and asked for again.
        for _ in range(READ_AGAIN):
            put_and_wait(self.read_from, number)
            found = self._layout.parse(read_together({"frames": self.frames})["frames"])
            if not found or found[0].number >= number:
                return found
        raise AcquisitionError(
            f"{self.frames.pvname} shows frames from {found[0].number} on, not from {number}: another client reads "
            "them too. Stop it, and resume the run."
        )

    def _is_running(self) -> bool:
        return int(read_together({"state": self.state})["state"]) == STATES.index("Running")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(bytearray(int(one) for one in value)).decode().rstrip("\0")
