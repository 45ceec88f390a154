"""If this fails, an IOC that dies at night costs points, or doubles them."""

from __future__ import annotations

import contextlib
from typing import Any

from bluesky import RunEngine

import plans
from devices.assembly import build_beamline
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration

MACRO = "mortal:"
SIMULATION = ("-m", "sim", "--macro", MACRO, "--speed", "2000")


def test_a_scan_survives_the_death_of_the_ioc(start_ioc: Any) -> None:
    delays = [float(delay) for delay in range(0, 300, 10)]
    with start_ioc(*SIMULATION) as first, contextlib.ExitStack() as stack:
        beamline = build_beamline(load_configuration(prefix=MACRO).beamline)
        beamline.connect(timeout_s=WAIT_S)
        events: list[dict[str, Any]] = []

        def kill_once(name: str, doc: dict[str, Any]) -> None:
            events.append(doc["data"])
            if len(events) == 10:
                first.process.kill()
                first.process.wait(WAIT_S)
                stack.enter_context(start_ioc(*SIMULATION, at_port=first.port))

        engine = RunEngine({})
        engine.subscribe(kill_once, "event")
        engine(plans.delay_scan(beamline, "Br K", delays_ps=delays, dwell_s=6.0, repeats=1, order="up"))
    # An exposure that was counting when the IOC died may be stored as bad, and is then measured again.
    good = [event for event in events if not event["quality"]]
    assert [event["point_index"] for event in good] == list(range(len(delays)))
    # The new IOC had forgotten every setting; the plan put them back.
    assert all(abs(event["delay_ps"] - delay) < 0.1 for event, delay in zip(good, delays, strict=True))
    assert all(abs(event["fluence_mj_cm2"] - 8.83) < 0.01 for event in good)
    assert all(abs(event["energy_ev"] - 13_472) < 0.05 for event in good)
    assert {event["laser_shutter"] for event in good} == {1}
