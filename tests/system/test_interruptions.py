"""If these fail, a pause, an abort or a hanging IOC costs the run, or leaves the detectors counting."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted

import plans
from devices.assembly import build_beamline
from devices.beamline import Beamline
from devices.signals.uncached_signal import read_together
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration

MACRO = "brk:"
DWELL_S = 20.0


@pytest.fixture
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "20") as running:
        yield running


@pytest.fixture
def beamline(ioc: Any) -> Beamline:
    line = build_beamline(load_configuration(prefix=MACRO).beamline)
    line.connect(timeout_s=WAIT_S)
    return line


def counting(beamline: Beamline) -> bool:
    return bool(read_together({"counting": beamline.exposure.counting})["counting"])


def interrupt_in_exposure(beamline: Beamline, engine: RunEngine) -> threading.Thread:
    """Pause at once, as Ctrl-C does, while the detectors count."""

    def wait_and_pause() -> None:
        started = threading.Event()
        beamline.exposure.count.subscribe(lambda value, **_: started.set() if value else None)
        assert started.wait(WAIT_S)
        engine.request_pause(defer=False)

    thread = threading.Thread(target=wait_and_pause)
    thread.start()
    return thread


def interrupted_scan(beamline: Beamline) -> tuple[RunEngine, list[dict[str, Any]]]:
    engine, events = RunEngine({}), []
    engine.subscribe(lambda name, doc: events.append(doc["data"]), "event")
    pausing = interrupt_in_exposure(beamline, engine)
    options: dict[str, Any] = {"delays_ps": [0.0, 100.0, 200.0], "dwell_s": DWELL_S, "repeats": 1, "order": "up"}
    with pytest.raises(RunEngineInterrupted):
        engine(plans.delay_scan(beamline, "Br K", **options))
    pausing.join(WAIT_S)
    return engine, events


def test_a_pause_in_an_exposure_ends_it_blocks_the_laser_and_loses_no_point(beamline: Beamline) -> None:
    engine, events = interrupted_scan(beamline)
    assert not counting(beamline)
    assert beamline.laser_shutter.position == "closed"
    engine.resume()
    assert [event["point_index"] for event in events] == [0, 1, 2]
    assert all(event["exposure_s"] == DWELL_S for event in events)
    assert {event["laser_shutter"] for event in events} == {1}


def test_after_an_abort_nothing_counts_and_the_next_scan_runs(beamline: Beamline) -> None:
    engine, events = interrupted_scan(beamline)
    engine.abort()
    assert not counting(beamline)
    assert beamline.laser_shutter.position == "closed"
    engine(plans.delay_scan(beamline, "Br K", delays_ps=[0.0], dwell_s=1.0))
    assert events[-1]["delay_ps"] == pytest.approx(0.0, abs=0.1)


def test_an_ioc_that_hangs_for_a_while_costs_no_point(ioc: Any, beamline: Beamline) -> None:
    events: list[dict[str, Any]] = []
    wake = threading.Timer(8.0, os.kill, (ioc.process.pid, signal.SIGCONT))

    def freeze_once(name: str, doc: dict[str, Any]) -> None:
        events.append(doc["data"])
        if len(events) == 2:
            ioc.process.send_signal(signal.SIGSTOP)
            wake.start()

    engine = RunEngine({})
    engine.subscribe(freeze_once, "event")
    with contextlib.ExitStack() as stack:
        stack.callback(wake.cancel)
        delays = [float(delay) for delay in range(0, 60, 10)]
        engine(plans.delay_scan(beamline, "Br K", delays_ps=delays, dwell_s=1.0, order="up"))
    assert [event["point_index"] for event in events] == list(range(6))
