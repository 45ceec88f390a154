"""Records of hardware that plays a table by itself, and counts numbered frames while no client takes part.

One command arms a table, another runs it; put completion of the second comes at the end. Frames go into a ring, from
which they are read by number, so a client that was away misses none.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from caproto import ChannelType
from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import RecordBusyError, SimulationInputError
from sim.ioc.records.fields import lengthen, post, resize
from sim.ioc.safety.watchdog import NONE, text_record
from sim.ioc.xas.detectors.acquisition import Acquisition
from sim.ioc.xas.hardware_scans.frame_ring import BLOCK, FrameRing
from sim.ioc.xas.hardware_scans.watched_pv import Resolve, WatchedPvs
from sim.types import FloatArray

WATCHED = 32
"""PVs whose lowest and highest values are in each frame."""

NAMES_LENGTH = 4096
"""Characters of the list of watched PVs."""

SHORTEST_S = 1e-6
"""Shortest frame that is published, s: one that is stopped at its beginning has not counted."""


class FramePlayer(PVGroup):
    """Records of a player named `name`, whose ring holds `frames` frames with `head` numbers at their beginning.

    A subclass checks a table (`_parse`), plays it (`_play`), and tells whether one is ready (`_armed`).
    """

    table = pvproperty(
        name="{player}:Table", value=[0.0], record="waveform", dtype=float,
        doc="Rows of the table, one after the other",
    )  # fmt: skip
    watch = pvproperty(
        name="{player}:Watch", value="", dtype=ChannelType.CHAR, max_length=NAMES_LENGTH,
        doc="PVs whose range is in each frame, by spaces",
    )  # fmt: skip
    token = pvproperty(
        name="{player}:Token", value=0, record="longout", dtype=int, doc="Number of the run, repeated by its frames"
    )
    arm = pvproperty(
        name="{player}:Arm", value="Done", record="bo", dtype=ChannelType.ENUM, enum_strings=["Done", "Arm"],
        doc="Checks the table and makes it ready",
    )  # fmt: skip
    run = pvproperty(
        name="{player}:Run", value="Stop", record="bo", dtype=ChannelType.ENUM, enum_strings=["Stop", "Run"],
        doc="Plays the table; completes at its end",
    )  # fmt: skip
    state = pvproperty(
        name="{player}:State", value="Idle", record="mbbi", dtype=ChannelType.ENUM, read_only=True,
        enum_strings=["Idle", "Armed", "Running"], doc="What it is doing",
    )  # fmt: skip
    message = text_record("{player}:Message", "Why a table was refused, or a step failed")
    row = pvproperty(
        name="{player}:Row", value=0, record="longin", dtype=int, read_only=True, doc="Row of the table under way"
    )
    latest = pvproperty(
        name="{player}:Latest", value=0, record="longin", dtype=int, read_only=True, doc="Number of the latest frame"
    )
    duty = pvproperty(
        name="{player}:Duty", value=0.0, record="ai", dtype=float, precision=4, read_only=True,
        doc="Share of the time in which gates were open",
    )  # fmt: skip
    read_from = pvproperty(
        name="{player}:ReadFrom", value=1, record="longout", dtype=int, doc="First frame to be shown in Frames"
    )
    frames = pvproperty(
        name="{player}:Frames", value=[0.0], record="waveform", dtype=float, read_only=True,
        doc=f"Up to {BLOCK} frames from ReadFrom on",
    )  # fmt: skip

    def __init__(
        self,
        prefix: str,
        *,
        name: str,
        clock: BeamClock,
        acquisition: Acquisition,
        resolve: Resolve,
        ring: tuple[int, int],
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, macros={"player": name}, **kwargs)
        self._name = name
        self._clock = clock
        self._acquisition = acquisition
        self._watched = WatchedPvs(resolve, WATCHED)
        head, frames = ring
        self._ring = FrameRing(head + 3 * WATCHED + acquisition.frame_length, frames)
        resize(self.frames, self._ring.block(1).tolist())
        lengthen(self.frames, len(self._ring.block(1)))
        self._stop = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a table is being played."""
        return self._playing is not None and not self._playing.done()

    def _parse(self, values: list[float]) -> None:
        """Remember a table as it was written; raises SimulationInputError for one that cannot be played."""
        raise NotImplementedError

    async def _play(self) -> None:
        """Play the table that was parsed last."""
        raise NotImplementedError

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
                self._parse(self._written())
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
            self._playing = asyncio.create_task(self._play())
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
        raise SimulationInputError(f"{self.prefix}{self._name}: {why}")

    async def _add(self, frame: FloatArray) -> None:
        """Put a frame into the ring, and show its number."""
        self._ring.append(frame)
        await self.latest.write(self._ring.latest)
