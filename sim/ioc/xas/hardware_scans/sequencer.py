"""Sequencer: hardware that steps the laser delay through a table, counts a frame at each setting, and numbers it.

One command arms a table, another runs it; put completion of the second comes at the end. No client takes part in
between. Frames go into a ring, from which they are read by number, so a client that was away misses none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from caproto.server import pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import lengthen, post
from sim.ioc.xas.detectors.acquisition import Acquisition
from sim.ioc.xas.equipment.laser import SHUTTER_TIME_S, Laser
from sim.ioc.xas.equipment.timing import Timing
from sim.ioc.xas.hardware_scans.frame_player import SHORTEST_S, FramePlayer
from sim.ioc.xas.hardware_scans.frame_ring import RING
from sim.ioc.xas.hardware_scans.sequence_table import COLUMNS, SequenceRow, parse_table
from sim.ioc.xas.hardware_scans.watched_pv import Resolve
from sim.physics.beamline_state import Stretch
from sim.types import FloatArray

SEQUENCER = "7idd:seq"
"""Beginning of the names of its records (chosen)."""

HEAD = 7
"""Numbers at the beginning of a frame: token, scan index, point index, begin s, end s, I0, foil (counts)."""

SETTLE_S = 0.02
"""Beam time until the laser's phase has followed a step of the delay, with the gates closed: as for single moves."""

CATCH_UP_S = 1.0
"""Wall time by which the server may be late and still catch up with the timetable, s."""


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


class Sequencer(FramePlayer):
    """Records of the sequencer, and the sequence that it plays."""

    table = pvproperty(
        name="{player}:Table", value=[0.0], record="waveform", dtype=float,
        doc="Rows: s, coarse s, fine ps, shutter, labels",
    )  # fmt: skip
    settle = pvproperty(
        name="{player}:SettleS", value=SETTLE_S, record="ao", dtype=float, units="s", precision=4,
        lower_ctrl_limit=0.0, upper_ctrl_limit=10.0, doc="Gates closed after a step of the delay",
    )  # fmt: skip

    def __init__(
        self, prefix: str, *, clock: BeamClock, devices: SequencedDevices, resolve: Resolve, **kwargs: Any
    ) -> None:
        super().__init__(
            prefix,
            name=SEQUENCER,
            clock=clock,
            acquisition=devices.acquisition,
            resolve=resolve,
            ring=(HEAD, RING),
            **kwargs,
        )
        self._timing = devices.timing
        self._laser = devices.laser
        lengthen(self.table, RING * COLUMNS)
        self._rows: list[SequenceRow] = []

    def _parse(self, values: list[float]) -> None:
        self._rows = parse_table(values, self._timing.interlock)

    async def _play(self) -> None:
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
            for number, row in enumerate(self._rows):
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
        await self._add(np.concatenate([np.asarray(head, dtype=float), frame.evidence, detectors]))
        await self._laser.after_exposure(number, frame.stretches[0][0], exposure)
