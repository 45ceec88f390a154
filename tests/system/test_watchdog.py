"""If these fail, the laser burns a standing jet, or shines on after its session has died."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.fault_bench import FaultBench
from tests.support.waiting import WAIT_S

MACRO = "guarded:"

SILENCE_S = 2.0
"""Silence after which watchdog and lock give up a session: twenty heartbeats, as a busy machine delays some."""

LONG_SILENCE_S = 3.0
"""Time in which a silent session would be given up for certain."""

CLIENT = """
import sys, threading
import epics
macro, beats = sys.argv[1], 0
epics.caput(macro + "7idd:session:Holder", "other session", wait=True, timeout=120)
for name in ("7idd:xrayShutter:Set", "7idd:laser:Shutter"):
    epics.caput(macro + name, 1, wait=True, timeout=120)
while True:
    beats += 1
    epics.caput(macro + "7idd:safety:Heartbeat", beats, wait=True, timeout=120)
    epics.caput(macro + "7idd:session:HolderHeartbeat", beats, wait=True, timeout=120)
    if beats == 5:
        print("beating", flush=True)
    threading.Event().wait(0.1)
"""
"""A session: it holds the beamline, opens the shutters and sends heartbeats until it is killed."""


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "200", "--seed", "3") as running:
        yield running


@pytest.fixture
def bench(ioc: Any, get: Any, put: Any) -> Iterator[FaultBench]:
    made = FaultBench(MACRO, get, put)
    made.put("7idd:safety:TimeoutS", SILENCE_S)
    made.put("7idd:session:TimeoutS", SILENCE_S)
    yield made
    made.put("7idd:session:Holder", "")
    made.until(lambda: made.get("7idd:session:Holder") == "", "free")
    made.put("7idd:safety:Disarm", 1)
    made.put("7idd:safety:Reset", 1)
    made.put("7idd:sim:FaultsClear", 1)
    made.put("7idd:jet:FlowSet", 240.0)
    made.put("7idd:laser:Shutter", 0)
    made.put("7idd:m21", 3.2)
    made.put("7idd:safety:Reset", 1)


@contextlib.contextmanager
def session() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", CLIENT, MACRO], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "beating\n"
            yield process
        finally:
            process.kill()


def watchdog(bench: FaultBench) -> str:
    return ("Disarmed", "Armed", "Tripped")[bench.get("7idd:safety:Watchdog")]


def status(bench: FaultBench) -> str:
    return ("OK", "JetStopped", "Tripped")[bench.get("7idd:safety:Status")]


def test_a_killed_session_leaves_both_shutters_closed(bench: FaultBench) -> None:
    with session() as process:
        assert bench.shutters() == (1, 1)
        assert watchdog(bench) == "Armed"
        process.kill()
        bench.until(lambda: bench.shutters() == (0, 0), "shutters closed")
    bench.until(lambda: status(bench) == "Tripped", "tripped")
    assert watchdog(bench) == "Tripped"
    bench.until(lambda: f"no heartbeat for {SILENCE_S:g} s" in bench.text("7idd:safety:Reason"), "a reason")
    assert bench.get("7idd:laser:Shutter") == 0, "the set value must not say Open"
    for name in ("7idd:laser:Shutter", "7idd:xrayShutter:Set"):
        bench.put(name, 1)
    assert bench.shutters() == (0, 0), "nothing opens before the reset"
    # The lock has its own clock: as long as it knows the dead session, it refuses what others write.
    bench.until(lambda: bench.get("7idd:session:Holder") == "", "free")
    bench.put("7idd:safety:Heartbeat", 1)
    assert watchdog(bench) == "Tripped", "only a reset lifts a trip"
    bench.put("7idd:safety:Reset", 1)
    assert (watchdog(bench), status(bench)) == ("Disarmed", "OK")
    assert bench.shutters() == (0, 0)
    bench.put("7idd:safety:Heartbeat", 2)
    assert watchdog(bench) == "Armed"
    bench.open_shutters()


def test_a_killed_session_no_longer_holds_the_beamline(bench: FaultBench) -> None:
    with session() as process:
        bench.put("7idd:session:Holder", "me")
        assert bench.get("7idd:session:Holder") == "other session"
        process.kill()
        bench.until(lambda: bench.get("7idd:session:Holder") == "", "free")
    bench.put("7idd:session:Holder", "me")
    assert bench.get("7idd:session:Holder") == "me"


def test_a_session_that_ends_as_it_should_leaves_shutters_to_others(bench: FaultBench) -> None:
    bench.put("7idd:safety:Heartbeat", 1)
    bench.open_shutters()
    bench.put("7idd:safety:Disarm", 1)
    assert watchdog(bench) == "Disarmed"
    assert not happens(lambda: bench.shutters() != (1, 1), seconds=LONG_SILENCE_S)


def happens(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether `condition` came true within `seconds`, by asking all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
    return False


def test_the_watchdog_does_not_open_for_a_silent_session(bench: FaultBench) -> None:
    bench.put("7idd:laser:Shutter", 0)
    bench.put("7idd:xrayShutter:Set", 0)
    bench.put("7idd:safety:Heartbeat", 1)
    assert not happens(lambda: watchdog(bench) != "Armed", seconds=LONG_SILENCE_S), "closed shutters need no heartbeat"
    bench.put("7idd:laser:Shutter", 1)
    assert bench.shutters() == (0, 0)
    assert "gets no heartbeat" in bench.text("7idd:safety:LastRefusal")
    bench.put("7idd:safety:Heartbeat", 2)
    bench.open_shutters()


def test_a_server_that_hung_does_not_blame_the_session(bench: FaultBench) -> None:
    """It could not hear the heartbeats that were sent meanwhile."""
    with session():
        bench.put("7idd:sim:Fault:IocFreeze", LONG_SILENCE_S)
        bench.until(lambda: bench.text("7idd:sim:FaultsActive") == "none", "over")
        assert not happens(lambda: bench.shutters() != (1, 1), seconds=0.5)
        assert watchdog(bench) == "Armed"


def test_a_stuck_laser_shutter_is_reported_and_the_xrays_close(bench: FaultBench) -> None:
    bench.open_shutters()
    with bench.struck("LaserShutterStuck"):
        bench.put("7idd:safety:Heartbeat", 1)
        bench.until(lambda: bench.shutters() == (1, 0), "X-rays off")
        bench.until(lambda: "The laser shutter did not close!" in bench.text("7idd:safety:Reason"), "a report")


@pytest.mark.parametrize("stop", ["by client", "by fault"])
def test_a_stopping_jet_closes_both_shutters(bench: FaultBench, stop: str) -> None:
    bench.open_shutters()
    if stop == "by client":
        bench.put("7idd:jet:FlowSet", 10.0)
    else:
        bench.put("7idd:sim:Fault:JetStall", 1e6)
    assert bench.shutters() == (0, 0)
    assert status(bench) == "JetStopped"
    assert bench.text("7idd:safety:Reason") == "Shutters closed: the jet stopped."
    bench.put("7idd:laser:Shutter", 1)
    bench.put("7idd:xrayShutter:Set", 1)
    assert bench.shutters() == (0, 1), "X-rays alone do no harm"
    bench.put("7idd:sim:FaultsClear", 1)
    bench.put("7idd:jet:FlowSet", 240.0)
    assert status(bench) == "OK"
    assert bench.shutters() == (0, 1), "nobody but a client opens"
    bench.open_shutters()


def test_with_the_cell_in_the_beam_the_jet_may_stand(bench: FaultBench) -> None:
    bench.put("7idd:xrayShutter:Set", 1)
    bench.put("7idd:sample:Select", 1)
    bench.put("7idd:jet:FlowSet", 0.0)
    assert (status(bench), bench.shutters()[1]) == ("OK", 1)
    bench.put("7idd:sample:Select", 0)
    assert (status(bench), bench.shutters()[1]) == ("JetStopped", 0)


REFUSED = [
    ("7ida:BraggEAO", 3.0, "7ida:BraggERdbkAO"),
    ("7ida:BraggEAO", float("nan"), "7ida:BraggERdbkAO"),
    ("7ida:m1", 60.0, "7ida:m1.RBV"),
    ("7ida:m1.RLV", 40.0, "7ida:m1.RBV"),
    ("7idd:DG1:ADelayAO", 4.5e-7, "7idd:DG1:ADelayAI"),
    ("7idd:DG1:ADelayAO", 1e-9, "7idd:DG1:ADelayAI"),
    ("7idd:digDelay1:setDelay", -1.0, "7idd:digDelay1:actualDelay"),
    ("7idd:cell:Setpoint", 171.0, "7idd:cell:Setpoint"),
    ("7idd:m21", 45.0, "7idd:m21.RBV"),
    ("7idd:m21.RLV", 40.0, "7idd:m21.RBV"),
]


@pytest.mark.parametrize(("name", "value", "stays_at"), REFUSED)
def test_limits_hold_whatever_a_client_wants(bench: FaultBench, name: str, value: float, stays_at: str) -> None:
    """Refused, not clamped: the axis stays, and an alarm says who wanted what, also with soft limits widened."""
    import epics

    bench.open_shutters()
    for motor in ("7ida:m1", "7idd:m21"):
        bench.put(f"{motor}.HLM", 1e3)
        bench.put(f"{motor}.LLM", -1e3)
    before, refusals = bench.get(stays_at), bench.get("7idd:safety:Refusals")
    bench.put(name, value)
    assert bench.get(stays_at) == before
    assert bench.get("7idd:safety:Refusals") == refusals + 1
    assert f"wrote {MACRO}{name}: " in bench.text("7idd:safety:LastRefusal")
    refusal = epics.PV(f"{MACRO}7idd:safety:LastRefusal", form="time", auto_monitor=False)
    assert refusal.wait_for_connection(WAIT_S)
    assert refusal.get_timevars()["severity"] == epics.MINOR_ALARM
    bench.put("7idd:safety:Reset", 1)
    assert refusal.get_timevars()["severity"] == epics.NO_ALARM
    for motor, low, high in (("7ida:m1", 8.657, 48.8153), ("7idd:m21", 0.0, 50.0)):
        bench.put(f"{motor}.HLM", high)
        bench.put(f"{motor}.LLM", low)


def test_too_much_fluence_stays_behind_the_shutter(bench: FaultBench) -> None:
    bench.put("7idd:laser:Shutter", 0)
    bench.put("7idd:m21", 45.0)
    assert bench.get("7idd:m21.RBV") == pytest.approx(45.0), "behind the shutter the plate may go anywhere"
    bench.put("7idd:laser:Shutter", 1)
    assert bench.shutters()[0] == 0
    assert "13.83 mJ/cm2 is more than 13 mJ/cm2" in bench.text("7idd:safety:LastRefusal")
    bench.put("7idd:m21", 38.0)
    bench.open_shutters()


def test_a_backlash_detour_through_too_much_fluence_closes_the_shutters(bench: FaultBench) -> None:
    """Soft ways around a limit end at the shutter."""
    bench.put("7idd:m21", 36.0)
    bench.open_shutters()
    for field, value in (("BDST", -11.0), ("BVEL", 0.05)):
        bench.put(f"7idd:m21.{field}", value)
    bench.put("7idd:m21.VELO", 20.0)
    done = bench.start("7idd:m21", 37.0)
    bench.until(lambda: bench.shutters() == (0, 0), "shutters closed")
    assert done.wait(WAIT_S)
    assert "the fluence exceeded 13 mJ/cm2" in bench.text("7idd:safety:Reason")
    for field, value in (("BDST", 0.0), ("BVEL", 20.0)):
        bench.put(f"7idd:m21.{field}", value)


def test_others_may_stop_and_close_but_not_move_or_open(bench: FaultBench, caproto_put: Any) -> None:
    """Two sessions on one beamline would spoil each other's points."""
    bench.put("7idd:session:TimeoutS", WAIT_S)
    bench.open_shutters()
    bench.put("7idd:session:Holder", "me")
    assert "@127.0.0.1:" in bench.get("7idd:session:HolderSeen")
    for name, value in (
        ("7idd:m31", 5.0),
        ("7idd:scaler1.CNT", 1),
        ("7idd:scaler1.TP", 3.0),
        ("7ida:BraggEAO", 13.5),
        ("7idd:Pilatus:cam1:Acquire", 1),
        ("7idd:safety:Disarm", 1),
        ("7idd:session:TimeoutS", 1.0),
        ("7idd:session:HolderHeartbeat", 1),
    ):
        refusals = bench.get("7idd:safety:Refusals")
        caproto_put(MACRO + name, value)
        assert bench.get("7idd:safety:Refusals") == refusals + 1, name
        assert "the beamline is held by 'me'" in bench.text("7idd:safety:LastRefusal")
    caproto_put(f"{MACRO}7idd:m31.STOP", 1)
    caproto_put(f"{MACRO}7idd:laser:Shutter", 0)
    caproto_put(f"{MACRO}7idd:xrayShutter:Set", 0)
    assert bench.shutters() == (0, 0)
    caproto_put(f"{MACRO}7idd:laser:Shutter", 1)
    assert bench.shutters() == (0, 0)
    bench.put("7idd:m31", 7.0)
    assert bench.get("7idd:m31.RBV") == pytest.approx(7.0), "the holder moves"
    bench.put("7idd:session:Holder", "")
    caproto_put(f"{MACRO}7idd:m31", 5.0)
    assert bench.get("7idd:m31.RBV") == pytest.approx(5.0), "free for all"


def test_the_holder_may_come_back_on_another_connection(bench: FaultBench) -> None:
    """A network that was gone must not lock the session out of its own run."""
    bench.put("7idd:session:TimeoutS", WAIT_S)
    with session():
        seen = bench.get("7idd:session:HolderSeen")
        bench.put("7idd:session:Holder", "other session")
        assert bench.get("7idd:session:HolderSeen") != seen
        bench.put("7idd:m31", 3.0)
        assert bench.get("7idd:m31.RBV") == pytest.approx(3.0)


def test_a_holder_without_heartbeat_is_dropped(bench: FaultBench) -> None:
    bench.put("7idd:session:Holder", "me")
    bench.until(lambda: bench.get("7idd:session:Holder") == "", "dropped")
    assert bench.get("7idd:session:HolderSeen") == ""
