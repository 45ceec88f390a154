"""Plans that are aborted or paused at a message, and whether the shutters are closed then."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import Msg, RequestAbort, RunEngineInterrupted

from errors import MotionError, TrxasError
from plans.engine.scanning import ANNOUNCEMENT
from tests.support.quick_plans import MOVE_NOTHING, quick_plan
from tests.support.recorded_runs import RecordedRuns

Messages = Iterator[Msg]


def before(plan: Any, place: int, disturb: Callable[[], Messages]) -> Any:
    """`plan`, with what `disturb` does in front of its message number `place`."""
    numbers = itertools.count()

    def disturbed(message: Msg) -> Any:
        yield from disturb()
        return (yield message)

    return bpp.plan_mutator(plan, lambda message: (disturbed(message) if next(numbers) == place else None, None))


TO_DEVICES = frozenset({"configure", "set", "stage", "stop", "trigger", "read", "unstage", "wait"})
"""Messages that a device answers, and may fail at."""


def assert_shut(runs: RecordedRuns, name: str, when: str) -> None:
    assert runs.line.laser_shutter.position == "closed", when
    if name not in MOVE_NOTHING:
        assert runs.line.xray_shutter.position == "closed", when


def abort_at(runs: RecordedRuns, name: str, place: int) -> None:
    """`RE.abort()` of a plan that runs."""

    def abort() -> Messages:
        raise RequestAbort
        yield

    runs.run(before(quick_plan(runs.line, name), place, abort))
    assert_shut(runs, name, f"after an abort at message {place}")


def pause_at(runs: RecordedRuns, name: str, place: int) -> None:
    """Ctrl-C twice is a pause without delay, or an abort where nothing can be resumed; then `RE.abort()`."""

    def pause() -> Messages:
        yield Msg("pause", None, defer=False)

    with pytest.raises(RunEngineInterrupted):
        runs.run(before(quick_plan(runs.line, name), place, pause))
    assert_shut(runs, name, f"paused at message {place}")
    if runs.engine.state == "paused":
        runs.engine.abort()
    assert_shut(runs, name, f"aborted at message {place}")


def disturb(name: str, folder: Path, disturbances: Iterable[tuple[Callable[..., None], int]]) -> None:
    for disturbance, place in disturbances:
        with RecordedRuns(folder) as runs:
            disturbance(runs, name, place)
            assert len(runs.starts) == len(runs.stops)


def places(name: str, folder: Path, commands: Collection[str] = ()) -> list[int]:
    """Return the numbers of the first and last message of each kind in an undisturbed plan, of `commands` if given."""
    first: dict[Any, int] = {}
    last: dict[Any, int] = {}
    with RecordedRuns(folder) as runs:
        numbers = itertools.count()

        def take(message: Msg) -> None:
            kind, number = (message.command, getattr(message.obj, "name", "")), next(numbers)
            # While a plan only announces what it will do, nothing has moved that a safe end would have to put back.
            if ANNOUNCEMENT not in message.kwargs and (not commands or message.command in commands):
                first.setdefault(kind, number)
                last[kind] = number

        runs.engine.msg_hook = take  # type: ignore[assignment]
        runs.run(quick_plan(runs.line, name))
    return sorted({*first.values(), *last.values()})


def fail_at(runs: RecordedRuns, name: str, place: int) -> None:
    """Lost: a safe beamline, if a device fails: the plan repeats and continues, or ends with the X-rays shut too."""

    def fail() -> Messages:
        raise MotionError("it did not arrive")
        yield

    try:
        runs.run(before(quick_plan(runs.line, name), place, fail))
    except TrxasError:
        assert_shut(runs, name, f"after a failure at message {place}")
    assert runs.line.laser_shutter.position == "closed", f"after a failure at message {place}"
