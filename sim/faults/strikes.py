"""An exposure divided into stretches of one state each, at every change and every start or end of a fault."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sim.faults.fault import Fault
from sim.physics.beamline_state import BeamlineState, Stretch

Change: TypeAlias = tuple[float, BeamlineState]
"""A beam time, s, and the state from then on."""


@dataclass(kw_only=True)
class Strike:
    """`fault` from beam time `start_s` to `end_s`, which is infinite while the end is unknown."""

    fault: Fault
    start_s: float
    end_s: float = math.inf

    def disturbed(self, state: BeamlineState, time_s: float) -> BeamlineState:
        """Return `state` as the fault changes it at beam time `time_s`, s; unchanged outside the strike."""
        if not self.start_s <= time_s < self.end_s:
            return state
        return self.fault.disturbed(state, time_s - self.start_s)

    def changes(self, start_s: float, end_s: float) -> list[float]:
        """Return the beam times between `start_s` and `end_s`, all in s, at which the effect changes."""
        found = []
        since_s = max(start_s - self.start_s, 0.0)
        last_s = min(self.end_s, end_s) - self.start_s
        while (since_s := self.fault.next_change_s(since_s)) < last_s:
            found.append(self.start_s + since_s)
        return [time_s for time_s in (self.start_s, *found, self.end_s) if start_s < time_s < end_s]


def disturbed(state: BeamlineState, strikes: Iterable[Strike], time_s: float) -> BeamlineState:
    """Return `state` as changed by all `strikes` together at beam time `time_s`, s."""
    for strike in strikes:
        state = strike.disturbed(state, time_s)
    return state


def stretches(changes: Sequence[Change], strikes: Sequence[Strike], duration_s: float) -> list[Stretch]:
    """Return the stretches of the `duration_s` seconds after the first of `changes`, which are in order of time.

    Without a further change there is one stretch of exactly `duration_s`: undisturbed exposures are not affected.
    """
    # All times are taken relative to the start of the exposure, so that rounding cannot make the sum of the stretches
    # differ from the dwell. The ends are those of every change of a setting and of every change of a fault's effect;
    # between two of them nothing changes, so the state in the middle of a stretch holds for all of it. The middle also
    # avoids the question to which side a change exactly at an end belongs.
    start_s = changes[0][0]
    times = {change_s - start_s for change_s, _ in changes[1:] if 0 < change_s - start_s < duration_s}
    for strike in strikes:
        times.update(time_s - start_s for time_s in strike.changes(start_s, start_s + duration_s))
    ends = [*sorted(time_s for time_s in times if 0 < time_s < duration_s), duration_s]
    begins = [0.0, *ends[:-1]]
    known = [change_s - start_s for change_s, _ in changes]
    found = []
    for begin, end in zip(begins, ends, strict=True):
        middle = (begin + end) / 2
        state = changes[max(bisect.bisect_right(known, middle) - 1, 0)][1]
        found.append((disturbed(state, strikes, start_s + middle), end - begin))
    return found
