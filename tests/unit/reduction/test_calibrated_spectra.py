"""If these fail, gains and zeros of the boxcar's gates are in the size of a transient, but not in its error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.results import SpectrumResults
from reduction.xas.unpumped_size import transient_size
from tests.support.simulated_runs import QUIET, SimulatedRuns

GRID_EV = [13_450.0, 13_460.0, 13_465.0, 13_468.0, 13_470.0, 13_472.0, 13_475.0, 13_480.0, 13_490.0, 13_545.0, 13_560.0]
PLACE: dict[str, Any] = {"fluence_mj_cm2": 8.83}


def spectrum(seed: int, times: float, *, noise: float, calibrated: bool) -> SpectrumResults:
    """The paper's sample at 100 ps, with gains and zeros of `times` their usual spread."""
    effects = replace(QUIET, gains=times, zeros=times, noise=noise)
    runs = SimulatedRuns(seed=seed, effects=effects)
    if calibrated:
        runs.calibrate_gates([100.0], dwell_s=360.0, repeats=10, energy_ev=13_472.0, **PLACE)
    found = reduce_run(runs.run("energy_ev", GRID_EV, dwell_s=400.0, delay_ps=100.0, **PLACE))
    assert isinstance(found, SpectrumResults)
    return found


def size(found: SpectrumResults, mode: str = "boxcar") -> Value:
    return next(transient_size(one)[1] for one in found.spectra if one.metadata.mode == mode)


def test_dark_and_blocked_exposures_take_gains_and_zeros_out_of_the_size() -> None:
    """Lost: a size that is wrong by more than twice its error; without noise, calibrated gates are ideal ones."""
    ideal = size(spectrum(3, 0.0, noise=0.0, calibrated=False))
    wrong = size(spectrum(3, 10.0, noise=0.0, calibrated=False))
    right = size(spectrum(3, 10.0, noise=0.0, calibrated=True))
    assert abs(wrong.value - ideal.value) > 2 * wrong.sigma
    assert abs(right.value - ideal.value) < 0.05 * ideal.sigma
    # What an hour of calibration does not know is in the error.
    assert right.sigma > 1.02 * wrong.sigma


def test_a_size_that_contains_gains_of_gates_states_that() -> None:
    """Lost: the only hint that 1e-3 between two gates is a twentieth of the transient, which no error contains."""
    unknown = spectrum(3, 1.0, noise=1.0, calibrated=False).table()
    known = spectrum(3, 1.0, noise=1.0, calibrated=True).table()
    assert unknown.count("not measured: a difference of 1e-3 between them") == 1
    assert "not measured" not in known
