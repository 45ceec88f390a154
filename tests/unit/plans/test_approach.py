"""If these fail, spectra are shifted by the monochromator's backlash after a long move down."""

from __future__ import annotations

from typing import Any

import pytest

import plans
from devices.configuration import beamline_from_table, read_toml
from errors import ConfigurationError, InputError, MotionError, NotConnectedError, OutOfRangeError
from tests.support.fake_beamline import FakeHardware
from tests.support.recorded_runs import RecordedRuns
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION

REGIONS = [(13_000, 13_002, 1)]


def energy_scan(recorded: RecordedRuns, **options: Any) -> None:
    asked: dict[str, Any] = {
        "delay_ps": 100.0,
        "regions_ev": REGIONS,
        "dwell_s": 1.0,
        "allow_unreducible": True,
    } | options
    recorded.run(plans.energy_scan(recorded.line, "Pb L3", **asked))


def test_a_long_move_down_comes_from_below(recorded: RecordedRuns) -> None:
    recorded.line.energy.set(13_000.0).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([12.94, 13.0])


@pytest.mark.parametrize(("start", "target"), [(13.45, 13_260.0), (13.0, 13_450.0), (13.2, 13_000.0)])
def test_short_moves_and_moves_up_go_straight(recorded: RecordedRuns, start: float, target: float) -> None:
    recorded.line.energy.readback.sim_put(start)
    recorded.line.energy.set(target).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([target * 1e-3])


def test_a_scan_arrives_from_below_and_reports_it(recorded: RecordedRuns) -> None:
    energy_scan(recorded, repeats=2)
    assert recorded.moved("energy") == pytest.approx([12.94, 13.0, 13.001, 13.002, 13.0, 13.001, 13.002])
    assert recorded.starts[0]["approach"] == "below"


def test_the_switch_shows_what_happens_without_and_holds_for_one_scan(recorded: RecordedRuns) -> None:
    energy_scan(recorded, approach="direct")
    assert recorded.starts[0]["approach"] == "direct"
    assert min(recorded.moved("energy")) == pytest.approx(13.0)
    assert recorded.line.energy.approach == "below"


def test_a_scan_that_fails_gives_the_approach_back(recorded: RecordedRuns) -> None:
    recorded.hardware.refused_triggers = 100
    with pytest.raises(Exception, match="Expected exposure"):
        energy_scan(recorded, approach="direct")
    assert recorded.line.energy.approach == "below"


def test_a_scan_after_a_direct_one_takes_up_its_backlash(recorded: RecordedRuns) -> None:
    """Lost: a true start document. Both points are at one edge, without a long move, so "below" would be wrong."""
    energy_scan(recorded, approach="direct")
    before = len(recorded.moved("energy"))
    energy_scan(recorded)
    energy_scan(recorded)
    after = [13.0, 13.001, 13.002]
    assert recorded.moved("energy")[before:] == pytest.approx([12.94, *after, *after])


def test_a_long_move_that_was_interrupted_is_not_forgotten(recorded: RecordedRuns) -> None:
    """Lost: the true energy, if a move is stopped half-way: the rest is a short move, but the backlash is in."""
    hardware, energy = recorded.hardware, recorded.line.energy
    hardware.energy_error_kev = 0.1
    with pytest.raises(MotionError, match="stopped at 13040 eV"):
        energy.set(13_000.0).wait(timeout=WAIT_S)
    hardware.energy_error_kev = 0.0
    energy.set(13_000.0).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([12.94, 12.94, 13.0])


def test_a_long_way_up_takes_up_the_backlash_as_well(recorded: RecordedRuns) -> None:
    energy = recorded.line.energy
    energy.configure({"approach": "direct"})
    energy.set(13_000.0).wait(timeout=WAIT_S)
    energy.configure({"approach": "below"})
    for target in (13_100.0, 13_050.0):
        energy.set(target).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([13.0, 13.1, 13.05])


def test_no_room_for_the_overshoot_moves_nothing(recorded: RecordedRuns) -> None:
    with pytest.raises(OutOfRangeError, match=r'from below = 12850 eV is outside 12860 to 13700 eV.*approach="direct"'):
        recorded.line.energy.set(12_850.0)
    with pytest.raises(OutOfRangeError, match="12860 to 13700 eV"):
        energy_scan(recorded, regions_ev=[(12_850, 12_852, 1)])
    recorded.assert_untouched()
    energy_scan(recorded, regions_ev=[(12_850, 12_852, 1)], approach="direct")
    assert len(recorded.events) == 3


def test_a_pass_wider_than_a_long_move_needs_room_too(recorded: RecordedRuns) -> None:
    recorded.line.energy.readback.sim_put(12.81)
    with pytest.raises(OutOfRangeError, match="12860 to 13700 eV"):
        energy_scan(recorded, regions_ev=[(12_810, 13_110, 100)])
    recorded.assert_untouched()


def test_a_record_that_refuses_the_overshoot_moves_nothing(recorded: RecordedRuns) -> None:
    recorded.line.energy.setpoint.limits_of_record = (12.95, 13.7)
    with pytest.raises(OutOfRangeError, match="7ida:BraggEAO"):
        recorded.line.energy.set(13_000.0)
    assert recorded.moved("energy") == []


def test_an_overshoot_that_stops_short_does_not_continue(recorded: RecordedRuns) -> None:
    recorded.hardware.energy_error_kev = 0.001
    with pytest.raises(MotionError, match=r"sent to 13000 eV and stopped at 12941 eV.*overshoots to 12940 eV"):
        recorded.line.energy.set(13_000.0).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([12.94])


def test_stop_in_the_middle_does_not_come_back(recorded: RecordedRuns) -> None:
    """Lost: a monochromator at rest after a plan was aborted."""
    hardware, energy = recorded.hardware, recorded.line.energy

    def stopped(kev: float) -> None:
        hardware._move_energy(kev)
        energy.stop()

    energy.setpoint.on_put = stopped
    with pytest.raises(MotionError, match="stopped on its way to 13000 eV"):
        energy.set(13_000.0).wait(timeout=WAIT_S)
    assert recorded.moved("energy") == pytest.approx([12.94])


def test_a_lost_read_back_fails_before_moving(recorded: RecordedRuns) -> None:
    recorded.line.energy.readback.answers = False
    with pytest.raises(NotConnectedError, match="7ida:BraggERdbkAO"):
        recorded.line.energy.set(13_000.0)
    assert recorded.moved("energy") == []


def test_an_overshoot_that_never_ends_times_out() -> None:
    energy = FakeHardware().beamline.energy
    energy.timeout_s = 0.05
    energy.setpoint.put = lambda *args, **kwargs: None
    with pytest.raises(MotionError, match=r"energy to 12940 eV \(waiting for 7ida:BraggEAO\)"):
        energy.set(13_000.0).wait(timeout=WAIT_S)


def test_unknown_approaches_are_refused(recorded: RecordedRuns) -> None:
    with pytest.raises(InputError, match="'below', 'direct'"):
        energy_scan(recorded, approach="sideways")
    recorded.assert_untouched()
    table = read_toml(DEFAULT_CONFIGURATION)
    table["energy"]["approach_from"] = "above"
    with pytest.raises(ConfigurationError, match=r"approach_from = 'above': must be 'below' or 'direct'"):
        beamline_from_table(table, "7id.toml")
