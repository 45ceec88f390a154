"""Sequencer: hardware that steps the laser delay through a table, counts a frame at each setting, and numbers it.

One command arms a table, another runs it; put completion of the second comes at the end. No client takes part in
between. Frames go into a ring, from which they are read by number, so a client that was away misses none.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import RecordBusyError, SimulationInputError
from sim.ioc.acquisition import Acquisition
from sim.ioc.frame_ring import BLOCK, RING, FrameRing
from sim.ioc.laser import SHUTTER_TIME_S, Laser
from sim.ioc.record_fields import lengthen, post, resize
from sim.ioc.sequence_table import COLUMNS, SequenceRow, parse_table
from sim.ioc.timing import Timing
from sim.ioc.watchdog import NONE, text_record
from sim.ioc.watched_pv import Resolve, WatchedPvs
from sim.physics.beamline_state import Stretch
from sim.types import FloatArray

WATCHED = 32
"""PVs whose lowest and highest values are in each frame."""

HEAD = 7
"""Numbers at the begin of a frame: token, scan index, point index, begin s, end s, I0, foil (counts)."""

SETTLE_S = 0.02
"""Beam time until the laser's phase has followed a step of the delay, with the gates closed: as for single moves."""

NAMES_LENGTH = 4096
"""Characters of the list of watched PVs."""

CATCH_UP_S = 1.0
"""Wall time by which the server may be late and still catch up with the timetable, s."""

SHORTEST_S = 1e-6
"""Shortest frame that is published, s: a sequence that is stopped at the begin of a frame has not counted it."""


@dataclass(frozen=True, kw_only=True)
class SequencedDevices:
    """Devices that a sequence steps, and those that count."""

    acquisition: Acquisition
    timing: Timing
    laser: Laser


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A frame whose gates have closed, and which is not published yet; times since the epoch, s."""

    row: SequenceRow
    begin_s: float
    end_s: float
    counted_s: float
    stretches: list[Stretch]
    evidence: FloatArray


class Sequencer(PVGroup):
    """Records of the sequencer, and the sequence that it plays."""

    table = pvproperty(
        name="7idd:seq:Table", value=[0.0], record="waveform", dtype=float,
        doc="Rows: s, coarse s, fine ps, shutter, labels",
    )  # fmt: skip
    watch = pvproperty(
        name="7idd:seq:Watch", value="", dtype=ChannelType.CHAR, max_length=NAMES_LENGTH,
        doc="PVs whose range is in each frame, by spaces",
    )  # fmt: skip
    token = pvproperty(
        name="7idd:seq:Token", value=0, record="longout", dtype=int, doc="Number of the run, repeated by its frames"
    )
    settle = pvproperty(
        name="7idd:seq:SettleS", value=SETTLE_S, record="ao", dtype=float, units="s", precision=4,
        lower_ctrl_limit=0.0, upper_ctrl_limit=10.0, doc="Gates closed after a step of the delay",
    )  # fmt: skip
    arm = pvproperty(
        name="7idd:seq:Arm", value="Done", record="bo", dtype=ChannelType.ENUM, enum_strings=["Done", "Arm"],
        doc="Checks the table and makes it ready",
    )  # fmt: skip
    run = pvproperty(
        name="7idd:seq:Run", value="Stop", record="bo", dtype=ChannelType.ENUM, enum_strings=["Stop", "Run"],
        doc="Plays the table; completes at its end",
    )  # fmt: skip
    state = pvproperty(
        name="7idd:seq:State", value="Idle", record="mbbi", dtype=ChannelType.ENUM, read_only=True,
        enum_strings=["Idle", "Armed", "Running"], doc="State of the sequencer",
    )  # fmt: skip
    message = text_record("7idd:seq:Message", "Why a table was refused, or a step failed")
    row = pvproperty(
        name="7idd:seq:Row", value=0, record="longin", dtype=int, read_only=True, doc="Row of the table under way"
    )
    latest = pvproperty(
        name="7idd:seq:Latest", value=0, record="longin", dtype=int, read_only=True, doc="Number of the latest frame"
    )
    duty = pvproperty(
        name="7idd:seq:Duty", value=0.0, record="ai", dtype=float, precision=4, read_only=True,
        doc="Share of the time in which gates were open",
    )  # fmt: skip
    read_from = pvproperty(
        name="7idd:seq:ReadFrom", value=1, record="longout", dtype=int, doc="First frame to be shown in Frames"
    )
    frames = pvproperty(
        name="7idd:seq:Frames", value=[0.0], record="waveform", dtype=float, read_only=True,
        doc=f"Up to {BLOCK} frames from ReadFrom on",
    )  # fmt: skip

    def __init__(
        self, prefix: str, *, clock: BeamClock, devices: SequencedDevices, resolve: Resolve, **kwargs: Any
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._acquisition = devices.acquisition
        self._timing = devices.timing
        self._laser = devices.laser
        self._watched = WatchedPvs(resolve, WATCHED)
        self._ring = FrameRing(HEAD + 3 * WATCHED + devices.acquisition.frame_length)
        resize(self.frames, self._ring.block(1).tolist())
        lengthen(self.table, RING * COLUMNS)
        lengthen(self.frames, len(self._ring.block(1)))
        self._rows: list[SequenceRow] = []
        self._stop = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a table is being played."""
        return self._playing is not None and not self._playing.done()

    @watch.putter  # type: ignore[no-redef]
    async def watch(self, instance: Any, value: Any) -> Any:
        """Watch other PVs from the next frame on; raises SimulationInputError for an unknown one, and shows it."""
        text = bytes(value).decode() if not isinstance(value, str) else value
        try:
            self._watched.choose(text.strip("\0 ").split())
        except KeyError as error:
            await self._refuse(f"cannot watch {error.args[0]}")
        return value

    @arm.putter  # type: ignore[no-redef]
    async def arm(self, instance: Any, value: str) -> str:
        """Make the table ready; raises SimulationInputError for one that cannot be played, and shows why."""
        if value == "Arm":
            if self.running:
                raise RecordBusyError(f"{self.run.pvname}: a table is being played; stop it before arming another")
            await self.state.write("Idle")
            try:
                self._rows = parse_table(self._written(), self._timing.interlock)
            except SimulationInputError as error:
                await self._refuse(str(error))
            await post(self.message, NONE)
            await self.state.write("Armed")
        return "Done"

    def _written(self) -> list[float]:
        values = self.table.value
        return [float(value) for value in (values if np.ndim(values) else [values])]

    @run.putter  # type: ignore[no-redef]
    async def run(self, instance: Any, value: str) -> str:
        """Play the table, completing at its end, or stop the frame under way at once, which is published as it is.

        Raises SimulationInputError unless a table is armed.
        """
        if value == "Run":
            if self.running or self.state.value != "Armed":
                raise SimulationInputError(f"{self.run.pvname}: no table is armed; write 1 to {self.arm.pvname} first")
            self._stop = asyncio.Event()
            self._playing = asyncio.create_task(self._play(self._rows))
            await asyncio.shield(self._playing)
        elif self.running and self._playing is not None:
            self._stop.set()
            await asyncio.shield(self._playing)
        return "Stop"

    @read_from.putter  # type: ignore[no-redef]
    async def read_from(self, instance: Any, value: int) -> int:
        """Show the frames from number `value` on; put completion comes when they are shown."""
        await self.frames.write(self._ring.block(int(value)), verify_value=False)
        return value

    async def _refuse(self, why: str) -> None:
        await post(self.message, why[:255])
        raise SimulationInputError(f"{self.prefix}7idd:seq: {why}")

    async def _play(self, rows: list[SequenceRow]) -> None:
        # Frames follow a fixed timetable: each begins when the step before it has settled, and ends a dwell later. What
        # the server computes meanwhile (the counts of the frame before) comes out of the dwell, as in hardware, which
        # counts and reads out at the same time. A server that the machine has held up catches up, as hardware would not
        # have been late. One that is too slow falls behind for good, and the lost time shows in `duty`.
        began_s = self._clock.now_s()
        due_s = began_s
        counted_s = 0.0
        waiting: Counted | None = None
        self._acquisition.begin_sequence()
        try:
            await self.state.write("Running")
            for number, row in enumerate(rows):
                await self.row.write(number)
                due_s += await self._apply(row)
                await self._clock.sleep_unless(self._stop, due_s - self._clock.now_s())
                if self._stop.is_set():
                    break
                due_s = max(due_s, self._clock.now_s() - CATCH_UP_S * self._clock.speed)
                counting = self._begin(row)
                if waiting is not None:
                    await self._publish(waiting)
                waiting = await self._count(counting, due_s)
                due_s += row.dwell_s
                counted_s += waiting.counted_s
        finally:
            if waiting is not None and waiting.counted_s > SHORTEST_S:
                await self._publish(waiting)
            await self.duty.write(counted_s / max(self._clock.now_s() - began_s, counted_s, SHORTEST_S))
            await self._acquisition.show_frames()
            await self.state.write("Idle")

    async def _apply(self, row: SequenceRow) -> float:
        """Step delay and shutter, and return how long it takes them to settle, s of beam; 0 if neither changes."""
        settle_s = float(self.settle.value) if await self._timing.step(row.coarse_s, row.fine_ps) else 0.0
        if row.shutter_open != self._laser.shutter_open:
            settle_s = max(settle_s, SHUTTER_TIME_S)
            try:
                await self._laser.shutter.write("Open" if row.shutter_open else "Closed")
            except SimulationInputError as error:
                # The interlock has the last word. The frame shows the shutter as it is, and its reader rejects it.
                await post(self.message, str(error)[:255])
        return settle_s

    def _begin(self, row: SequenceRow) -> Counted:
        self._watched.begin()
        self._acquisition.begin_frame()
        now = time.time()
        return Counted(row=row, begin_s=now, end_s=now, counted_s=0.0, stretches=[], evidence=np.zeros(0))

    async def _count(self, frame: Counted, due_s: float) -> Counted:
        """Wait for the end of a frame that was due to begin at `due_s`, s of beam, or until the sequence is stopped."""
        dwell_s = frame.row.dwell_s
        stopped = await self._clock.sleep_unless(self._stop, due_s + dwell_s - self._clock.now_s())
        counted_s = max(min(self._clock.now_s() - due_s, dwell_s), SHORTEST_S) if stopped else dwell_s
        return Counted(
            row=frame.row,
            begin_s=frame.begin_s,
            end_s=time.time(),
            counted_s=counted_s,
            stretches=self._acquisition.end_frame(counted_s),
            evidence=self._watched.evidence(),
        )

    async def _publish(self, frame: Counted) -> None:
        """Draw the counts of a frame, and add it to the ring."""
        number, exposure, detectors = self._acquisition.count_frame(frame.counted_s, frame.stretches)
        row = frame.row
        head = [
            self.token.value,
            row.scan_index,
            row.point_index,
            frame.begin_s,
            frame.end_s,
            exposure.i0,
            exposure.foil,
        ]
        self._ring.append(np.concatenate([np.asarray(head, dtype=float), frame.evidence, detectors]))
        await self.latest.write(self._ring.latest)
        await self._laser.after_exposure(number, frame.stretches[0][0], exposure)
