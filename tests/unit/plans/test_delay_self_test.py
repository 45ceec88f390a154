"""If these fail, a delay axis with a wrong sign or a jump passes its self-test, or a good one is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plans
from errors import InputError, OutOfRangeError
from plans.grids import join_regions
from plans.xas.delay_self_test import self_test_arms
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS
from reduction.timing import Timing
from reduction.xas.delay_axis import (
    Verdict,
    delay_axis_faults,
    evaluate_delay_axis,
    period_fault,
    period_to_apply,
    time_to_decide,
)
from reduction.xas.signal_rise import Rise
from tests.support.recorded_runs import RecordedRuns
from tests.support.rise_fit import fit_t0, rise
from tests.support.scheme_files import scheme_file
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration

DELAYS = np.array(join_regions(TIME_ZERO_REGIONS_PS, "ps"))
ERROR = 1.5e-3


def seen(t0_ps: float = 0.0, *, seed: int, reverse: bool = False, height: float = -0.035) -> Rise:
    """A noisy rise like that of Br, 6 s per point; the gates of one probe differ from the other's by 0.2 %."""
    noise = ERROR * np.random.default_rng(seed).standard_normal(DELAYS.size)
    where = -DELAYS if reverse else DELAYS
    return Rise(
        delay_ps=DELAYS, change=rise(where, t0_ps, height, 0.002, 5e-4) + noise, sigma=np.full(DELAYS.size, ERROR)
    )


def verdicts(**rises: Rise) -> dict[str, Verdict]:
    return {name: result.verdict for name, result in evaluate_delay_axis(rises, fit_t0).items()}


@pytest.mark.parametrize("seed", range(5))
def test_a_good_axis_passes(seed: int) -> None:
    """sigma of a shift is about 4 ps and 10 ps are tolerated, or three errors: 0.3 % false alarms per arm."""
    found = verdicts(fine=seen(8, seed=seed), coarse=seen(8, seed=seed + 100), probe=seen(8, seed=seed + 200))
    assert set(found.values()) == {Verdict.GOOD}


@pytest.mark.parametrize("shift", [-40, 40])
def test_a_jump_of_40_ps_is_found_and_measured(shift: float) -> None:
    results = evaluate_delay_axis({"fine": seen(8, seed=1), "fine lower": seen(8 + shift, seed=2)}, fit_t0)
    assert results["fine lower"].verdict is Verdict.SHIFTED
    lower = results["fine lower"]
    assert lower.shift_sigma_ps is not None
    assert lower.shift_ps == pytest.approx(shift, abs=4 * lower.shift_sigma_ps)
    (fault,) = delay_axis_faults(results)
    assert fault.startswith(f"fine lower: shifted, {'+' if shift > 0 else '-'}")


@pytest.mark.parametrize("height", [-0.035, 0.035])
@pytest.mark.parametrize("arm", ["fine", "coarse", "probe"])
def test_a_wrong_sign_turns_the_rise_round(arm: str, height: float) -> None:
    rises = {name: seen(seed=seed, height=height) for seed, name in enumerate(("fine", "coarse", "probe"))}
    rises[arm] = seen(seed=7, reverse=True, height=height)
    assert verdicts(**rises)[arm] is Verdict.WRONG_SIGN


@pytest.mark.parametrize("t0_ps", [-5_000.0, 5_000.0])
def test_a_rise_outside_the_scan_is_no_rise(t0_ps: float) -> None:
    far = Rise(delay_ps=DELAYS, change=rise(DELAYS, t0_ps, -0.035, 0.002, 1e-5), sigma=np.full(DELAYS.size, ERROR))
    assert verdicts(fine=seen(seed=1), coarse=far)["coarse"] is Verdict.NO_RISE


def test_without_a_reference_nothing_is_good_by_comparison() -> None:
    nothing = Rise(delay_ps=DELAYS, change=np.zeros(DELAYS.size), sigma=np.full(DELAYS.size, ERROR))
    assert verdicts(fine=nothing, coarse=seen(seed=1)) == {"fine": Verdict.NO_RISE, "coarse": Verdict.UNDECIDED}
    with pytest.raises(InputError, match="arm 'fine'"):
        evaluate_delay_axis({"coarse": seen(seed=1)}, fit_t0)


def test_too_little_counting_is_undecided_not_good() -> None:
    def blurred(*rise_arrays: Any) -> tuple[float, float]:
        return fit_t0(*rise_arrays)[0], 15.0

    results = evaluate_delay_axis({"fine": seen(seed=1), "coarse": seen(seed=2)}, blurred)
    assert results["coarse"].verdict is Verdict.UNDECIDED
    # Nothing is wrong with such an axis; with 9/4 of the errors that would do, it takes about ten times the time.
    assert delay_axis_faults(results) == []
    assert time_to_decide(results) == pytest.approx((3 * 15.0 * math.sqrt(2) / 20.0) ** 2)
    assert period_to_apply(results) is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros(5), np.zeros(5), np.ones(5)), "at least 8"),
        ((np.zeros(9), np.zeros(8), np.ones(9)), "equal numbers"),
        ((np.zeros(9), np.full(9, np.nan), np.ones(9)), "finite"),
        ((np.zeros(9), np.zeros(9), np.zeros(9)), "above 0"),
    ],
)
def test_arrays_that_are_no_rise_are_refused(arrays: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Rise(**dict(zip(("delay_ps", "change", "sigma"), arrays, strict=True)))


def test_afterwards_the_axis_moves_as_ever(recorded: RecordedRuns) -> None:
    recorded.hardware.refused_triggers = 100
    with pytest.raises(Exception, match="Expected exposure"):
        recorded.run(plans.delay_self_test(recorded.line, dwell_s=1.0))
    recorded.line.delay.set(1500.0).wait(timeout=WAIT_S)
    assert recorded.moved("delay_fine")[-1] == pytest.approx(3280.0)
    assert recorded.line.laser_shutter.position == "closed"


@pytest.mark.parametrize(
    ("scheme", "offset_ps"),
    [("aps-24-bunches-pump-5", 153_440.0), ("aps-324-bunches", 11_366.0), ("sls-hybrid-camshaft", None)],
)
def test_the_arm_of_the_next_pump_follows_from_the_scheme(tmp_path: Path, scheme: str, offset_ps: float | None) -> None:
    """Lost: a self-test that finds a jump of a whole bunch, or one that no delay axis can reach."""
    configuration = load_configuration(scheme_file(tmp_path, scheme)).beamline
    found = [arm.rise_offset_ps for arm in self_test_arms(configuration) if arm.name == "probe"]
    assert found == ([] if offset_ps is None else [pytest.approx(offset_ps, abs=1.0)])


@pytest.mark.parametrize("held", [{"middle": 1.0}, {"coarse": 1.0, "fine": 2.0}])
def test_only_one_of_both_delays_can_be_held(recorded: RecordedRuns, held: dict[str, float]) -> None:
    with pytest.raises(InputError, match="'coarse', 'fine'"):
        recorded.line.delay.configure({"held": held})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"edge": "Cs L3"}, InputError, "out of the monochromator's reach"),
        ({"energy_ev": 1.0}, OutOfRangeError, "12800 to 13700 eV"),
        ({"dwell_s": 0.0}, OutOfRangeError, r"0\.001 to 400 s"),
        ({"repeats": 0}, InputError, "1 to 10000"),
        ({"fluence_mj_cm2": 50.0}, OutOfRangeError, r"0 to 12\.5"),
    ],
)
def test_bad_input_moves_nothing(
    recorded: RecordedRuns, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        recorded.run(plans.delay_self_test(recorded.line, **options))
    recorded.assert_untouched()


@pytest.mark.parametrize(("jump_ps", "verdict"), [(0.0, Verdict.PERIOD), (40.0, Verdict.SHIFTED)])
def test_another_bunch_period_is_measured_and_is_no_fault_of_the_axis(jump_ps: float, verdict: Verdict) -> None:
    """153.4 ns instead of 153.439 moves the rise of the next pulse by 39 ps, as far as the jump that the test is for.

    Only a jump that a raw delay shows too is a fault of the axis. Fixed seeds; 4 sigma.
    """
    period = seen(8 + 39.0, seed=3)
    rises = {
        "fine": seen(8, seed=1),
        "fine lower": seen(8 + jump_ps, seed=2),
        "probe": replace(period, offset_ps=153_400.0),
    }
    results = evaluate_delay_axis(rises, fit_t0)
    found = results["probe"].period_ps
    assert results["probe"].verdict is verdict
    assert found is not None
    assert abs(found.value - 153_439.0) < 4 * found.sigma < 40
    assert ("configured" in period_fault(results)) == (verdict is Verdict.PERIOD)
    assert bool(delay_axis_faults(results)) == bool(jump_ps)


@pytest.mark.parametrize(
    ("error_ps", "source", "is_offered", "remedy"),
    [
        (29.0, "configuration", True, "apply_bunch_period"),
        (0.0, "", True, "apply_bunch_period"),
        (2.0, "measured", False, "apply_bunch_period"),
        (0.15, "RF frequency", False, "harmonic_number"),
    ],
)
def test_a_measured_period_is_offered_where_it_is_better_known(
    error_ps: float, source: str, is_offered: bool, remedy: str
) -> None:
    """Lost: a good period for a worse one, or the RF frequency of the ring for the scale of a delay generator.

    The watched pulse is two bunches from the pump, so that the period is half of what was measured.
    """
    timing = Timing(bunch_period_error_ps=error_ps, bunch_period_source=source)
    pulse = replace(seen(8 + 78.0, seed=3), offset_ps=306_800.0, timing=timing)
    results = evaluate_delay_axis({"fine": seen(8, seed=1), "probe": pulse}, fit_t0)
    found = results["probe"].bunch_period_ps
    assert found is not None
    assert abs(found.value - 153_439.0) < 4 * found.sigma < 20
    assert (period_to_apply(results) == found) == is_offered
    assert remedy in period_fault(results)
    jumped = {"fine": seen(8, seed=1), "coarse": seen(48, seed=2), "probe": pulse}
    assert period_to_apply(evaluate_delay_axis(jumped, fit_t0)) is None
