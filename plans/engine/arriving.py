"""Waiting for axes on their way: one that stands still suspends the run, instead of holding it up without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bluesky.utils import Msg

from devices.axes.axis import Axis
from devices.axes.axis_group import Target
from devices.beamline import Beamline
from errors import MotionError, NotConnectedError
from plans.engine.clock import PlanClock
from plans.types import Plan

LOOK_S = 2.0
"""Time between two looks at axes on their way, s."""

Suspend = Callable[[str], Plan]
"""Plan that suspends the run for a reason, with the shutters closed; does nothing if it is suspended already."""


def arrive(beamline: Beamline, targets: Mapping[str, Target], group: str, suspend: Suspend) -> Plan:
    """Wait for `group`, the moves of axes and shutters to `targets`, each in its unit.

    Once no axis has moved for `stalled_s` of [quality], `suspend` gets the reason, and the wait goes on. Raises
    FailedStatus if a move fails, and MotionError after a suspension, as the shutters are closed then.
    """
    axes = {name: axis for name, axis in beamline.axes.items() if name in targets and not axis.settles}
    watch = StallWatch(axes, {name: float(targets[name]) for name in axes})
    clock = PlanClock()
    remark = ""
    # None is the answer of a simulator, which moves nothing.
    while (yield Msg("wait", None, group=group, timeout=LOOK_S, error_on_timeout=False)) is False:
        stalled_s = watch.look(clock.now_s())
        if not remark and stalled_s >= beamline.configuration.quality.stalled_s:
            remark = watch.remark(stalled_s)
            yield from suspend(remark)
    # A pause repeats messages, and the answer to a repeated wait does not come here: nothing may be left to wait for.
    yield Msg("wait", None, group=group)
    if remark:
        raise MotionError(remark)


class StallWatch:
    """Watch over `axes` on their way to `targets`, by name, in the unit of each."""

    def __init__(self, axes: Mapping[str, Axis], targets: Mapping[str, float]) -> None:
        self._axes = axes
        self._targets = targets
        self._positions: dict[str, float] = {}
        self._moved_s = 0.0

    def look(self, now_s: float) -> float:
        """Return for how long no axis has moved by more than its tolerance at `now_s`, both in s; 0 without axes."""
        try:
            positions = {name: axis.position for name, axis in self._axes.items()}
        except NotConnectedError:
            # A silent axis is not a stalled one: its own time-out decides, and then the wait for lost PVs.
            positions = {}
        stands = bool(self._positions) and all(
            name in positions and abs(positions[name] - before) <= self._axes[name].tolerance
            for name, before in self._positions.items()
        )
        if not stands:
            self._positions = positions
            self._moved_s = now_s
        return now_s - self._moved_s

    def remark(self, stalled_s: float) -> str:
        """Return a phrase on every axis that is not at its target after `stalled_s`, s, without a motion."""
        away = [name for name in self._axes if not self._has_arrived(name)]
        return "; ".join(self._words(name, stalled_s) for name in away or self._axes)

    def _has_arrived(self, name: str) -> bool:
        return abs(self._positions[name] - self._targets[name]) <= self._axes[name].tolerance

    def _words(self, name: str, stalled_s: float) -> str:
        axis = self._axes[name]
        place = f"{self._positions[name]:.10g} {axis.unit}"
        pvs = ", ".join(getattr(axis, attribute).pvname for attribute in axis.raw_setpoints)
        if self._has_arrived(name):
            return f"{axis.name} is at its target, {place}, but {pvs} has not reported the end for {stalled_s:.0f} s"
        target = f"{self._targets[name]:.10g} {axis.unit}"
        return f"{axis.name} has stood at {place} for {stalled_s:.0f} s on its way to {target}, through {pvs}"
