"""If these fail, stale numbers look live, which costs a beam time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from broadcast.subscriber import Delivery
from gui.live import broadcast_feed
from gui.live.frame import FeedState, LiveFrame, RunHeader
from gui.live.news import FrameNews
from gui.live.rejection import Rejection
from gui.live.suspended import Suspended
from gui.status.item import Reading, StatusItem, shown
from gui.status.liveness import document_age_s, judge

NOW = 1000.0
LIVE = FeedState(source="session", live=True, connected=True, last_document_at=NOW - 1.0, lag_s=0.1)
RUN = RunHeader(
    uid="uid",
    scan_id=3,
    plan_name="energy_scan",
    sample="CsPbBr3",
    edge="Br K",
    series="",
    time_s=0.0,
    exposures=10,
    start={"dwell_s": 6.0},
)
OPEN = LiveFrame(number=1, feed=LIVE, run=RUN, events=4)
WAITS = Suspended(reason="ring current 0 mA, not above 50 mA")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "LIVE"),
        ({"run": None}, "NO RUN"),
        ({"exit_status": "success"}, "ENDED"),
        ({"feed": replace(LIVE, live=False)}, "REPLAY"),
        ({"feed": replace(LIVE, connected=False)}, "STALE"),
        ({"feed": replace(LIVE, connected=False), "exit_status": "success"}, "STALE"),
        ({"feed": replace(LIVE, connected=False), "run": None}, "DISCONNECTED"),
        ({"feed": replace(LIVE, lag_s=7.0)}, "STALE"),
        ({"feed": replace(LIVE, last_document_at=NOW - 27.0)}, "LIVE"),
        ({"feed": replace(LIVE, last_document_at=NOW - 29.0)}, "STALE"),
        ({"suspension": WAITS, "feed": replace(LIVE, last_document_at=NOW - 900.0)}, "SUSPENDED"),
        ({"suspension": WAITS, "feed": replace(LIVE, connected=False)}, "STALE"),
    ],
)
def test_every_state_has_its_word(changes: dict[str, Any], word: str) -> None:
    """28 s without a document are allowed to exposures of 6 s: three of them and 10 s."""
    liveness = judge(replace(OPEN, **changes), NOW)
    assert liveness.word == word
    assert bool(liveness.watermark) == (word in ("STALE", "DISCONNECTED"))


def test_a_waiting_run_states_why_and_for_how_long() -> None:
    """Lost: a beam dump that looks as if the session were dead."""
    frame = replace(OPEN, suspension=replace(WAITS, since_s=time.time() - 600.0))
    assert judge(frame, NOW).reason == "ring current 0 mA, not above 50 mA, for 10 min"


def test_the_log_shows_that_a_run_waits_and_continues() -> None:
    course = FrameNews()
    course(OPEN)
    assert [one.sentence for one in course(replace(OPEN, suspension=WAITS))] == [
        "scan 3 · CsPbBr3 · Br K · energy scan: suspended, ring current 0 mA, not above 50 mA"
    ]
    assert course(replace(OPEN, suspension=WAITS)) == []
    assert [one.sentence for one in course(OPEN)] == ["scan 3 · CsPbBr3 · Br K · energy scan: continues"]


def test_the_source_reports_what_is_wrong() -> None:
    frame = replace(OPEN, feed=replace(LIVE, connected=False, remark="The relay does not answer."))
    assert judge(frame, NOW).reason == "The relay does not answer."


ENERGY = StatusItem(label="energy", pvs=("a",), unit="eV", low=12_800.0, high=13_700.0)
LOCK = StatusItem(label="lock", pvs=("b",), kind="state", words={0: ("UNLOCKED", "bad"), 1: ("LOCKED", "good")})


@pytest.mark.parametrize(
    ("item", "reading", "word", "severity", "value"),
    [
        (ENERGY, Reading(value=13_472.01, connected=True, at_s=NOW - 3), "OK", "good", "13472.01 eV"),
        (ENERGY, Reading(value=12_000.0, connected=True, at_s=NOW - 3), "TOO LOW", "bad", "12000.00 eV"),
        (ENERGY, Reading(value=14_000.0, connected=True, at_s=NOW - 3), "TOO HIGH", "bad", "14000.00 eV"),
        (ENERGY, Reading(value=13_472.01, connected=False, at_s=NOW - 3), "DISCONNECTED", "unknown", "13472.01 eV"),
        (ENERGY, Reading(value=None, connected=True, at_s=None), "NO VALUE", "unknown", ""),
        (LOCK, Reading(value=1.0, connected=True, at_s=NOW), "LOCKED", "good", "locked"),
        (LOCK, Reading(value=0.0, connected=True, at_s=NOW), "UNLOCKED", "bad", "unlocked"),
        (LOCK, Reading(value=7.0, connected=True, at_s=NOW), "UNKNOWN STATE", "unknown", "7"),
        (LOCK, Reading(value=1.0, connected=False, at_s=NOW), "DISCONNECTED", "unknown", "locked"),
    ],
)
def test_devices_are_shown_as_they_are(
    item: StatusItem, reading: Reading, word: str, severity: str, value: str
) -> None:
    """If this fails, an unlocked laser or a dead IOC looks well."""
    found = shown(item, reading, NOW)
    assert (found.word, found.severity, found.value) == (word, severity, value)


def test_shapes_double_colours() -> None:
    """Colour alone means nothing to one man in twelve."""
    readings = [
        Reading(value=13_472.0, connected=True),
        Reading(value=0.0, connected=True),
        Reading(value=13_472.0, connected=False),
    ]
    assert len({shown(ENERGY, reading, NOW).shape for reading in readings}) == 3


def test_the_log_shows_the_course_of_a_run() -> None:
    course = FrameNews()
    course(LiveFrame(number=0, feed=LIVE))
    started = course(replace(OPEN, number=1))
    one = Rejection(event=7, scan=2, point=5, reasons="jet_flow")
    rejected = course(replace(OPEN, number=2, rejected=1, rejections=(one,)))
    several = course(
        replace(
            OPEN, number=3, rejected=4, rejections=(one, *[Rejection(event=9, scan=None, point=None, reasons="i0")] * 3)
        )
    )
    ended = course(replace(OPEN, number=4, rejected=4, exit_status="abort"))
    assert [one.sentence for one in started] == ["scan 3 · CsPbBr3 · Br K · energy scan: started"]
    assert rejected[0].sentence.endswith("point 5 of pass 2 rejected: jet flow")
    assert [line.sentence.rpartition(": exposure")[2] for line in several] == [" 9 rejected: i0"] * 3
    assert "ended, abort" in ended[0].sentence
    assert course(replace(OPEN, number=5, rejected=4, exit_status="abort")) == []


def test_a_late_log_has_the_times_of_what_happened() -> None:
    """Lost: a window that is opened in the morning, whose log has the whole night at the minute of its opening."""
    run = replace(OPEN.run, time_s=1_000.0) if OPEN.run else None
    one = Rejection(event=7, scan=2, point=5, reasons="jet_flow", time_s=2_000.0)
    joined = replace(OPEN, run=run, rejected=1, rejections=(one,), exit_status="success", ended_s=3_000.0)
    told = FrameNews()(joined)
    assert [one.time_s for one in told] == [None, 1_000.0, 2_000.0, 3_000.0]
    assert told[1].line().startswith(time.strftime("%b %d %H:%M:%S", time.localtime(1_000.0)))
    assert told[0].line()[2] == ":"


def test_the_log_shows_trouble_with_the_source() -> None:
    course = FrameNews()
    course(OPEN)
    gone = course(replace(OPEN, feed=replace(LIVE, connected=False, remark="The relay does not answer.")))
    back = course(replace(OPEN, feed=replace(LIVE, missed=3)))
    assert [one.sentence for one in gone] == ["The relay does not answer."]
    assert [one.sentence for one in back] == [
        "The source answers.",
        "3 documents were lost and could not be recovered.",
    ]


def test_the_log_counts_many_rejections_by_their_reasons() -> None:
    """At 200 exposures a second a line for each would say less."""
    course = FrameNews()
    course(replace(OPEN, number=1))
    latest = (
        *[Rejection(event=n, scan=1, point=n, reasons="jet_flow") for n in range(1, 9)],
        Rejection(event=9, scan=1, point=9, reasons="i0,laser_lock"),
    )
    (told,) = course(replace(OPEN, number=2, rejected=12, rejections=latest))
    assert told.sentence.endswith("12 exposures rejected: 8 for jet flow; 1 for i0, laser lock; 3 before these")


def test_a_late_view_does_not_call_old_documents_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a page that is opened in the morning says that the run of the night ended seconds ago."""

    class LateSubscriber:
        answers, run, missed, session_silent_s = True, "", 0, 0.0

        def __init__(self, addresses: object) -> None:
            pass

        def take(self, _timeout_s: float) -> Delivery:
            return Delivery(documents=[("stop", {"time": 0.0})], age_s=3600.0)

    monkeypatch.setattr(broadcast_feed, "Subscriber", LateSubscriber)
    feed = broadcast_feed.BroadcastFeed(lambda: None)
    feed.open()
    feed.take(0.0)
    age_s = document_age_s(LiveFrame(number=1, feed=feed.state), time.monotonic())
    assert age_s == pytest.approx(3600.0, abs=5.0)
