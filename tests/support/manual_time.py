"""Beam time that a test can let pass without waiting."""

from __future__ import annotations

import asyncio

TURNS = 50
"""Turns of the event loop that a wait lasts, so that other tasks can act during it."""


class ManualTime:
    """Beam time that passes in waits only, and so does not depend on the machine."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_s(self) -> float:
        return self.now

    async def sleep_unless(self, interrupt: asyncio.Event, beam_s: float) -> bool:
        for turn in range(1, TURNS + 1):
            await asyncio.sleep(0)
            if interrupt.is_set():
                self.now += max(beam_s, 0.0) * turn / TURNS
                return True
        self.now += max(beam_s, 0.0)
        return False
