"""If these fail, a resumed run measures what there is already, leaves a gap, or is not part of the run it resumes."""

from __future__ import annotations

from typing import Any

import pytest

import plans
from errors import InputError
from plans.resume import resumable_plans
from tests.support.fake_beamline import FakeHardware
from tests.support.resumed_runs import RUNS, exposures, recorded


def test_every_scan_can_be_resumed() -> None:
    assert set(resumable_plans()) == {*RUNS, "diffraction"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plan_name": "calibrate_attenuator"}, "Cannot resume a run of 'calibrate_attenuator'"),
        ({"beamline": "8ID"}, "was measured at 8ID"),
        ({"time_zero_raw_ps": 0.0}, "time_zero_raw_ps = 0.0"),
        ({"delay_ps": 1e9}, "outside -100000 to"),
        ({"bunch_period": {"period_ps": 153_400.0, "error_ps": 29.0, "source": "measured"}}, "bunch_period = "),
    ],
)
def test_a_run_that_cannot_be_resumed_here_moves_nothing(changes: dict[str, Any], message: str) -> None:
    hardware = FakeHardware()
    start = recorded(hardware, RUNS["energy_scan"](hardware.beamline))[0][1]
    hardware.moves.clear()
    with pytest.raises(InputError, match=message):
        recorded(hardware, plans.resume_scan(hardware.beamline, {**start, **changes}, []))
    assert hardware.moves == []


def test_a_whole_run_leaves_nothing_to_resume() -> None:
    hardware = FakeHardware()
    whole = recorded(hardware, RUNS["energy_scan"](hardware.beamline))
    with pytest.raises(InputError, match="nothing to resume"):
        recorded(hardware, plans.resume_scan(hardware.beamline, whole[0][1], exposures(whole)))


def test_the_last_digit_of_an_rf_frequency_does_not_keep_a_run_from_being_resumed() -> None:
    """Lost: a night's interrupted run, because the RF has moved by 1 Hz."""
    hardware = FakeHardware()
    run = recorded(hardware, RUNS["energy_scan"](hardware.beamline))
    done = exposures(run)[:3]
    signal: Any = hardware.beamline.ring.rf_frequency
    signal.sim_put(signal.get() + 1e-6)
    rest = recorded(hardware, plans.resume_scan(hardware.beamline, run[0][1], done))
    assert set(exposures(rest)) == set(exposures(run)) - set(done)
