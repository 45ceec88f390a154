"""If these fail, a display, a figure or a user's own callback can end, delay or distort a run."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import ophyd.sim
import pytest
from bluesky.utils import Msg

from tests.support.types import Documents
from tests.support.waiting import WAIT_S, until
from trxas.prompt.progress import LiveTable, ScanProgress
from trxas.results.live_run import PrimaryStream
from trxas.session.remote_control import RemotelyPausableEngine
from trxas.session.subscriber import InOrder, ThreadedSubscriber

POINTS = 4


def scan() -> Generator[Msg, Any, None]:
    """A run of a few points."""

    @bpp.run_decorator(md={"plan_name": "scan"})
    def run() -> Generator[Msg, Any, None]:
        for _ in range(POINTS):
            yield from bps.trigger_and_read([ophyd.sim.det1])

    yield from run()


class Bench:
    """An engine, and what its recorder has heard."""

    def __init__(self) -> None:
        self.engine = RemotelyPausableEngine({})
        self.recorded: Documents = []
        self.engine.record_with(lambda name, doc: self.recorded.append((name, doc)))

    def names(self) -> list[str]:
        return [name for name, _ in self.recorded]


@pytest.fixture
def bench() -> Bench:
    return Bench()


WHOLE = ["start", "descriptor", *["event"] * POINTS, "stop"]
ERRORS = (KeyError("spc_counts"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError("deep"))


def fail_with(error: BaseException) -> Any:
    """A subscriber that raises at every event."""

    def failing(name: str, _: Mapping[str, Any]) -> None:
        if name == "event":
            raise error

    return failing


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_of_a_subscriber_is_reported_once_and_the_run_continues(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """Lost: the scan, to a table that met an event it did not know."""
    heard: list[str] = []
    bench.engine.subscribe(fail_with(error))
    bench.engine.subscribe(lambda name, _: heard.append(name))
    bench.engine(scan())
    assert bench.names() == heard == WHOLE
    (record,) = caplog.records
    assert "failing" in record.message
    assert type(error).__name__ in record.message
    bench.engine(scan())
    assert len(caplog.records) == 1


@pytest.mark.parametrize("how", ["call", "message", "wrapper"])
def test_callbacks_of_one_plan_cannot_end_it_either(bench: Bench, how: str) -> None:
    """Lost: a scan that was given a user's own plot, by each of bluesky's means."""
    failing = fail_with(ValueError("no axis"))

    def subscribing() -> Generator[Msg, Any, None]:
        yield from bps.subscribe("all", failing)
        yield from scan()

    if how == "call":
        bench.engine(scan(), failing)
    elif how == "message":
        bench.engine(subscribing())
    else:
        bench.engine(bpp.subs_wrapper(scan(), {"event": [failing]}))
    assert bench.names() == WHOLE


def test_a_recorder_ends_the_plan_and_subscribers_do_not_hear_what_is_not_recorded(bench: Bench) -> None:
    """Lost: a night of scans that nobody wrote down."""
    heard: list[str] = []
    bench.engine.subscribe(lambda name, _: heard.append(name))

    def refuse(name: str, _: Mapping[str, Any]) -> None:
        if name == "event":
            raise OSError("disk full")

    bench.engine.record_with(refuse)
    bench.engine.ignore_callback_exceptions = True
    with pytest.raises(OSError, match="disk full"):
        bench.engine(scan())
    assert heard == ["start", "descriptor", "stop"]


def test_recorders_outlast_what_a_user_may_do(bench: Bench) -> None:
    """Lost: every run after `RE.reset()` or `RE.unsubscribe(0)`, which are in bluesky's documentation."""
    heard: list[str] = []
    bench.engine.subscribe(lambda name, _: heard.append(name))
    bench.engine.reset()  # type: ignore[no-untyped-call]  # bluesky's
    for token in range(10):
        bench.engine.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky's
    bench.engine(scan())
    assert bench.names() == WHOLE
    assert heard == []


def test_a_slow_subscriber_gets_everything_in_order_and_holds_up_nothing(bench: Bench) -> None:
    """Lost: beam time, to a plot that draws slower than points are measured."""
    heard: list[str] = []
    run_is_over = threading.Event()

    def wait_for_the_end(name: str, _: Mapping[str, Any]) -> None:
        assert run_is_over.wait(WAIT_S)
        heard.append(name)

    bench.engine.subscribe(wait_for_the_end)
    bench.engine.record_with(lambda name, _: run_is_over.set() if name == "stop" else None)
    bench.engine(scan())
    # A callback that prints has printed before the call returns.
    assert heard == WHOLE


def test_a_subscriber_that_never_returns_is_left_out(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Lost: the prompt, to a callback that waits for something."""
    for_ever = threading.Event()
    subscriber = ThreadedSubscriber(lambda *_: for_ever.wait(WAIT_S))
    subscriber.put("start", {})
    subscriber.wait(0.05)
    assert subscriber.is_left_out
    assert "has not returned from a document for 0.05 s" in caplog.text
    for_ever.set()


def test_a_subscriber_too_far_behind_is_left_out_and_takes_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    """Lost: the session, to a queue that grows all night."""
    busy, go_on = threading.Event(), threading.Event()
    heard: list[int] = []

    def slow(_: str, doc: Mapping[str, Any]) -> None:
        busy.set()
        go_on.wait(WAIT_S)
        heard.append(doc["number"])

    subscriber = ThreadedSubscriber(slow, capacity=3)
    for number in range(10):
        subscriber.put("event", {"number": number})
        assert busy.wait(WAIT_S)
    assert subscriber.is_left_out
    assert "is 3 documents behind" in caplog.text
    go_on.set()
    until(lambda: heard == [0], "the document it was busy with")


def test_a_subscriber_cannot_change_what_others_get(bench: Bench) -> None:
    """Lost: numbers in the catalogue, to a callback that subtracts a background in place."""
    heard: list[float] = []

    def spoil(name: str, doc: dict[str, Any]) -> None:
        if name == "event":
            doc["data"]["det1"] = -1.0

    bench.engine.subscribe(spoil)
    bench.engine.subscribe(lambda _, doc: heard.append(doc["data"]["det1"]), "event")
    bench.engine(scan())
    stored = [doc["data"]["det1"] for name, doc in bench.recorded if name == "event"]
    assert heard == stored
    assert -1.0 not in stored


def test_members_of_a_group_hear_in_order_and_fail_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Lost: the figure, because the table had failed."""
    heard: list[str] = []
    group = InOrder(lambda *_: heard.append("table"), fail_with(KeyError("x")), lambda *_: heard.append("figure"))
    group("event", {})
    group("event", {})
    assert heard == ["table", "figure"] * 2
    assert len(caplog.records) == 1


def test_a_plan_that_takes_back_a_subscription_finds_what_the_callback_found(bench: Bench) -> None:
    """Lost: a plan that moves to the peak that bluesky's PeakStats found in the scan before."""
    found: list[int] = []

    def plan() -> Generator[Msg, Any, None]:
        heard: list[str] = []
        yield from bpp.subs_wrapper(scan(), lambda name, _: heard.append(name))
        found.append(len(heard))

    bench.engine(plan())
    assert found == [len(WHOLE)]


def test_the_same_callback_twice_is_called_once_until_it_is_taken_back(bench: Bench) -> None:
    heard: list[str] = []

    def callback(name: str, _: Mapping[str, Any]) -> None:
        heard.append(name)

    bench.engine.subscribe(callback, "stop")
    token = bench.engine.subscribe(callback, "stop")
    bench.engine(scan())
    assert heard == ["stop"]
    bench.engine.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky's
    bench.engine(scan())
    assert heard == ["stop"]
    with pytest.raises(KeyError):
        bench.engine.subscribe(callback, "stopped")


@pytest.mark.parametrize("hook", ["msg_hook", "state_hook", "waiting_hook"])
def test_a_hook_cannot_end_a_plan(bench: Bench, caplog: pytest.LogCaptureFixture, hook: str) -> None:
    """Lost: a scan, to bluesky's own progress bar (`RE.waiting_hook`) on a narrow terminal."""

    def failing(*_: object) -> None:
        raise ZeroDivisionError

    setattr(bench.engine, hook, failing)
    bench.engine(scan())
    assert bench.names() == WHOLE
    assert caplog.text.count("ZeroDivisionError") == 1
    setattr(bench.engine, hook, None)
    assert getattr(bench.engine, hook) is None


START = {
    "uid": "run", "scan_id": 1, "plan_name": "energy_scan", "num_points": 1, "modes": ["spc"],
    "grid": {"axis": "energy_ev"}, "reduction": {"pumped_probe": 1, "unpumped_probe": 0},
}  # fmt: skip
SUSPENSION = {"descriptor": "other", "seq_num": 1, "data": {"suspended": 1, "reason": "ring_current", "waited_s": 0.0}}
EXPOSURE: dict[str, Any] = {
    "descriptor": "exposures",
    "seq_num": 1,
    "data": {
        "spc_counts": [[100, 200]], "spc_pulses": [10_000, 10_000], "scan_index": 0, "point_index": 0, "i0": 1.0,
        "energy_ev": 13_470.0, "laser_shutter": 1, "quality": "",
    },
}  # fmt: skip
SUSPENDED_RUN: Documents = [
    ("start", START),
    ("descriptor", {"uid": "exposures", "name": "primary"}),
    ("descriptor", {"uid": "other", "name": "suspension"}),
    ("event", SUSPENSION),
    ("event", EXPOSURE),
    ("event", SUSPENSION | {"seq_num": 2}),
    ("stop", {"exit_status": "success"}),
]


def test_the_table_has_a_line_per_exposure_and_none_for_a_suspension(capsys: pytest.CaptureFixture[str]) -> None:
    """Lost: the scan, at its first beam dump (KeyError: 'spc_counts')."""
    table = LiveTable()
    for name, doc in SUSPENDED_RUN:
        table(name, doc)
    assert capsys.readouterr().out.count("13470.000") == 1


def test_dark_exposures_have_no_pumped_and_unpumped_gates(capsys: pytest.CaptureFixture[str]) -> None:
    """Lost: the sense of the table, which compared the dark counts of two gates: "102.6318%" of nothing."""
    table = LiveTable()
    dark = START | {"plan_name": "dark_exposures", "grid": {"axis": "delay_ps"}}
    data = EXPOSURE["data"] | {"delay_ps": 100.0, "laser_shutter": 0}
    for name, doc in [("start", dark), *SUSPENDED_RUN[1:4], ("event", EXPOSURE | {"data": data}), SUSPENDED_RUN[-1]]:
        table(name, doc)
    shown = capsys.readouterr().out
    assert "on/off" not in shown
    assert "100.000  laser blocked  1.500e-02 counts per pulse and gate, i0 1" in shown


def test_the_bar_counts_exposures_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Lost: the remaining time, after a suspension."""
    bar = ScanProgress()
    for name, doc in SUSPENDED_RUN:
        bar(name, doc)
    assert "1/1" in capsys.readouterr().err


def test_only_events_of_the_primary_stream_are_exposures() -> None:
    primary = PrimaryStream()
    assert [primary.has(name, doc) for name, doc in SUSPENDED_RUN] == [False, False, False, False, True, False, False]
