"""If these fail, an exposure that has begun ahead is stored as another point, or at a delay that was not reached."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Iterator
from typing import Any

import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import Msg, RunEngineInterrupted, single_gen
from ophyd.status import DeviceStatus, Status

import plans
from devices.exposure.axis_watch import AxisWatch, FollowedAxes
from devices.exposure.conditions import ConditionWatch
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.read_out import ReadOut
from devices.exposure.watched_exposure import WatchedExposure
from devices.signals.move_status import AllOf, MoveStatus, finished
from devices.signals.uncached_signal import PvReading
from errors import MotionError, NotConnectedError
from tests.support.electronic_delay import AnsweredAtOnce, answer_at_once
from tests.support.recorded_runs import RecordedRuns
from tests.support.waiting import WAIT_S

DELAYS_PS = [0.0, 100.0, 200.0, 300.0]


class DelayScans(RecordedRuns):
    """Scans of four delays; `counted` has the number of exposures that were made when each event was stored."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[int] = []
        self.engine.subscribe(lambda _name, _doc: self.counted.append(self.hardware.exposures), "event")

    def plan(self) -> Any:
        return plans.delay_scan(self.line, "Br K", delays_ps=DELAYS_PS, dwell_s=1.0, order="up")

    def found(self) -> list[tuple[int, str, int]]:
        """Point, quality and delay, ps, of every event."""
        return [(event["point_index"], event["quality"], round(event["delay_ps"])) for event in self.events]

    def dim(self, number: int) -> None:
        """Let there be little light in the exposure of this number, from 1."""
        signal: Any = self.line.exposure.count
        plain = signal.on_put

        def count(value: int) -> None:
            self.hardware.i0_per_s = 1e4 if self.hardware.exposures + 1 == number else 1e6
            plain(value)

        signal.on_put = count


GOOD = [(0, "", 0), (1, "", 100), (2, "", 200), (3, "", 300)]


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Iterator[DelayScans]:
    with DelayScans() as runs:
        answer_at_once(monkeypatch, runs.line)
        yield runs


def test_an_exposure_is_stored_while_the_next_one_counts(scans: DelayScans) -> None:
    """Lost: the time in which an exposure is judged and stored, at every step."""
    scans.engine(scans.plan())
    assert scans.found() == GOOD
    assert scans.counted == [2, 3, 4, 4]


def test_what_has_begun_behind_a_bad_exposure_is_not_stored(scans: DelayScans) -> None:
    """Lost: the bad point; or the next one, which would be stored twice."""
    scans.dim(2)
    scans.engine(scans.plan())
    assert scans.found() == [(0, "", 0), (1, "i0", 100), *GOOD[1:]]
    assert scans.counted == [2, 3, 5, 6, 6], "the third exposure had begun behind the bad one, and was abandoned"


def test_an_exposure_before_the_read_back_agrees_is_made_again(
    scans: DelayScans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: points at a delay that was not reached, if the hardware reports the end of a move too early."""
    signal: Any = scans.line.delay.fine_readback
    late = itertools.count()
    collect = signal.collect

    def lagging(timeout_s: float) -> PvReading:
        reading: PvReading = collect(timeout_s)
        # What has begun behind the second move reads the first delay, as does what proves its end.
        moves = [value for name, value in scans.hardware.moves if name == "delay_fine"]
        is_late = len(moves) == 2 and next(late) < 2
        return reading._replace(value=moves[0]) if is_late else reading

    monkeypatch.setattr(signal, "collect", lagging)
    scans.engine(scans.plan())
    assert scans.found() == GOOD
    assert scans.counted == [2, 3, 4, 5], "the exposure of the second delay had begun too early; no other begins ahead"


def test_nothing_begins_ahead_beside_detectors_that_hold_one_exposure(
    scans: DelayScans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost: the counts of a detector alongside, overwritten by those of the next exposure before they are read."""
    further: Any = scans.line.point._further  # type: ignore[attr-defined]
    monkeypatch.setattr(type(further), "names", ("diode",))
    monkeypatch.setattr(further, "triggered", lambda _: ())
    scans.engine(scans.plan())
    assert scans.counted == [1, 2, 3, 4]


@pytest.mark.parametrize("place", ["trigger", "set", "wait", "create", "read", "save", "checkpoint"])
def test_a_pause_abandons_what_has_begun_ahead(scans: DelayScans, place: str, caplog: pytest.LogCaptureFixture) -> None:
    """Lost: an exposure of which the pause has cut off a part, or one that is stored as another point."""
    left = itertools.count(1)

    def pause_behind(message: Msg) -> Any:
        second = message.command == place and len(scans.events) == 1 and next(left) == 1
        return None, single_gen(Msg("pause", defer=False)) if second else None

    with pytest.raises(RunEngineInterrupted):
        scans.engine(bpp.plan_mutator(scans.plan(), pause_behind))
    scans.engine.resume()
    assert scans.found() == GOOD
    assert "measured again" not in caplog.text
    numbers = [event["exposure_id"] for event in scans.events]
    assert numbers == sorted(set(numbers))


def test_an_exposure_that_is_abandoned_when_it_is_armed_is_made_again(scans: DelayScans) -> None:
    """Lost: the counts of a point, replaced by those of an exposure that began before its axis had arrived."""
    reader = scans.line.point
    scans.line.exposure.prepare(1.0)
    first = ExposureTargets()
    second = ExposureTargets(point_index=1)
    reader.arm(first)
    reader.trigger().wait(timeout=WAIT_S)
    following = reader.exposure_ahead(second)
    assert following is not None
    following.begin()
    reader.read()
    reader.arm(second)
    following.end_move(confirmed=False)
    reader.trigger().wait(timeout=WAIT_S)
    assert reader.read()["exposure_id"]["value"] == scans.hardware.exposures == 3


def test_the_late_end_of_a_move_that_has_timed_out_begins_nothing(scans: DelayScans) -> None:
    """Lost: the watch over an exposure that counts, and its length."""
    delay = scans.line.delay
    scans.line.exposure.prepare(1.0)
    scans.line.point.arm(ExposureTargets())
    scans.line.point.trigger().wait(timeout=WAIT_S)
    following = scans.line.point.exposure_ahead(ExposureTargets(point_index=1))
    assert following is not None
    status = DeviceStatus(delay)
    status.set_exception(MotionError("timed out"))

    def follow() -> bool:
        following.begin()
        return True

    delay._verify(delay.position, status, follow)
    assert scans.hardware.exposures == 1


def test_the_plan_goes_on_if_the_read_out_cannot_be_requested(scans: DelayScans) -> None:
    """Lost: the night, in a scan that waits forever."""
    reader = scans.line.point

    def fail() -> None:
        raise RuntimeError("a detector of another program")

    exposure = WatchedExposure(
        ExposureTargets(),
        reader.conditions.watch(()),
        FollowedAxes({}, fail).watch({}),
        lambda _: AnsweredAtOnce({}),  # type: ignore[arg-type, return-value]  # behaves like it
        fail,
    )
    begun = exposure.begin(lambda: finished(scans.line.exposure))
    begun.end().wait(timeout=WAIT_S)


def test_nothing_begins_behind_a_plan_that_fails(scans: DelayScans) -> None:
    """Lost: a scaler that counts on, and refuses the next scan."""

    def fail(name: str, _: dict[str, Any]) -> None:
        if len(scans.counted) == 2:
            raise OSError("the disk is full")

    scans.engine.subscribe(fail, "event")
    with pytest.raises(OSError, match="disk"):
        scans.engine(scans.plan())
    assert scans.line.point._ahead.take() is None


def test_nothing_begins_behind_a_run_whose_failure_a_plan_catches(scans: DelayScans) -> None:
    """Lost: what a plan does after a failed scan, as the scaler counts on; bluesky stops nothing in that case."""
    left: list[object] = []

    def fail(_name: str, _document: dict[str, Any]) -> None:
        if len(scans.counted) == 2:
            raise OSError("the disk is full")

    def go_on() -> Any:
        with contextlib.suppress(OSError):
            yield from scans.plan()
        left.append(scans.line.point._ahead.take())

    scans.engine.subscribe(fail, "event")
    scans.engine(go_on())
    assert left == [None]


def test_what_belongs_to_an_exposure_goes_with_it(scans: DelayScans) -> None:
    """Lost: milliseconds in one step of four, in which Python searches for garbage in reference cycles."""
    scans.engine(scans.plan())
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        scans.engine(scans.plan())
        gc.collect()
        left = {type(one) for one in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.enable()
        gc.garbage.clear()
    assert not left & {WatchedExposure, ReadOut, ConditionWatch, AxisWatch, MoveStatus, AllOf, Status}


def test_a_pause_in_which_the_detectors_do_not_stop_ends_no_session(
    scans: DelayScans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: the end of the plan, which closes shutters: bluesky's engine itself would end, and nothing else runs."""
    stop = scans.line.exposure.stop
    stopped: list[str] = []

    def stop_later(*, success: bool = False) -> None:
        stopped.append(scans.engine.state)
        if scans.engine.state == "pausing":
            raise NotConnectedError(["scaler1.CNT"], 5.0)
        stop(success=success)

    monkeypatch.setattr(scans.line.exposure, "stop", stop_later)
    left = itertools.count(1)

    def pause_behind(message: Msg) -> Any:
        second = message.command == "trigger" and len(scans.events) == 1 and next(left) == 1
        return None, single_gen(Msg("pause", defer=False)) if second else None

    with pytest.raises(RunEngineInterrupted):
        scans.engine(bpp.plan_mutator(scans.plan(), pause_behind))
    assert "was not stopped for the pause" in caplog.text
    scans.engine.resume()
    assert stopped[-1] == "running", "it is stopped before the next exposure"
    assert scans.found() == GOOD
