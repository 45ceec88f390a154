"""If these fail, a scan goes on beside a record that has lost its device, or nobody learns which one it was."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from bluesky import RunEngine

import plans
from devices.assembly import build_beamline
from devices.beamline import Beamline
from tests.support.fault_bench import FaultBench
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration

MACRO = "losing:"
SPEED = 100
DWELL_S = 100.0
"""Beam time of an exposure, 1 s of wall-clock time: long enough to lose a record in the middle of one."""

POINTS = 4


@pytest.fixture(scope="module")
def beamline(start_ioc: Any) -> Iterator[Beamline]:
    with start_ioc("-m", "tests.support.losing_ioc", "--macro", MACRO, "--speed", str(SPEED)):
        configuration = load_configuration(prefix=MACRO).beamline
        quality = replace(configuration.quality, jet_settle_s=0.2, report_s=0.2)
        line = build_beamline(replace(configuration, quality=quality))
        line.connect(timeout_s=WAIT_S)
        yield line


def test_a_record_in_invalid_alarm_suspends_the_scan_and_is_named(
    beamline: Beamline, get: Any, put: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The points hit are marked and measured again, and the message names record and severity."""
    bench = FaultBench(MACRO, get, put)
    engine = RunEngine({})
    documents: list[tuple[str, dict[str, Any]]] = []
    caplog.set_level(logging.INFO, logger="trxas.plans")

    def points() -> list[dict[str, Any]]:
        return [doc["data"] for name, doc in documents if name == "event" and "quality" in doc["data"]]

    def lose_and_find() -> None:
        bench.until(lambda: len(points()) >= 1 and bench.get("7idd:scaler1.CNT") == 1, "the second exposure")
        bench.put("test:Lost", "7idd:jet:FlowAI")
        bench.until(lambda: "Suspended" in caplog.text and "FlowAI" in caplog.text, "the message")
        bench.put("test:Lost", "")

    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    losing = threading.Thread(target=lose_and_find)
    losing.start()
    engine(
        plans.energy_scan(
            beamline, "Br K", delay_ps=100.0, regions_ev=[(13_440, 13_440 + POINTS - 1, 1)], dwell_s=DWELL_S,
            allow_unreducible=True,
        )
    )  # fmt: skip
    losing.join(WAIT_S)

    good = [point for point in points() if not point["quality"]]
    bad = [point for point in points() if point["quality"]]
    assert [point["point_index"] for point in good] == list(range(POINTS))
    assert all(point["marks"] == "" for point in good)
    assert bad
    assert all("jet_flow" in point["quality"].split(",") for point in bad)
    assert "jet_flow_ml_min_invalid" in bad[0]["marks"].split(",")
    assert all(math.isfinite(point["jet_flow_ml_min"]) for point in points())
    reasons = [doc["data"]["reason"] for name, doc in documents if name == "event" and "reason" in doc["data"]]
    assert f"{MACRO}7idd:jet:FlowAI is in INVALID alarm" in reasons[0]
    assert f"jet_flow is not known ({MACRO}7idd:jet:FlowAI is in INVALID alarm)" in caplog.text
