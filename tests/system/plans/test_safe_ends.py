"""If these fail, a plan that ends badly leaves laser or X-rays on the sample."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import Msg, RequestAbort, RunEngineInterrupted

from errors import MotionError, TrxasError
from tests.support.quick_plans import MOVE_NOTHING, PLANS, quick_plan
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


def places(name: str, folder: Path, commands: Collection[str] = ()) -> list[int]:
    """Number of the first and the last message of each kind that the plan sends undisturbed, of `commands` if given."""
    first: dict[Any, int] = {}
    last: dict[Any, int] = {}
    with RecordedRuns(folder) as runs:
        numbers = itertools.count()

        def take(message: Msg) -> None:
            kind, number = (message.command, getattr(message.obj, "name", "")), next(numbers)
            if not commands or message.command in commands:
                first.setdefault(kind, number)
                last[kind] = number

        runs.engine.msg_hook = take  # type: ignore[assignment]
        runs.run(quick_plan(runs.line, name))
    return sorted({*first.values(), *last.values()})


def assert_shut(runs: RecordedRuns, name: str, when: str) -> None:
    assert runs.line.laser_shutter.position == "closed", when
    if name not in MOVE_NOTHING:
        assert runs.line.xray_shutter.position == "closed", when


def fail_at(runs: RecordedRuns, name: str, place: int) -> None:
    """A device fails. Either that is tried again and the plan goes on, or it ends with the X-rays shut too."""

    def fail() -> Messages:
        raise MotionError("it did not arrive")
        yield

    try:
        runs.run(before(quick_plan(runs.line, name), place, fail))
    except TrxasError:
        assert_shut(runs, name, f"after a failure at message {place}")
    assert runs.line.laser_shutter.position == "closed", f"after a failure at message {place}"


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


PLACES = 9


@pytest.mark.parametrize("name", PLANS)
def test_a_disturbed_plan_leaves_the_shutters_shut(name: str, tmp_path: Path) -> None:
    """Some places of each plan; the one below has all of them."""
    found = places(name, tmp_path, TO_DEVICES)
    found = found[1:] or found
    some = found[:: len(found) // PLACES + 1]
    disturb(name, tmp_path, zip(itertools.cycle([fail_at, abort_at, pause_at]), some))


@pytest.mark.parametrize("name", PLANS)
def test_a_document_that_cannot_be_stored_leaves_both_shut(name: str, tmp_path: Path) -> None:
    """Whatever fails that is no device: the disk, or somebody's callback. The first and the last documents."""
    with RecordedRuns(tmp_path) as runs:
        runs.run(quick_plan(runs.line, name))
        number = len(runs.documents)
    for place in sorted({*range(1, number + 1)[:3], *range(1, number + 1)[-2:]}):
        with RecordedRuns(tmp_path) as runs:

            def refuse(kind: str, doc: Any, runs: RecordedRuns = runs, place: int = place) -> None:
                if len(runs.documents) == place:
                    raise OSError("disk full")

            runs.engine.subscribe(refuse)
            with pytest.raises(OSError, match="disk full"):
                runs.run(quick_plan(runs.line, name))
            assert_shut(runs, name, f"after document {place}")
