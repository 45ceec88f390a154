"""One simulated motor axis on the beam clock: its position and its motion.

The position is never stepped: each part of a motion is a velocity profile, a function of the time since its start, so
that a position can be asked for at any moment and is exact whatever the load of the machine. A motion is a list of
legs. `_changed` is set whenever the list, a stop or a fault changes something; the profile in progress then ends early,
and the next one starts from the position and the velocity of that moment. `_legs` empty and velocity 0 means at rest.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from sim.clock import BeamClock
from sim.ioc.records.motor_profile import Profile, approach, braking

READBACK_PERIOD_S = 0.05
"""Wall time between read-backs of a moving axis: 20 Hz, twice as often as usual motor controllers are polled."""


class Ended(Enum):
    """The reason why a motion ended."""

    ARRIVED = "arrived"
    STOPPED = "stopped"
    STALLED = "stalled"


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One part of a move: to `target` (dial units) at `speed` (units/s), reached within `ramp_s`."""

    target: float
    speed: float
    ramp_s: float

    @property
    def acceleration(self) -> float:
        """Acceleration in units/s2; infinite for a ramp of 0 s."""
        return self.speed / self.ramp_s if self.ramp_s > 0 else math.inf


class Axis:
    """An axis, initially at rest at `position` (dial units).

    `on_rest(start, end)` is called each time it comes to rest at a new position, once for each part in one direction.
    """

    def __init__(self, clock: BeamClock, position: float, on_rest: Callable[[float, float], None] | None) -> None:
        self._clock = clock
        self._on_rest = on_rest
        self._rest = position
        self._profile = Profile(segments=(), end=position)
        self._started_s = 0.0
        self._acceleration = math.inf
        self._legs: list[Leg] = []
        self._stopping = False
        self._stalled = False
        self._hung = False
        self._changed = asyncio.Event()

    @property
    def position(self) -> float:
        """True position, in dial units."""
        return self._state()[0]

    @property
    def stalled(self) -> bool:
        """Whether the axis is blocked: it stops at once, and no motion moves it; settable."""
        return self._stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._stalled = stalled
        self._changed.set()

    @property
    def hung(self) -> bool:
        """Whether a stalled motion does not end by itself and has to be stopped; settable."""
        return self._hung

    @hung.setter
    def hung(self, hung: bool) -> None:
        self._hung = hung
        self._changed.set()

    @property
    def interrupted(self) -> bool:
        """Whether a motion that another controller makes has to end: somebody stopped the axis, or it is blocked."""
        return self._stopping or self._stalled

    def place(self, position: float) -> None:
        """Put the axis where another controller has moved it, in dial units."""
        self._profile = Profile(segments=(), end=position)

    def release(self) -> None:
        """Begin a motion that another controller makes by `place`."""
        self._legs = []
        self._stopping = False

    def land(self) -> None:
        """End such a motion: the axis rests where it was placed last."""
        self._set_still(self.position)

    def go(self, legs: list[Leg]) -> None:
        """Set the remaining legs; a motion in progress follows them at once."""
        self._legs = list(legs)
        self._stopping = False
        self._changed.set()

    def stop(self) -> None:
        """Drop all legs and slow down at the acceleration of the last leg, units/s2, until the axis rests."""
        self._legs = []
        self._stopping = True
        self._changed.set()

    async def travel(self, tell: Callable[[], Awaitable[None]]) -> Ended:
        """Travel all legs, also those set during the motion; await `tell` at 20 Hz of wall time."""
        while True:
            # Cleared before the legs are read: what changes from here on ends the next profile early.
            self._changed.clear()
            profile = self._next_profile()
            if profile is None or self._stalled:
                break
            await self._follow(profile, tell)
        if self._stalled:
            # A blocked motor has no ramp. If it also hangs, its controller reports a motion until someone stops it.
            self._set_still(self.position)
            while self._hung and not self._stopping:
                self._changed.clear()
                await self._changed.wait()
            self._legs = []
            return Ended.STALLED
        return Ended.STOPPED if self._stopping else Ended.ARRIVED

    def _next_profile(self) -> Profile | None:
        position, velocity = self._state()
        while self._legs:
            # A leg is dropped only once its target is reached at rest, so an interrupted leg continues.
            leg = self._legs[0]
            if position != leg.target or velocity != 0:
                self._acceleration = leg.acceleration
                return approach(position, velocity, leg.target, leg.speed, leg.acceleration)
            self._legs.pop(0)
        return braking(position, velocity, self._acceleration) if velocity else None

    async def _follow(self, profile: Profile, tell: Callable[[], Awaitable[None]]) -> None:
        """Follow `profile` to its end, or until something changes."""
        self._profile = profile
        self._started_s = self._clock.now_s()
        tick_s = READBACK_PERIOD_S * self._clock.speed
        while (left_s := profile.duration_s - (self._clock.now_s() - self._started_s)) > 0:
            if await self._clock.sleep_unless(self._changed, min(left_s, tick_s)):
                return
            # The last read-back follows from the caller once the axis rests, and must not come twice.
            if left_s > tick_s:
                await tell()
        self._set_still(profile.end)

    def _state(self) -> tuple[float, float]:
        return self._profile.state(self._clock.now_s() - self._started_s)

    def _set_still(self, position: float) -> None:
        self._profile = Profile(segments=(), end=position)
        start = self._rest
        self._rest = position
        if self._on_rest is not None and position != start:
            self._on_rest(start, position)
