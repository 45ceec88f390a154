"""What the beamline was like while exposures ran: its states, and the faults that struck."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable
from typing import Any

from sim.ioc.clock import BeamClock
from sim.physics.experiment import BeamlineState
from sim.physics.fault import Fault
from sim.physics.strikes import Change, Stretch, Strike, disturbed, stretches

LOOK_PERIOD_S = 0.02
"""Wall time between looks at what changes without telling: motors in motion."""


class History:
    """Follows `settings`, the state as it is set up, without faults, during exposures; and all strikes of faults."""

    def __init__(self, clock: BeamClock, settings: Callable[[], BeamlineState]) -> None:
        self._clock, self._settings = clock, settings
        self._running: dict[str, list[Change]] = {}
        self._strikes: list[Strike] = []

    def now(self) -> BeamlineState:
        """The state now, with everything that faults do to it."""
        return disturbed(self._settings(), self._strikes, self._clock.now_s())

    def begin(self, name: str) -> BeamlineState:
        """Start to follow the exposure `name`; returns the state it begins with, without faults."""
        state = self._settings()
        self._running[name] = [(self._clock.now_s(), state)]
        return state

    def end(self, name: str, duration_s: float) -> list[Stretch]:
        """States of the exposure `name`, which lasted `duration_s` from its beginning; it is followed no longer."""
        return stretches(self._running.pop(name), self._strikes, duration_s)

    def forget(self, name: str) -> None:
        """Follow the exposure `name` no longer, if it is followed."""
        self._running.pop(name, None)

    def note(self) -> None:
        """Take note of the state of now if it changed."""
        if not self._running:
            return
        state, now_s = self._settings(), self._clock.now_s()
        for changes in self._running.values():
            if changes[-1][1] != state:
                changes.append((now_s, state))

    def strike(self, fault: Fault) -> Strike:
        """`fault` strikes now; set the end of what this returns when it is over."""
        oldest_s = min((changes[0][0] for changes in self._running.values()), default=math.inf)
        self._strikes = [known for known in self._strikes if known.end_s > min(oldest_s, self._clock.now_s())]
        strike = Strike(fault, self._clock.now_s())
        self._strikes.append(strike)
        return strike

    async def look(self) -> None:
        """Keep looking, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_PERIOD_S)
            self.note()


def after_write(channel: Any, act: Callable[[], Any]) -> None:
    """Have `act` called, and awaited if it is a coroutine, after each change of a channel; caproto has no such hook."""
    write = channel.write

    async def write_and_act(*args: Any, **options: Any) -> Any:
        result = await write(*args, **options)
        pending = act()
        if inspect.isawaitable(pending):
            await pending
        return result

    channel.write = write_and_act
