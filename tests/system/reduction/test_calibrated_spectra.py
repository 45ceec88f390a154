"""If these fail, the stated error of a transient's size does not contain what its gates are known to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.unpumped_size import transient_size
from tests.support.simulated_runs import QUIET, SimulatedRuns

GRID_EV = [13_450.0, 13_460.0, 13_465.0, 13_468.0, 13_470.0, 13_472.0, 13_475.0, 13_480.0, 13_490.0, 13_545.0, 13_560.0]
PLACE: dict[str, Any] = {"fluence_mj_cm2": 8.83}


def size(seed: int, times: float, *, noise: float, calibrated: bool) -> Value:
    """Size of the paper's sample at 100 ps, with gains and zeros of `times` their usual spread."""
    runs = SimulatedRuns(seed=seed, effects=replace(QUIET, gains=times, zeros=times, noise=noise))
    if calibrated:
        runs.calibrate_gates([100.0], dwell_s=360.0, repeats=10, energy_ev=13_472.0, **PLACE)
    return transient_size(boxcar_spectrum(runs.sums("energy_ev", GRID_EV, dwell_s=400.0, delay_ps=100.0, **PLACE)))[1]


@pytest.mark.long
def test_sizes_with_calibrated_gates_have_true_errors() -> None:
    """80 redraws with a spread of gains and zeros that makes pulls far too wide if it is left in."""
    truth = size(0, 0.0, noise=0.0, calibrated=False).value
    pulls: dict[bool, list[float]] = {False: [], True: []}
    for seed in range(80):
        for calibrated, found in pulls.items():
            one = size(seed, 5.0, noise=1.0, calibrated=calibrated)
            found.append((one.value - truth) / one.sigma)
    assert np.std(pulls[False], ddof=1) > 2.0
    assert np.std(pulls[True], ddof=1) == pytest.approx(1.0, abs=3 * 0.08)
    assert abs(np.mean(pulls[True])) < 3 / np.sqrt(80)
