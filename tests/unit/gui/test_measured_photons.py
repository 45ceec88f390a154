"""If these fail, the predicted error bar belongs to a nominal beam instead of the current one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.control.measured_photons import MeasuredPhotons
from gui.live.feed import QueueFeed
from gui.live.replay_feed import ReplayFeed
from gui.live.run_state import RunState
from gui.live.worker import LiveWorker
from gui.requests.xas.bunches import BunchRequest
from tests.support.beam_time import Document
from tests.support.waiting import WAIT_MS


@pytest.fixture
def feed() -> QueueFeed:
    return QueueFeed("test")


@pytest.fixture
def worker(feed: QueueFeed) -> Iterator[LiveWorker]:
    running = LiveWorker(feed)
    running.start()
    yield running
    running.stop()


def test_photons_of_the_run_are_reported_once(
    feed: QueueFeed, worker: LiveWorker, energy_run: list[Document], qtbot: QtBot
) -> None:
    told: list[tuple[float, str]] = []
    photons = MeasuredPhotons(worker, lambda number, source: told.append((number, source)))
    state = RunState()
    for name, doc in energy_run:
        feed.put(name, doc)
        state(name, doc)
    request = BunchRequest("run")
    qtbot.waitUntil(
        lambda: (a := worker.frame.answer(request)) is not None and a.events == state.events, timeout=WAIT_MS
    )
    for _ in range(3):
        photons.poll()
    assert len(told) == 1
    number, source = told[0]
    assert number == request.compute(state).photons_per_pulse.mean(axis=1).sum()
    assert "measured in scan 7" in source
    photons.deleteLater()


def test_a_replay_reports_nothing(energy_run: list[Document], qtbot: QtBot) -> None:
    told: list[float] = []
    worker = LiveWorker(ReplayFeed(energy_run, speed=100.0))
    photons = MeasuredPhotons(worker, lambda number, _source: told.append(number))
    worker.start()
    qtbot.waitUntil(lambda: worker.frame.answer(BunchRequest("run")) is not None, timeout=WAIT_MS)
    photons.poll()
    worker.stop()
    assert told == []
    photons.deleteLater()
