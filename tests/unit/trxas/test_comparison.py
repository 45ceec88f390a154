"""If these fail, `trxas chaos` and `kills` call two results equal that are not, or different ones equal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from sim.physics.beamline_state import BeamlineState
from sim.physics.experiment import Experiment
from sim.physics.sample_file import load_sample
from tests.support.beam_time import BeamTime
from tests.support.types import Documents
from trxas.validation.robustness.audit import Comparison, compare
from trxas.validation.robustness.disturbed_result import UNDISTURBED_RESTARTS

DELAYS_PS = (-400.0, -100.0, -30.0, 0.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 20000.0)
SCANS = 2
FALSE_ALARM = 1e-6


def dataset(experiment: Experiment, weights: tuple[float, ...] = (1.0, 1.0)) -> Documents:
    """A delay scan as plain scalers count it: a channel per photodiode and gate, a time stamp in place of a number."""
    points = np.array(DELAYS_PS)
    start = BeamTime(
        points=points, static=np.ones(len(points)), signal=np.zeros((len(points), 5)), axis="delay_ps", scans=SCANS,
        modes=("spc",),
    ).start()  # fmt: skip
    facts = {"kind": "spc", "role": "fluorescence", "weights": list(weights),
             "fields": {"counts": "spc_counts", "pulses": "spc_pulses"}}  # fmt: skip
    documents: Documents = [("start", {**start, "detectors": {"diodes": facts}})]
    documents.append(("descriptor", {"uid": "d", "name": "primary"}))
    for scan in range(SCANS):
        for point, delay_ps in enumerate(DELAYS_PS):
            counted = experiment.expose(BeamlineState(delay_ps=delay_ps), 6.0)
            data = {
                "scan_index": scan, "point_index": point, "laser_shutter": 1, "quality": "", "delay_ps": delay_ps,
                "energy_ev": 13_472.0, "fluence_mj_cm2": 8.83, "i0": counted.i0, "exposure_s": 6.0,
                "spc_counts": counted.counts, "spc_pulses": counted.pulses,
            }  # fmt: skip
            documents.append(("event", {"descriptor": "d", "seq_num": len(documents) - 1, "data": data}))
    documents.append(("stop", {"exit_status": "success"}))
    return documents


def compared(seed: int, *, restarts: int, weights: tuple[float, ...] = (1.0, 1.0)) -> Comparison:
    """A beamline against another one with the same ring and gates, after `restarts` of its simulation."""
    sample = load_sample()
    first, second = (Experiment(sample=sample, seed=seed, restarts=number) for number in (0, restarts))
    return compare([dataset(first, weights)], [dataset(second, weights)])


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 0.3)])
def test_two_undisturbed_beamlines_differ_by_their_errors(weights: tuple[float, float]) -> None:
    """Chi-square of seeded draws is that of their points, with one false alarm in a million on either side."""
    found = [compared(seed, restarts=UNDISTURBED_RESTARTS, weights=weights) for seed in range(3)]
    chi_square, points = sum(one.chi_square for one in found), sum(one.points for one in found)
    assert points == 3 * len(DELAYS_PS)
    low, high = (float(chi2.ppf(share, points)) for share in (FALSE_ALARM / 2, 1 - FALSE_ALARM / 2))
    assert low < chi_square < high, chi_square / points


def test_the_same_noise_twice_is_no_comparison() -> None:
    """Why the undisturbed part has restarts of its own: without them nothing but a fault makes a difference."""
    assert compared(1, restarts=0).chi_square == 0.0
