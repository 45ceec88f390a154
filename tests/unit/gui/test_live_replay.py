"""If these fail, a replay loses or doubles points, or does not go where its bar is put."""

from __future__ import annotations

import time
from typing import Any

import pytest

import gui.live.replay_feed as module
from errors import OutOfRangeError
from gui.live.replay_feed import ReplayFeed
from tests.support.live_runs import EXPOSURE_S, energy_run


class Clock:
    """Time that passes on request."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def events(taken: Any) -> list[int]:
    return [doc["seq_num"] for name, doc in taken if name == "event"]


def all_due(feed: ReplayFeed) -> list[Any]:
    taken: list[Any] = []
    while part := feed.take(0):
        taken += part
    return taken


def test_speed_is_that_of_the_run_times_the_factor(clock: Clock) -> None:
    feed = ReplayFeed(energy_run(), speed=10)
    feed.open()
    clock.now_s += 1.0
    assert len(all_due(feed)) == 1 + 10 / EXPOSURE_S
    feed.speed = 100
    clock.now_s += 0.125
    assert len(all_due(feed)) == 12.5 / EXPOSURE_S
    assert feed.position_s == pytest.approx(22.5)
    assert not feed.state.live


def test_paused_time_does_not_pass(clock: Clock) -> None:
    feed = ReplayFeed(energy_run(), speed=10)
    feed.open()
    clock.now_s += 1.0
    before = all_due(feed)
    feed.pause()
    clock.now_s += 50.0
    assert all_due(feed) == []
    assert feed.paused
    feed.play()
    clock.now_s += 1.0
    assert events([*before, *all_due(feed)]) == list(range(1, 40))


def test_every_document_comes_once_and_again_after_the_end(clock: Clock) -> None:
    documents = energy_run(scans=10)
    feed = ReplayFeed(documents, speed=100)
    feed.open()
    clock.now_s += 1e4
    assert all_due(feed) == documents
    assert feed.position_s == feed.duration_s
    feed.play()
    clock.now_s += 1e4
    assert all_due(feed) == documents


def test_seeking_back_replays_the_run_from_its_start(clock: Clock) -> None:
    feed = ReplayFeed(energy_run(), speed=1, paused=True)
    feed.open()
    feed.seek(20.0)
    assert events(all_due(feed)) == list(range(1, 40))
    feed.seek(30.0)
    assert events(all_due(feed)) == list(range(40, 60))
    feed.seek(10.0)
    again = all_due(feed)
    assert again[0][0] == "start"
    assert events(again) == list(range(1, 20))


def test_pages_are_replayed_event_by_event(clock: Clock) -> None:
    documents = energy_run()
    rows = [doc for name, doc in documents if name == "event"]
    columns: dict[str, Any] = {key: [row[key] for row in rows] for key in ("uid", "seq_num", "time")}
    columns["data"] = {key: [row["data"][key] for row in rows] for key in rows[0]["data"]}
    page = {"descriptor": rows[0]["descriptor"], "timestamps": {}, **columns}
    feed = ReplayFeed([*documents[:2], ("event_page", page), documents[-1]], speed=1)
    feed.open()
    clock.now_s += 10.0
    assert events(all_due(feed)) == list(range(1, 20))


def test_speeds_beyond_the_limits_are_refused() -> None:
    with pytest.raises(OutOfRangeError, match=r"outside 1 to 100"):
        ReplayFeed([], speed=1000)
    feed = ReplayFeed([])
    with pytest.raises(OutOfRangeError):
        feed.speed = 0.0
    assert feed.take(0) == []
    assert feed.position_s == 0.0


def test_waiting_for_the_next_document_does_not_spin() -> None:
    feed = ReplayFeed(energy_run(), speed=1, paused=True)
    feed.open()
    feed.take(0)
    began = time.monotonic()
    feed.take(0.05)
    assert time.monotonic() - began >= 0.05
