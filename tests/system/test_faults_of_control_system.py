"""If these fail, a lost PV, a silent monitor or a dead IOC of the simulation does not behave as a real one does."""

from __future__ import annotations

import contextlib
import math
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.signals.uncached_signal import FreshSignalRO, read_together
from errors import NotConnectedError
from sim.faults.kinds import KINDS
from tests.support.fault_bench import FaultBench
from tests.support.waiting import WAIT_S, until

MACRO = "control:"
DWELL_S = 20.0

SPEED = 200.0


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", str(SPEED), "--seed", "3") as running:
        yield running


@pytest.fixture
def bench(ioc: Any, get: Any, put: Any) -> Iterator[FaultBench]:
    made = FaultBench(MACRO, get, put)
    made.put("7idd:sim:FaultsClear", 1)
    made.open_shutters()
    yield made
    assert made.text("7idd:sim:FaultsActive") == "none"


def test_one_pv_disconnects_and_returns(bench: FaultBench) -> None:
    import epics

    lock, other = epics.PV(f"{MACRO}7idd:laser:Lock"), epics.PV(f"{MACRO}7idd:laser:RepRate")
    assert lock.wait_for_connection(WAIT_S)
    assert other.wait_for_connection(WAIT_S)
    with bench.struck("PvGone", Pv="7idd:laser:Lock"):
        bench.until(lambda: epics.ca.poll() is not None and not lock.connected, "disconnected")
        assert other.connected
        assert other.get(use_monitor=False, timeout=WAIT_S) is not None
        assert not epics.PV(f"{MACRO}7idd:laser:Lock.DESC").wait_for_connection(0.5)
    assert lock.wait_for_connection(WAIT_S)
    with bench.struck("LaserUnlock"):
        bench.until(lambda: epics.ca.poll() is not None and lock.get() == 0, "monitored again")


READ_ON = (
    *("7idd:laser:Lock", "S:SRcurrentAI", "7idd:jet:FlowAI", "7idd:digDelay1:actualDelay", "7idd:DG1:ADelayAI"),
    *("7idd:laser:PowerAI", "7idd:jet:TemperatureAI", "7ida:BraggERdbkAO", "7idd:m21.RBV", "7idd:scaler1.T"),
)


def test_pvs_that_go_while_they_are_being_read_take_no_other_with_them(bench: FaultBench) -> None:
    """Lost: the night. The server fell silent on a connection that stayed open, or the client never asked again.

    One after the other, as libca looks for a lost one only 10 s later.
    """
    readbacks = {name: FreshSignalRO(MACRO + name, name=name) for name in READ_ON}
    for readback in readbacks.values():
        readback.wait_for_connection(timeout=WAIT_S)
    going = list(readbacks)[:1]

    def read_on() -> None:
        while going:
            with contextlib.suppress(NotConnectedError, IndexError):
                read_together({"going": readbacks[going[0]]}, WAIT_S)

    reading = threading.Thread(target=read_on)
    reading.start()
    try:
        for name, readback in readbacks.items():
            going[0] = name
            with bench.struck("PvGone", Pv=name.removesuffix(".RBV").removesuffix(".T")):
                until(lambda: not readback.connected, f"{name} disconnected")  # noqa: B023  # called at once
        until(lambda: all(readback.connected for readback in readbacks.values()), "all connected again")
    finally:
        going.clear()
        reading.join(2 * WAIT_S)
    assert bench.get("7idd:laser:RepRate") > 0
    assert read_together(readbacks, WAIT_S)["7idd:laser:Lock"] == 1


@pytest.mark.filterwarnings("ignore:ca.get:UserWarning")
def test_a_request_that_never_left_is_made_again(bench: FaultBench) -> None:
    """Lost: the PV, for the rest of the session; pyepics takes it for asked already."""
    from epics import ca

    name = f"{MACRO}7idd:laser:Lock"
    lock = FreshSignalRO(name, name="lock")
    lock.wait_for_connection(timeout=WAIT_S)
    ca.use_initial_context()
    assert read_together({"lock": lock}, WAIT_S) == {"lock": 1}
    results = ca.get_cache(name).get_results
    for kind in results:
        results[kind] = [ca.GET_PENDING]
    # A batch has requests of its own. What it cannot read is requested one by one, as here.
    assert read_together({"lock": lock}, WAIT_S) == {"lock": 1}
    lock.request()
    with pytest.raises(NotConnectedError, match="7idd:laser:Lock"):
        lock.collect(0.1)
    lock.request()
    assert lock.collect(WAIT_S).value == 1


@pytest.mark.parametrize("only", ["", "7idd:laser:Lock"])
def test_monitors_stop_and_catch_up(bench: FaultBench, recorder: Any, only: str) -> None:
    lock, flow = recorder(f"{MACRO}7idd:laser:Lock"), recorder(f"{MACRO}7idd:jet:FlowAI")
    with bench.struck("MonitorsStop", Pv=only):
        lock.clear()
        flow.clear()
        with bench.struck("LaserUnlock"):
            bench.put("7idd:jet:FlowSet", 230.0)
            assert bench.get("7idd:laser:Lock") == 0, "reads still work"
            if only:
                flow.wait(lambda values: values == [230.0])
            assert lock.values == []
            assert lock.pv.connected
        bench.put("7idd:jet:FlowSet", 240.0)
        with bench.struck("LaserUnlock"):
            bench.put("7idd:sim:Fault:MonitorsStop", 0.0)
            lock.wait(lambda values: values == [0])


def test_faults_end_by_themselves(bench: FaultBench, recorder: Any) -> None:
    """Seconds of beam: 20 s are a tenth of a second here."""
    active, current = recorder(f"{MACRO}7idd:sim:Fault:BeamDump:Active"), recorder(f"{MACRO}S:SRcurrentAI")
    bench.put("7idd:sim:Fault:BeamDump", 20.0)
    active.wait(lambda values: values == [0, 1, 0])
    assert 0.0 in current.values
    assert bench.get("S:SRcurrentAI") > 100
    assert bench.get("7idd:sim:Fault:BeamDump") == 0


def test_all_faults_can_be_ended_at_once(bench: FaultBench) -> None:
    for kind in ("BeamDump", "LaserUnlock", "GatesLost"):
        bench.put(f"7idd:sim:Fault:{kind}", math.inf)
    assert bench.text("7idd:sim:FaultsActive") == "BeamDump, LaserUnlock, GatesLost"
    bench.put("7idd:sim:FaultsClear", 1)
    assert bench.text("7idd:sim:FaultsActive") == "none"
    assert bench.get("7idd:laser:Lock") == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BeamDump", -1, "a duration of -1 s must be above 0"),
        ("BeamDump", math.nan, "a duration of nan s must be above 0"),
        ("IocFreeze", 1e4, "at most 600 s"),
        ("Bubbles:Depth", 1.5, "depth = 1.5 must be within 0 to 1"),
        ("PvGone:Pv", "7idd:nothing", "there is no record"),
        ("MotorStall:Motor", "7idd:m99", "must be one of 7ida:m1"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(bench: FaultBench, name: str, value: Any, message: str) -> None:
    before = bench.get("7idd:safety:Refusals")
    bench.put(f"7idd:sim:Fault:{name}", value)
    assert message in bench.text("7idd:safety:LastRefusal")
    assert bench.get("7idd:safety:Refusals") == before + 1
    assert bench.text("7idd:sim:FaultsActive") == "none"


def test_every_kind_has_its_switch(bench: FaultBench) -> None:
    assert {kind: bench.get(f"7idd:sim:Fault:{kind}") for kind in KINDS} == dict.fromkeys(KINDS, 0.0)


def test_a_frozen_ioc_answers_after_its_time_and_loses_nothing(bench: FaultBench) -> None:
    bench.put("7idd:jet:FlowSet", 250.0)
    bench.put("7idd:sim:Fault:IocFreeze", 2.0)
    import epics

    flow = epics.PV(f"{MACRO}7idd:jet:FlowAI", auto_monitor=False)
    assert flow.wait_for_connection(WAIT_S)

    def slow_to_answer() -> bool:
        begin = time.monotonic()
        assert flow.get(use_monitor=False, timeout=WAIT_S) == 250.0
        return time.monotonic() - begin > 1.0

    bench.until(slow_to_answer, "an answer after more than a second")
    assert flow.connected
    bench.until(lambda: bench.text("7idd:sim:FaultsActive") == "none", "over")
    bench.put("7idd:jet:FlowSet", 240.0)


@pytest.mark.long
def test_scheduled_faults_strike_in_their_order(start_ioc: Any, tmp_path: Path, recorder: Any) -> None:
    """Seconds of beam since the server was ready."""
    path = tmp_path / "faults.toml"
    path.write_text(
        '[[faults]]\nkind = "LaserUnlock"\nat_s = 40\nduration_s = 40\n'
        '[[faults]]\nkind = "BeamDump"\nat_s = 0\nduration_s = inf\n'
    )
    with start_ioc("-m", "sim", "--macro", "planned:", "--speed", "20", "--faults", str(path)):
        lock, current = recorder("planned:7idd:laser:Lock"), recorder("planned:S:SRcurrentAI")
        lock.wait(lambda values: values == [1, 0, 1])
        assert set(current.values) == {0.0}


def test_a_dead_ioc_returns_on_another_port_and_has_forgotten_everything(start_ioc: Any, get: Any, put: Any) -> None:
    import epics

    with start_ioc("-m", "sim", "--macro", "dying:", "--speed", "200", "--seed", "3") as ioc:
        bench = FaultBench("dying:", get, put)
        bench.put("7idd:jet:FlowSet", 250.0)
        first = bench.expose(DWELL_S)
        flow = epics.PV("dying:7idd:jet:FlowAI")
        assert flow.wait_for_connection(WAIT_S)
        host = epics.ca.host_name(flow.chid)
        bench.put("7idd:sim:Fault:IocDeath:OtherPort", 1)
        bench.put("7idd:sim:Fault:IocDeath", 1.0)
        bench.until(lambda: epics.ca.poll() is not None and not flow.connected, "connection lost")
        bench.until(lambda: epics.ca.poll() is not None and flow.connected, "connected again")
        assert flow.get(use_monitor=False, timeout=WAIT_S) == 240.0
        assert epics.ca.host_name(flow.chid) != host
        again = bench.expose(DWELL_S)
        assert again.exposure_id == 1
        assert (again.counts != first.counts).any(), "other counts than the first ones"
        assert ioc.process.poll() is None
        bench.put("7idd:sim:Fault:IocDeath", math.inf)
        assert ioc.process.wait(WAIT_S) == 70


def test_a_server_that_dies_by_schedule_dies_once(start_ioc: Any, tmp_path: Path, get: Any, put: Any) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[faults]]\nkind = "IocDeath"\nat_s = 0.5\nduration_s = 0.1\n')
    with start_ioc("-m", "sim", "--macro", "once:", "--faults", str(path)) as ioc:
        assert re.search("ready", ioc.process.stdout.readline()), "started again"
        bench = FaultBench("once:", get, put)
        assert bench.get("7idd:jet:FlowAI") == 240.0
        assert ioc.stop(signal.SIGTERM) == 0
