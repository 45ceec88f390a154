"""If these fail, stock EPICS clients cannot use the simulated motors as they use real ones."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from devices.signals.connection import wait_connected
from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor import MotorGroup
from tests.support.waiting import WAIT_S

PROBLEM_BIT = 0x200

MARKS = itertools.count(1)


@pytest.fixture
def m1(bench: str, put: Any) -> Iterator[str]:
    """The slow motor, at 0 and as it was built; 20 mm of travel at 2 mm/s."""
    name = f"{bench}m1"
    yield name
    put(f"{bench}stall", 0)
    for field, value in {"STOP": 1, "SPMG": 3, "DIR": 0, "OFF": 0.0, "DHLM": 10.0, "DLLM": -10.0, "VELO": 1e4}.items():
        put(f"{name}.{field}", value)
    put(name, 0.0)
    put(f"{name}.VELO", 2.0)


STOCK: list[Any] = []
"""Stock devices; never destroyed, since pyepics may crash when it drops subscriptions."""

MONITORED = ("VAL", "RBV", "DMOV", "MOVN", "HLM", "LLM", "HLS", "LLS", "VELO")
"""Fields that a stock EpicsMotor subscribes to while they connect."""


def stock_motor(record: str) -> Any:
    """A stock EpicsMotor that has just connected."""
    from ophyd import EpicsMotor, EpicsSignalRO

    # pyepics may never start a monitor that is asked for at the very moment at which its channel connects.
    channels = [EpicsSignalRO(f"{record}.{field}", name=field) for field in MONITORED]
    wait_connected(channels, WAIT_S)
    motor = EpicsMotor(record, name="m1")
    STOCK.extend([motor, *channels])
    motor.wait_for_connection(timeout=WAIT_S)
    return motor


@pytest.fixture(scope="module")
def epics_motor(bench: str) -> Any:
    """Stock EpicsMotor on m1."""
    return stock_motor(f"{bench}m1")


@pytest.fixture
def ophyd_m1(epics_motor: Any, m1: str, put: Any) -> Any:
    """Stock EpicsMotor on m1, at 0, that has seen all monitors of earlier motions."""
    see_all_monitors(epics_motor, m1, put)
    return epics_motor


def see_all_monitors(epics_motor: Any, m1: str, put: Any) -> None:
    """Wait until ophyd has seen all monitors of m1 so far, and has done all that it does at the end of a move.

    Put completion overtakes monitors; a DMOV of the move before would end the next one's status. And ophyd drops all
    statuses that wait at the end of a move, also one of a next move that has begun meanwhile, which then never ends.
    """
    caught_up = threading.Event()
    mark = 2.0 + next(MARKS) * 1e-6
    token = epics_motor.velocity.subscribe(lambda value, **_: caught_up.set() if value == mark else None)
    put(f"{m1}.VELO", mark)
    assert caught_up.wait(WAIT_S)
    epics_motor.velocity.unsubscribe(token)


def test_ophyd_sees_units_limits_and_precision(m1: str) -> None:
    """Plans check positions against these limits before anything moves."""
    # One that has just connected: ophyd may miss a change of limits, as other tests make, behind a put completion.
    motor = stock_motor(m1)
    assert motor.limits == (-10.0, 10.0)
    assert (motor.egu, motor.precision) == ("mm", 5)
    assert motor.user_readback.metadata["units"] == "mm"
    with pytest.raises(ValueError, match=r"10\.5 outside of range: \[-10\.0, 10\.0\]"):
        motor.set(10.5)


def test_changed_limits_reach_clients(ophyd_m1: Any, m1: str, put: Any, recorder: Any) -> None:
    """A narrowed soft limit that a client still believes wide would let a plan start a scan that cannot end."""
    high = recorder(f"{m1}.HLM")
    put(f"{m1}.HLM", 4.0)
    high.wait(lambda values: values[-1] == 4.0)
    assert ophyd_m1.user_setpoint._read_pv.get_ctrlvars()["upper_ctrl_limit"] == 4.0
    assert ophyd_m1.low_limit_travel.get() == -10.0


def test_ophyd_moves_to_target(ophyd_m1: Any) -> None:
    """The stock motor class must report success, and the read-back must be where it was sent."""
    status = ophyd_m1.set(0.4)
    status.wait(timeout=WAIT_S)
    assert status.success
    assert ophyd_m1.position == pytest.approx(0.4, abs=1e-9)


def test_ophyd_recalibrates_without_moving(ophyd_m1: Any, m1: str, get: Any) -> None:
    """Setting the current position shifts user coordinates and limits, not the stage."""
    ophyd_m1.set_current_position(5.0)
    assert get(f"{m1}.RBV") == pytest.approx(5.0)
    assert get(f"{m1}.DRBV") == pytest.approx(0.0)
    assert (get(f"{m1}.LLM"), get(f"{m1}.HLM")) == pytest.approx((-5.0, 15.0))


def test_reversed_direction_mirrors_user_coordinates(m1: str, put: Any, get: Any) -> None:
    """With DIR = Neg the user's +1 mm is the dial's -1 mm, and the soft limits change places."""
    put(f"{m1}.LLM", -3.0)
    put(f"{m1}.DIR", 1)
    put(m1, 0.5)
    assert get(f"{m1}.DRBV") == pytest.approx(-0.5)
    assert (get(f"{m1}.LLM"), get(f"{m1}.HLM")) == pytest.approx((-10.0, 3.0))


def test_done_flag_pulses_even_for_an_immeasurably_short_move(bench: str, put: Any, recorder: Any) -> None:
    """EpicsMotor waits for DMOV to go 0 and 1: a missed edge would hang a scan of small steps."""
    done = recorder(f"{bench}m2.DMOV")
    for target in (0.0001, 0.0001, 0.0002):
        done.clear()
        put(f"{bench}m2", target)
        done.wait(lambda values: values == [0, 1])


def test_put_completion_means_arrived(bench: str, put: Any, get: Any) -> None:
    """Acquisition starts when the put completes: the stage must be there by then, and the record at rest."""
    for target in (1.0, -1.0, 2.5):
        put(f"{bench}m2", target)
        assert get(f"{bench}m2.RBV") == pytest.approx(target)
        assert get(f"{bench}m2.DMOV") == 1


def test_put_without_completion_shows_motion_at_once(m1: str, put: Any, get: Any) -> None:
    """A client that polls DMOV after a put must never see the 1 from before."""
    put(m1, 10.0, wait=False)
    assert get(f"{m1}.DMOV") == 0
    assert get(f"{m1}.MOVN") == 1


def test_target_beyond_limit_is_refused_aloud(m1: str, caproto_put: Any, get: Any) -> None:
    """The client gets an error that names limit and unit; the stage stays, and the record is not left in alarm."""
    answer = caproto_put(m1, 10.5)
    assert "10.5 mm is outside its soft limits -10 to 10 mm" in answer
    assert (get(f"{m1}.LVIO"), get(f"{m1}.RBV"), get(f"{m1}.VAL")) == (1, 0.0, 0.0)
    assert get(f"{m1}.SEVR") == 0


def test_accepted_target_clears_limit_violation(m1: str, put: Any, get: Any) -> None:
    """If this fails, pyepics refuses every move after a single target beyond a limit."""
    put(m1, 11.0)
    assert get(f"{m1}.LVIO") == 1
    put(m1, 0.01)
    assert get(f"{m1}.LVIO") == 0


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_target_that_is_no_number_is_refused(m1: str, caproto_put: Any, get: Any, value: str) -> None:
    """A NaN from a wrong formula must not become a position."""
    assert "finite" in caproto_put(m1, value)
    assert get(f"{m1}.VAL") == 0.0


def test_stop_ends_motion_where_it_is(m1: str, put: Any, get: Any, recorder: Any, start: Any) -> None:
    """STOP completes pending puts, short of the target, and VAL tells where the stage stopped."""
    position = recorder(f"{m1}.RBV")
    completed = start(m1, 10.0)
    position.wait(lambda values: values[-1] > 0.05)
    put(f"{m1}.STOP", 1)
    assert completed.wait(WAIT_S)
    stopped_at = get(f"{m1}.RBV")
    assert 0.05 < stopped_at < 9.0
    assert get(f"{m1}.VAL") == stopped_at
    assert (get(f"{m1}.DMOV"), get(f"{m1}.STOP")) == (1, 0)


def test_new_target_during_motion_is_the_one_reached(m1: str, put: Any, get: Any, recorder: Any, start: Any) -> None:
    """A corrected target must win, also when it lies behind; the first put completes after one motion."""
    position, done = recorder(f"{m1}.RBV"), recorder(f"{m1}.DMOV")
    done.clear()
    first = start(m1, 10.0)
    position.wait(lambda values: values[-1] > 0.2)
    put(m1, 0.1, wait=False)
    assert first.wait(WAIT_S)
    assert get(f"{m1}.RBV") == pytest.approx(0.1)
    done.wait(lambda values: values == [0, 1])


def test_refused_target_leaves_motion_alone(m1: str, caproto_put: Any, get: Any, start: Any) -> None:
    """A typing error during a long move must not stop it."""
    put_done = start(m1, 3.0)
    assert "outside its soft limits" in caproto_put(m1, 300.0)
    assert put_done.wait(WAIT_S)
    assert get(f"{m1}.RBV") == pytest.approx(3.0)


def test_pause_keeps_target_and_go_resumes(m1: str, put: Any, get: Any, recorder: Any) -> None:
    """SPMG is the button on every motor screen: Pause holds, Go finishes the move."""
    position = recorder(f"{m1}.RBV")
    put(m1, 10.0, wait=False)
    position.wait(lambda values: values[-1] > 0.05)
    put(f"{m1}.SPMG", 1)
    assert get(f"{m1}.DMOV") == 1
    assert get(f"{m1}.RBV") < 9.9
    assert get(m1) == 10.0
    put(f"{m1}.VELO", 1e4)
    put(f"{m1}.SPMG", 3)
    assert get(f"{m1}.RBV") == pytest.approx(10.0)


def test_stopped_record_refuses_targets(m1: str, put: Any, caproto_put: Any, get: Any) -> None:
    """A real record with SPMG at Stop drops targets silently; this one reports an error to the client."""
    put(f"{m1}.SPMG", 0)
    assert "SPMG is Stop" in caproto_put(m1, 1.0)
    assert get(m1) == 0.0


def test_jog_runs_until_released(m1: str, put: Any, get: Any, recorder: Any, start: Any) -> None:
    """Jogging ends at the release of the button, and the target is where the stage is then."""
    position = recorder(f"{m1}.RBV")
    jogged = start(f"{m1}.JOGF", 1)
    position.wait(lambda values: values[-1] > 0.05)
    put(f"{m1}.JOGF", 0, wait=False)
    assert jogged.wait(WAIT_S)
    assert 0.05 < get(f"{m1}.RBV") == get(m1) < 9.0
    assert get(f"{m1}.JOGF") == 0


@pytest.mark.parametrize(("start", "target", "legs"), [
    pytest.param(0.0, -2.0, [0.0, -2.5, -2.5, -2.0], id="against: past the target and back"),
    pytest.param(-2.0, 1.0, [-2.0, 1.0], id="along, same speed: directly"),
])  # fmt: skip
def test_backlash_is_approached_from_one_side(
    bench: str, put: Any, get: Any, start: float, target: float, legs: list[float]
) -> None:
    """With BDST every position is reached from below; otherwise slack in the drive shows up as a shift."""
    put(f"{bench}m3", start - 3.0)
    put(f"{bench}m3", start)
    put(f"{bench}m3", target)
    assert list(get(f"{bench}arrivals"))[-len(legs) :] == pytest.approx(legs)


def test_slower_backlash_speed_makes_a_leg_of_its_own(bench: str, put: Any, get: Any) -> None:
    """With BVEL below VELO even a move along BDST takes its last stretch alone."""
    put(f"{bench}m3", -5.0)
    put(f"{bench}m3.BVEL", 100.0)
    put(f"{bench}m3", 5.0)
    put(f"{bench}m3.BVEL", 500.0)
    assert list(get(f"{bench}arrivals"))[-4:] == pytest.approx([-5.0, 4.5, 4.5, 5.0])


def test_stalled_motor_fails_the_move(ophyd_m1: Any, m1: str, put: Any, get: Any, bench: str, recorder: Any) -> None:
    """A blocked stage must not pass for one that arrived: alarm, problem bit, and a failed status in stock ophyd."""
    position = recorder(f"{m1}.RBV")
    status = ophyd_m1.set(5.0)
    position.wait(lambda values: values[-1] > 0.05)
    put(f"{bench}stall", 1)
    with pytest.raises(Exception, match="failed"):
        status.wait(timeout=WAIT_S)
    assert 0.0 < get(f"{m1}.RBV") < 4.9
    assert get(m1) == 5.0
    assert (get(f"{m1}.DMOV"), get(f"{m1}.SEVR"), get(f"{m1}.MISS")) == (1, 2, 1)
    assert get(f"{m1}.MSTA") & PROBLEM_BIT


def test_freed_motor_moves_without_alarm(ophyd_m1: Any, m1: str, put: Any, get: Any, bench: str) -> None:
    """After the cause is gone, one good move must clear the alarm; else every later move counts as failed."""
    put(f"{bench}stall", 1)
    # By ophyd too: a move that it only watches may end for it when the next one has begun.
    with pytest.raises(Exception, match="failed"):
        ophyd_m1.set(0.2).wait(timeout=WAIT_S)
    assert get(f"{m1}.SEVR") == 2
    put(f"{bench}stall", 0)
    see_all_monitors(ophyd_m1, m1, put)
    ophyd_m1.set(0.1).wait(timeout=WAIT_S)
    assert get(f"{m1}.SEVR") == 0
    assert not get(f"{m1}.MSTA") & PROBLEM_BIT


@pytest.mark.parametrize(("field", "value"), [("VELO", 0.0), ("VELO", -1.0), ("ACCL", -0.1), ("MRES", 1.0)])
def test_senseless_setting_is_refused(m1: str, caproto_put: Any, get: Any, field: str, value: float) -> None:
    """A velocity of 0 would make a move that never ends."""
    before = get(f"{m1}.{field}")
    assert f"{m1}.{field}" in caproto_put(f"{m1}.{field}", value)
    assert get(f"{m1}.{field}") == before


def test_pyepics_motor_moves_and_tweaks(m1: str, put: Any) -> None:
    """The motor class of pyepics, and so its motor screens, work: description, units, limits, move, tweak."""
    import epics

    motor = epics.Motor(m1, timeout=WAIT_S)
    assert (motor.DESC, motor.units, motor.RTYP) == ("Slow stage", "mm", "motor")
    assert motor.within_limits(9.0)
    assert not motor.within_limits(11.0)
    assert motor.move(0.2, wait=True, timeout=WAIT_S) == 0
    put(f"{m1}.TWV", 0.05)
    motor.tweak("reverse", wait=True, timeout=WAIT_S)
    assert motor.get_position(readback=True) == pytest.approx(0.15)


def test_a_monitor_has_the_value_when_a_put_completes(m1: str) -> None:
    """Lost: the place of a motor after its move, in every stock client that believes its monitors."""
    import epics

    speed = epics.PV(f"{m1}.VELO", auto_monitor=True)
    assert speed.wait_for_connection(WAIT_S)
    shown = []
    for value in np.linspace(1.0, 2.0, 100):
        assert speed.put(value, wait=True, timeout=WAIT_S) == 1
        shown.append(speed.get() == value)
    assert all(shown)


@pytest.mark.parametrize(("description", "wrong"), [
    ("Stage", {"low": 1.0, "high": -1.0}), ("Stage", {"initial": 5.0}), ("Stage", {"velocity": 0.0}),
    ("Stage", {"acceleration_s": -1.0}), ("Stage", {"resolution": 1e-12}), ("Stage", {"egu": "micrometres"}),
    ("A" * 41, {}),
])  # fmt: skip
def test_impossible_motor_is_refused_when_built(description: str, wrong: dict[str, Any]) -> None:
    """A wrong number in the beamline's definition shows at start, not in the middle of a scan."""
    right: dict[str, Any] = {"egu": "mm", "low": -1.0, "high": 1.0, "velocity": 1.0}
    with pytest.raises(SimulationInputError):
        MotorGroup("m", clock=BeamClock(1.0), description=description, mechanics=Mechanics(**(right | wrong)))
