"""If these fail, a scan measures in the wrong order, repeats or loses points, or leaves the laser on the sample."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from bluesky.simulators import RunEngineSimulator, assert_message_and_return_remaining
from bluesky.utils import RunEngineInterrupted

import plans
from tests.support.fake_beamline import FakeHardware
from tests.support.recorded_scans import REGIONS, RecordedScans
from tests.support.waiting import WAIT_S


@pytest.fixture
def recorded() -> Iterator[RecordedScans]:
    with RecordedScans() as runs:
        yield runs


def test_order_of_messages_of_one_point() -> None:
    simulator = RunEngineSimulator()
    messages = simulator.simulate_plan(
        plans.energy_scan(FakeHardware().beamline, "Br K", delay_ps=0.0, regions_ev=REGIONS, allow_unreducible=True)
    )
    for command in ("open_run", "configure", "checkpoint", "set", "wait", "trigger", "wait", "create", "read", "save"):
        messages = assert_message_and_return_remaining(
            messages,
            lambda message, command=command: message.command == command,  # type: ignore[misc]
        )
    assert_message_and_return_remaining(messages, lambda message: message.command == "close_run")


def test_pausing_between_points_loses_and_doubles_nothing(recorded: RecordedScans) -> None:
    engine, repeats = recorded.engine, 100
    # From a thread of its own, as a second terminal would: the engine's thread may not wait for itself.
    pause = threading.Thread(target=engine.request_pause, kwargs={"defer": True})
    engine.subscribe(lambda name, doc: pause.start() if doc["seq_num"] == 2 else None, "event")
    with pytest.raises(RunEngineInterrupted):
        recorded.energy_scan(repeats=repeats)
    assert len(recorded.events) < 3 * repeats
    engine.resume()
    pause.join(WAIT_S)
    measured = [(event["scan_index"], event["point_index"]) for event in recorded.events]
    assert measured == [(scan, point) for scan in range(repeats) for point in range(3)]
