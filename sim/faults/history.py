"""The states of the beamline during exposures, and the faults that struck."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from sim.clock import BeamClock
from sim.faults.fault import Fault
from sim.faults.strikes import Change, Strike, disturbed, stretches
from sim.physics.experiment import BeamlineState, Stretch

SAMPLE_PERIOD_S = 0.02
"""Wall time between samples of changes that are not announced: motors in motion."""


class History:
    """Records the states during exposures, and all strikes of faults.

    `settings` returns the state as it is set, without faults.
    """

    def __init__(self, clock: BeamClock, settings: Callable[[], BeamlineState]) -> None:
        self._clock = clock
        self._settings = settings
        self._running: dict[str, list[Change]] = {}
        self._strikes: list[Strike] = []

    def now(self) -> BeamlineState:
        """Return the present state with the effects of all faults."""
        return disturbed(self._settings(), self._strikes, self._clock.now_s())

    def begin(self, name: str) -> BeamlineState:
        """Start recording the exposure `name`, and return its initial state without faults."""
        state = self._settings()
        self._running[name] = [(self._clock.now_s(), state)]
        return state

    def end(self, name: str, duration_s: float) -> list[Stretch]:
        """Stop recording the exposure `name`; return its states over `duration_s` seconds of beam from its start."""
        return stretches(self._running.pop(name), self._strikes, duration_s)

    def forget(self, name: str) -> None:
        """Drop the record of the exposure `name`, if there is one."""
        self._running.pop(name, None)

    def note(self) -> None:
        """Record the present state if it has changed."""
        if not self._running:
            return
        state = self._settings()
        now_s = self._clock.now_s()
        for changes in self._running.values():
            if changes[-1][1] != state:
                changes.append((now_s, state))

    def strike(self, fault: Fault) -> Strike:
        """Record that `fault` strikes now, and return the strike; set its end when the fault is over."""
        oldest_s = min((changes[0][0] for changes in self._running.values()), default=math.inf)
        self._strikes = [known for known in self._strikes if known.end_s > min(oldest_s, self._clock.now_s())]
        strike = Strike(fault=fault, start_s=self._clock.now_s())
        self._strikes.append(strike)
        return strike

    async def sample(self) -> None:
        """Record changes until cancelled."""
        while True:
            await asyncio.sleep(SAMPLE_PERIOD_S)
            self.note()
