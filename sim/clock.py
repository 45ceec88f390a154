"""Beam time, in which the simulated beamline lives, and its ratio to wall time."""

from __future__ import annotations

import asyncio
import math
import time

from sim.errors import SimulationInputError

EVENT_LOOP_RESOLUTION_S = 1.1e-3
"""Largest delay of a wake-up of asyncio, wall time: its selector counts whole milliseconds (measured 1.06 ms)."""


class BeamClock:
    """Clock on which one second of beam takes 1/`speed` seconds of wall time.

    Raises SimulationInputError unless `speed` is finite and above 0.
    """

    def __init__(self, speed: float) -> None:
        if not (math.isfinite(speed) and speed > 0):
            raise SimulationInputError(f"speed = {speed:g} is not a finite number above 0; 1 is real time")
        self.speed = speed
        self._start_s = time.monotonic()

    def now_s(self) -> float:
        """Return the beam time since this clock was made, s."""
        return (time.monotonic() - self._start_s) * self.speed

    async def sleep(self, beam_s: float) -> None:
        """Wait `beam_s` seconds of beam; 0 or less only lets other tasks run."""
        await self.sleep_unless(asyncio.Event(), beam_s)

    async def sleep_unless(self, interrupt: asyncio.Event, beam_s: float) -> bool:
        """Wait `beam_s` seconds of beam, or until `interrupt` is set; return whether it was interrupted.

        The last millisecond is spent yielding, so that the resolution of the event loop does not lengthen short
        exposures and moves.
        """
        # asyncio wakes a sleeper up to a millisecond late. At 200 times beam speed that would be 0.2 s of beam, more
        # than many exposures. So the wait has two parts: a coarse sleep that ends early for certain, and a loop that
        # gives way to other tasks until the deadline. The loop costs processor time, but never more than 1.1 ms a wait.
        deadline_s = time.monotonic() + beam_s / self.speed
        coarse_s = beam_s / self.speed - EVENT_LOOP_RESOLUTION_S
        if coarse_s > 0 and not interrupt.is_set():
            await _set_within(interrupt, coarse_s)
        while not interrupt.is_set():
            await asyncio.sleep(0)
            if time.monotonic() >= deadline_s:
                break
        return interrupt.is_set()


async def _set_within(event: asyncio.Event, wall_s: float) -> None:
    try:
        async with asyncio.timeout(wall_s):
            await event.wait()
    except TimeoutError:
        pass
