"""The states of the beamline during exposures, and the faults that struck.

An exposure is computed after it has ended, from the states that it went through. So while it runs, every change of a
setting is noted with its beam time: changes of shutters and setpoints at once, by hooks on their records; motors in
motion by sampling. Faults are not noted as states: each is a strike with a start and an end, and its effect is computed
afterwards, so that a fault of any length hits exactly its own part of an exposure.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from sim.clock import BeamClock
from sim.faults.fault import Fault
from sim.faults.strikes import Change, Strike, disturbed, stretches
from sim.physics.beamline_state import BeamlineState, Stretch

SAMPLE_PERIOD_S = 0.02
"""Wall time between samples of changes that are not announced: motors in motion."""


class History:
    """Record of the states during exposures, and of all strikes of faults.

    `settings` returns the state as it is set, without faults.
    """

    def __init__(self, clock: BeamClock, settings: Callable[[], BeamlineState]) -> None:
        self._clock = clock
        self._settings = settings
        self._running: dict[str, list[Change]] = {}
        self._strikes: list[Strike] = []

    def now(self) -> BeamlineState:
        """Return the current state with the effects of all faults."""
        return disturbed(self._settings(), self._strikes, self._clock.now_s())

    def begin(self, name: str) -> BeamlineState:
        """Start to record the exposure `name`, at 0 s of its own time; return its initial state without faults."""
        state = self._settings()
        self._running[name] = [(self._clock.now_s(), state)]
        return state

    def end(self, name: str, duration_s: float) -> list[Stretch]:
        """Stop recording the exposure `name`; return its states over `duration_s` seconds of beam from its start.

        Raises KeyError if it was not begun.
        """
        return stretches(self._running.pop(name), self._strikes, duration_s)

    def forget(self, name: str) -> None:
        """Drop the record of the exposure `name`; raises nothing if there is none."""
        self._running.pop(name, None)

    def note(self) -> None:
        """Add the current state, with its beam time in s, to every exposure in progress, if it has changed."""
        if not self._running:
            return
        state = self._settings()
        now_s = self._clock.now_s()
        for changes in self._running.values():
            if changes[-1][1] != state:
                changes.append((now_s, state))

    def strike(self, fault: Fault) -> Strike:
        """Record that `fault` strikes now, and return the strike; its end, a beam time in s, is set later."""
        # Strikes that ended before the oldest exposure in progress began cannot affect any exposure any more.
        oldest_s = min((changes[0][0] for changes in self._running.values()), default=math.inf)
        self._strikes = [known for known in self._strikes if known.end_s > min(oldest_s, self._clock.now_s())]
        strike = Strike(fault=fault, start_s=self._clock.now_s())
        self._strikes.append(strike)
        return strike

    async def sample(self) -> None:
        """Note changes every 20 ms of wall time until cancelled."""
        while True:
            await asyncio.sleep(SAMPLE_PERIOD_S)
            self.note()
