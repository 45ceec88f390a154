"""Plans that are aborted or paused at a message, and whether the shutters are closed then."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import Msg, RequestAbort, RunEngineInterrupted

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
