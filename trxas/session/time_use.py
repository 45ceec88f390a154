"""Use of the time of a run: counting, moving, waiting; all but the counting could be saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from typing import Any

Command = Callable[[Any], Coroutine[Any, Any, Any]]
"""A command of bluesky's RunEngine: takes a message."""


class Activity(StrEnum):
    """Activities of a run, in the order in which they are shown."""

    COUNTING = "counting"
    MOVING = "moving"
    SETTLING = "settling"
    READING = "reading"
    STORING = "storing"
    WAITING = "waiting"
    OTHER = "other"


ACTIVITIES: Mapping[str, Activity | None] = {
    "trigger": Activity.COUNTING,
    "set": Activity.MOVING,
    "wait": None,
    "wait_for": Activity.SETTLING,
    "create": Activity.READING,
    "read": Activity.READING,
    "save": Activity.STORING,
    "sleep": Activity.WAITING,
    "kickoff": Activity.COUNTING,
    "collect": Activity.COUNTING,
}
"""Activity that each command begins; None: that of the command which is waited for. All other commands begin OTHER.

A sequence counts and settles while its frames are collected, see `TimeUse.note`. Axes settle in `wait_for`, until their
monitors show the target.
Suspensions and pauses between attempts are a series of `sleep`.
"""


class TimeUse:
    """Wall time of the current run by activity; a run begins with the command open_run and ends with close_run."""

    # Every moment of a run belongs to one activity: that of the latest command. What the engine does between two
    # commands is counted to the first of them, so the shares always add up to the whole.

    def __init__(self, now_s: Callable[[], float] = time.perf_counter) -> None:
        self._now_s = now_s
        self._spent_s: dict[Activity, float] = {}
        self._activity = Activity.OTHER
        self._counting_share = 1.0
        self._since_s = 0.0
        self._began_s = 0.0
        self.opening_s = 0.0
        """Time from the beginning of the run to its first exposure without waiting for the beam, s."""
        self.latest_s: Mapping[Activity, float] = {}
        """Times of the run that ended last, s; empty while one is open, and after one that was aborted."""

    def watch(self, name: str, command: Command) -> Command:
        """Return a command of the RunEngine that notes when it is called."""

        async def watched(message: Any) -> Any:
            share = getattr(message.obj, "counting_share", 1.0) if name == "kickoff" else 1.0
            self.note(name, str(message.kwargs.get("group", "")), counting_share=share)
            return await command(message)

        return watched

    def note(self, command: str, group: str = "", *, counting_share: float = 1.0) -> None:
        """Note that the engine carries out a command now; a wait belongs to the command that its `group` names first.

        The groups of scans are named "set-..." and "trigger-...". A wait for any other continues what was before it.
        `counting_share` of a sequence that is kicked off: the share of its time in which it counts; the rest is
        settling.
        """
        if command == "open_run":
            self._spent_s = dict.fromkeys(Activity, 0.0)
            self._since_s = self._now_s()
            self._began_s = self._since_s
            self.opening_s = 0.0
            self._activity = Activity.OTHER
            self.latest_s = {}
            return
        now_s = self._now_s()
        self._spend(now_s - self._since_s)
        self._since_s = now_s
        if command in ("trigger", "kickoff"):
            self._counting_share = counting_share
        if command in ("trigger", "kickoff") and not self.opening_s:
            # A beam that was lost before the first exposure is not part of what every run takes to open.
            self.opening_s = now_s - self._began_s - self._spent_s[Activity.WAITING]
        begun = ACTIVITIES.get(command, Activity.OTHER) or ACTIVITIES.get(group.partition("-")[0])
        self._activity = begun or self._activity
        if command == "close_run":
            self.latest_s = dict(self._spent_s)

    def _spend(self, seconds: float) -> None:
        settling_s = seconds * (1.0 - self._counting_share) if self._activity is Activity.COUNTING else 0.0
        for activity, spent_s in ((self._activity, seconds - settling_s), (Activity.SETTLING, settling_s)):
            self._spent_s[activity] = self._spent_s.get(activity, 0.0) + spent_s
