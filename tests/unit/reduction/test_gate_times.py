"""If these fail, nobody learns that a longer calibration of the gates would make a spectrum better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plans.grids import join_regions
from reduction.kinds import reduce_run
from reduction.xas.gate_kinds import GateResults, smaller_round_errors
from sim.physics.effects import IDEAL
from tests.support.simulated_runs import BLOCKED, SimulatedRuns

GRID_EV = join_regions(((13_450, 13_460, 5), (13_468, 13_476, 1), (13_480, 13_570, 15)), "eV")
SETTINGS: dict[str, Any] = {"delay_ps": 100.0, "fluence_mj_cm2": 8.83}


def test_round_errors_are_smaller() -> None:
    assert smaller_round_errors(4.4e-4) == pytest.approx((2e-4, 1e-4))
    assert smaller_round_errors(2.05e-4) == pytest.approx((1e-4, 5e-5))
    assert smaller_round_errors(1e-3) == pytest.approx((5e-4, 2e-4))


@pytest.mark.parametrize(("minutes", "is_large"), [(1.0, True), (600.0, False)])
def test_results_name_the_beam_time_for_better_gains(minutes: float, is_large: bool) -> None:
    """A short calibration is a large part of the error of a boxcar spectrum, and its results say so."""
    runs = SimulatedRuns(effects=replace(IDEAL, noise=1.0))
    runs.calibrate_gates([100.0], dwell_s=6.0 * minutes, repeats=10, energy_ev=13_472.0, fluence_mj_cm2=8.83)
    blocked = reduce_run(runs.run("energy_ev", [13_472.0], setting=BLOCKED, dwell_s=60.0, repeats=10, **SETTINGS))
    assert isinstance(blocked, GateResults)
    error = np.sqrt(np.mean(blocked.calibration.chains["boxcar"].gain_error ** 2))
    wanted = smaller_round_errors(error)[0]
    assert f"± {wanted:.0e} after {10 * (error / wanted) ** 2:.0f} min" in blocked.table()
    spectrum = reduce_run(runs.run("energy_ev", GRID_EV, dwell_s=54.0, **SETTINGS)).table()
    assert ("calibrated for 4 times as long" in spectrum) == is_large
