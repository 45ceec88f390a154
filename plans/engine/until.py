"""Counting until a result is known well enough: the goal of a run, and the question where to count next.

Plans do not reduce counts. Between two passes they ask the session, which does, where to count next. Without an answer,
as in a simulator of plans, every pass measures all points.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bluesky.utils import Msg

from errors import InputError
from plans.options import ScheduledOptions
from plans.types import Exposure, Plan

QUESTION = "asks where to count next"
"""Keyword of the null message with which a run asks; its value is a `NextPassQuestion`."""

POINTS = "points"
"""Goal of a run that counts each point until its error is small enough; the default of every scan."""

RELATIVE = "_relative"
"""Ending of a goal whose error is relative to the result."""

RELATIVE_LIMITS = (0.001, 0.5)
"""Errors relative to a lifetime that a scan may end at.

With a larger one the lifetime is hardly known to exist, and an error in per cent by mistake would end the scan at once.
"""

ROUNDING_S = 1e-6
"""Excess over a longest time that comes from adding up dwells, s; no hardware counts for so short a time."""

MOST_PASSES = 1000
"""Largest number of passes of a run with a goal, if neither `repeats` nor `max_time_s` limits them."""


@dataclass(frozen=True, kw_only=True)
class Until:
    """Goal of a run: the error `sigma` of what `goal` names, within at most `max_time_s` of beam time, s.

    `goal`: "points", each of them; "window", the mean over `window_ev`, eV; or a lifetime, "tau1". `sigma` is in ps for
    a lifetime, or relative to the lifetime if `relative`; otherwise relative to the unpumped signal. The beam time is
    that of good exposures: moves, waits, and bad exposures, which are measured again, come on top.
    """

    goal: str
    sigma: float
    max_time_s: float | None = None
    window_ev: tuple[float, float] | None = None
    relative: bool = False

    def left_s(self, spent_s: float) -> float:
        """Return the beam time, s, that is left after `spent_s`; infinite without a longest time."""
        return math.inf if self.max_time_s is None else self.max_time_s - spent_s + ROUNDING_S

    def check_first_pass(self, dwells_s: Sequence[float]) -> None:
        """Raise InputError if the longest time is too short to count each point once; `dwells_s` (points,)."""
        pass_s = math.fsum(dwells_s)
        if self.max_time_s is None or self.left_s(pass_s) >= 0:
            return
        # Rounded up, so that the value in the message is accepted.
        least_s = math.ceil(1e3 * (pass_s - ROUNDING_S)) / 1e3
        raise InputError(
            f"max_time_s = {self.max_time_s:g} s is too short: the first pass counts all {len(dwells_s)} points once, "
            f"in {least_s:.10g} s. Give at least {least_s:.10g} s, fewer points, or a shorter dwell_s."
        )

    def document(self) -> dict[str, Any]:
        """Return the goal as the start document has it."""
        found = asdict(self)
        if self.window_ev is not None:
            found["window_ev"] = list(self.window_ev)
        return found

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> Until | None:
        """Return the goal in a start document, None for a run of fixed length."""
        if not document:
            return None
        window = document.get("window_ev")
        return cls(
            goal=str(document["goal"]),
            sigma=float(document["sigma"]),
            max_time_s=document.get("max_time_s"),
            window_ev=None if window is None else (float(window[0]), float(window[1])),
            relative=bool(document.get("relative")),
        )


def until_of(goal: str, sigma: float | None, max_time_s: float | None, window_ev: Any = None) -> Until | None:
    """Return the goal that the arguments of a plan give, None for a scan of fixed length; raise InputError if wrong."""
    if sigma is None:
        if max_time_s is not None or window_ev is not None or goal != POINTS:
            raise InputError(
                "until, max_time_s and until_window_ev need until_sigma, the error at which the scan may end."
            )
        return None
    if (goal == "window") != (window_ev is not None):
        raise InputError("until = 'window' and until_window_ev, (low, high) in eV, belong together: give both.")
    if window_ev is not None:
        if len(window_ev) != 2 or not window_ev[0] < window_ev[1]:
            raise InputError(f"until_window_ev = {window_ev!r}: give the lower and the upper limit, in eV.")
        window_ev = (float(window_ev[0]), float(window_ev[1]))
    relative = goal.endswith(RELATIVE)
    low, high = RELATIVE_LIMITS
    if relative and not low <= sigma <= high:
        raise InputError(
            f"until_sigma = {sigma:g} with until = {goal!r} is relative to the lifetime. Give {low:g} to {high:g}, for "
            "example 0.1 for 10 %."
        )
    return Until(
        goal=goal.removesuffix(RELATIVE),
        sigma=float(sigma),
        max_time_s=max_time_s,
        window_ev=window_ev,
        relative=relative,
    )


def with_most_passes(options: ScheduledOptions) -> ScheduledOptions:
    """Return the options of a scan with its largest number of passes as `repeats`, which may be given."""
    if options.until_sigma is None or options.passes > 1:
        return options
    return replace(options, repeats=MOST_PASSES)


def most_exposures(
    until: Until | None, first_s: Sequence[float], exposures: int, *, shortest_s: float, spent_s: float = 0.0
) -> int:
    """Return how many of the `exposures` of a run its longest time allows.

    `first_s`: beam times of the exposures in the first pass, s; `shortest_s`: of the shortest one in later passes;
    `spent_s`: of those that an interrupted run has.
    """
    if until is None or until.max_time_s is None:
        return exposures
    later = math.floor(until.left_s(spent_s + math.fsum(first_s)) / shortest_s)
    return min(exposures, len(first_s) + max(later, 0))


@dataclass(frozen=True, kw_only=True)
class NextPass:
    """Answer of the session: indices of the points to measure next, none if the result is good enough."""

    points: tuple[int, ...]


@dataclass
class NextPassQuestion:
    """Question of a run for its next pass; a session that can answer sets `judge`, which may take a second."""

    until: Until
    judge: Callable[[], NextPass | None] | None = None
    answer: NextPass | None = field(default=None, init=False)

    async def ask(self) -> None:
        """Let the judge decide, on a thread of its own: the engine must stay able to pause meanwhile."""
        assert self.judge is not None  # only a question with a judge is waited for
        self.answer = await asyncio.to_thread(self.judge)


class PassChooser:
    """The points of each pass of a run that counts `until` its result is good enough.

    `dwells_s` (points,): beam time of an exposure at each point. `done`: exposures of a run that this one resumes, each
    (pass, point, shutter).
    """

    # A resumed run completes the first pass, which every decision needs. Of later passes nothing is repeated: what the
    # interrupted one had not measured yet is decided again, with all counts there are.

    def __init__(self, until: Until | None, dwells_s: Sequence[float], done: Collection[Exposure] = ()) -> None:
        self._until = until
        self._dwells_s = dwells_s
        self._latest = max((scan_index for scan_index, _, _ in done), default=0)
        self._spent_s = sum(dwells_s[point] for scan_index, point, _ in done if scan_index > 0)

    def passes(self, repeats: int, measure_pass: Callable[[int, tuple[int, ...]], Plan]) -> Plan:
        """Measure up to `repeats` passes, each by `measure_pass(scan index, points)`, until the run may end."""
        for scan_index in range(repeats):
            if self.is_finished(scan_index):
                continue
            # A checkpoint before the question: after a pause it is asked again, and no exposure is repeated.
            yield Msg("checkpoint")
            chosen = yield from self.points_of(scan_index)
            if not chosen:
                return
            yield from measure_pass(scan_index, chosen)

    def is_finished(self, scan_index: int) -> bool:
        """Return whether an interrupted run has begun a pass that is not continued."""
        return self._until is not None and 0 < scan_index <= self._latest

    def points_of(self, scan_index: int) -> Generator[Msg, Any, tuple[int, ...]]:
        """Return the points of a pass, by index, all of them in the first; none once the run may end."""
        everything = tuple(range(len(self._dwells_s)))
        if self._until is None:
            return everything
        if scan_index == 0:
            self._spent_s += sum(self._dwells_s)
            return everything
        question = NextPassQuestion(self._until)
        yield Msg("null", None, **{QUESTION: question})
        if question.judge is not None:
            yield Msg("wait_for", None, [question.ask])
        chosen = everything if question.answer is None else question.answer.points
        return self._within_time(chosen)

    def _within_time(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """Return as many of the chosen points as the longest time still allows."""
        assert self._until is not None  # runs of fixed length have no longest time
        fitting = []
        for point in chosen:
            if self._dwells_s[point] > self._until.left_s(self._spent_s):
                break
            self._spent_s += self._dwells_s[point]
            fitting.append(point)
        return tuple(fitting)
