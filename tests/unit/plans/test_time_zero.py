"""If these fail, delays are counted from a wrong zero, or nobody can tell later from which."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

import plans
from errors import InputError, NotConnectedError, OutOfRangeError
from tests.support.recorded_runs import RecordedRuns
from tests.support.waiting import WAIT_S


def test_the_rise_is_scanned_finely_between_a_baseline_and_a_top(recorded: RecordedRuns) -> None:
    recorded.run(plans.time_zero_scan(recorded.line, dwell_s=1.0))
    (start,) = recorded.starts
    delays = start["grid"]["points"]
    assert (start["plan_name"], start["grid"]["axis"], start["energy_ev"]) == ("time_zero_scan", "delay_ps", 13_472.0)
    assert sorted(event["delay_ps"] for event in recorded.events) == pytest.approx(delays)
    assert sum(delay < -135 for delay in delays) >= 3
    assert sum(delay > 135 for delay in delays) >= 3
    assert all(later - earlier <= 15 for earlier, later in pairwise(delays) if -150 <= earlier < 150)


def test_the_grid_can_lie_around_another_place(recorded: RecordedRuns) -> None:
    recorded.run(plans.time_zero_scan(recorded.line, "Pb L3", around_ps=500.0, dwell_s=1.0))
    assert recorded.starts[0]["grid"]["points"][0] == 200.0
    assert recorded.starts[0]["edge"] == "Pb L3"


def test_rezero_moves_the_zero_not_the_laser(recorded: RecordedRuns) -> None:
    delay = recorded.line.delay
    delay.set(100.0).wait(timeout=WAIT_S)
    moves = list(recorded.hardware.moves)
    assert recorded.run(plans.rezero(recorded.line, 17.5)) == pytest.approx(169_797.5)
    assert recorded.hardware.moves == moves
    assert delay.position == pytest.approx(82.5)
    delay.set(0.0).wait(timeout=WAIT_S)
    raw_ps = delay.coarse_readback.get() * 1e12 + delay.fine_readback.get()
    assert raw_ps == pytest.approx(169_797.5)


def test_rezeroing_twice_adds_up_and_is_written_down(recorded: RecordedRuns) -> None:
    for t0_ps in (20.0, -5.0):
        recorded.run(plans.rezero(recorded.line, t0_ps))
    recorded.run(plans.time_zero_scan(recorded.line, delays_ps=[0.0, 100.0], dwell_s=1.0))
    assert recorded.starts[0]["time_zero_raw_ps"] == pytest.approx(169_795.0)
    assert [event["delay_ps"] for event in recorded.events] == pytest.approx([0.0, 100.0])


def test_a_measured_response_is_written_into_every_later_run(recorded: RecordedRuns) -> None:
    """A fit of a run without it would take the configured response, whatever the time-zero scan has found."""
    recorded.run(plans.time_zero_scan(recorded.line, delays_ps=[0.0, 100.0], dwell_s=1.0))
    recorded.run(plans.apply_instrument_response(recorded.line, 57.6, 1.9))
    recorded.run(plans.time_zero_scan(recorded.line, delays_ps=[0.0, 100.0], dwell_s=1.0))
    configured, measured = (start["instrument_response"] for start in recorded.starts)
    assert configured == {"sigma_ps": 45.0, "error_ps": 15.0, "source": "configuration"}
    assert measured == {"sigma_ps": 57.6, "error_ps": 1.9, "source": "measured"}
    assert recorded.starts[1]["reduction"]["irf_sigma_ps"] == 57.6


def test_the_fine_delay_stays_out_of_its_bad_range_wherever_zero_is(recorded: RecordedRuns) -> None:
    recorded.run(plans.rezero(recorded.line, 900.0))
    recorded.run(plans.time_zero_scan(recorded.line, dwell_s=1.0))
    assert min(recorded.moved("delay_fine")) >= 2560


def test_limits_hold_on_the_new_axis(recorded: RecordedRuns) -> None:
    recorded.run(plans.rezero(recorded.line, 1000.0))
    with pytest.raises(OutOfRangeError, match="-100000 to 200000 ps"):
        recorded.line.delay.set(200_500.0)


@pytest.mark.parametrize(
    ("t0_ps", "error", "message"),
    [
        (math.nan, InputError, "not a finite number"),
        (True, InputError, "not a finite number"),
        ("17", InputError, "not a finite number"),
        (100_000.0, OutOfRangeError, "-76700 to 76700 ps"),
        (-80_000.0, OutOfRangeError, "another X-ray pulse is closer to the pump"),
    ],
)
def test_a_bad_time_zero_changes_nothing(
    recorded: RecordedRuns, t0_ps: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.run(plans.rezero(recorded.line, t0_ps))
    assert recorded.line.delay.time_zero_raw_ps == 169_780.0
    recorded.assert_untouched()


def test_a_time_zero_that_a_record_cannot_follow_changes_nothing(recorded: RecordedRuns) -> None:
    recorded.line.delay.coarse_setpoint.limits_of_record = (66e-9, 1e-6)
    with pytest.raises(OutOfRangeError, match="7idd:DG1:ADelayAO"):
        recorded.run(plans.rezero(recorded.line, -5_000.0))
    assert recorded.line.delay.time_zero_raw_ps == 169_780.0


def test_a_lost_delay_generator_is_named(recorded: RecordedRuns) -> None:
    recorded.line.delay.coarse_setpoint.answers = False
    with pytest.raises(NotConnectedError, match="ADelayAO"):
        recorded.run(plans.rezero(recorded.line, 5.0))


def test_a_session_can_put_back_what_it_remembers(recorded: RecordedRuns) -> None:
    recorded.line.delay.time_zero_raw_ps = 169_790.0
    assert recorded.line.delay.time_zero_raw_ps == 169_790.0
    with pytest.raises(InputError, match="not a finite number"):
        recorded.line.delay.time_zero_raw_ps = math.inf


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"edge": "Cs L3"}, InputError, "out of the monochromator's reach"),
        ({"around_ps": math.nan}, InputError, "not a finite number"),
        ({"around_ps": 199_900.0}, OutOfRangeError, "-100000 to 200000 ps"),
        ({"delays_ps": []}, InputError, "empty"),
        ({"delays_ps": [1.0, 0.0]}, InputError, "ascend"),
        ({"dwell_s": 0.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"repeats": 0}, InputError, "1 to 10000"),
        ({"fluence_mj_cm2": 50.0}, OutOfRangeError, r"0 to 12\.5"),
    ],
)
def test_bad_input_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.run(plans.time_zero_scan(recorded.line, **options))
    recorded.assert_untouched()
