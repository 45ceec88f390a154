"""If these fail, gates that drift are corrected by the calibration before a scan, not by the next one too."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from reduction.accumulator import accumulate
from reduction.gate_calibration import GateCalibration
from reduction.gate_interpolation import DRIFTS, interpolated
from reduction.kinds import reduce_run
from tests.support.beam_time import BeamTime, br_signal, br_static, energy_points

GATES = 5


def calibration(time_s: float, uid: str, *, zero: float = 0.0, level: float = 1.0) -> dict[str, Any]:
    """Zeros and levels of five gates, dark exposures at a time in s and blocked ones 100 s after them."""
    row = [zero] * GATES
    chain = {"zero": row, "zero_error": [0.03] * GATES, "lit": [[2 * zero] * GATES], "lit_error": [[0.04] * GATES],
             "level": [level + 0.1 * gate for gate in range(GATES)], "level_error": [0.01] * GATES}  # fmt: skip
    return {
        "dark": {"uid": f"dark {uid}", "time_s": time_s},
        "blocked": {"uid": f"blocked {uid}", "time_s": time_s + 100.0},
        "modes": {"boxcar": chain},
        "lit_delays_ps": [100.0],
        "lit_fluence_mj_cm2": 8.83,
        "photodiode_weights": [1.0, 1.0],
        "chambers": {"i0": {"offset_per_s": 100 * zero, "error_per_s": 2.0}},
    }


def between(before: dict[str, Any], after: dict[str, Any], time_s: float) -> dict[str, Any]:
    return interpolated(before, after, time_s, lambda *_: ["The gates have changed."])


def test_zeros_light_and_offsets_go_by_the_dark_exposures_and_levels_by_the_blocked_ones() -> None:
    found = between(calibration(0.0, "1"), calibration(1000.0, "2", zero=0.4, level=2.0), 500.0)
    chain = found["modes"]["boxcar"]
    assert chain["zero"] == pytest.approx([0.2] * GATES)
    assert chain["lit"][0] == pytest.approx([0.4] * GATES)
    assert chain["zero_error"] == pytest.approx([0.03 / 2**0.5] * GATES)
    assert chain["level"][0] == pytest.approx(1.4)
    assert found["chambers"]["i0"]["offset_per_s"] == pytest.approx(20.0)
    assert found["chambers"]["i0"]["error_per_s"] == pytest.approx(2.0 / 2**0.5)
    assert GateCalibration.from_document(found) is not None


def test_beyond_both_calibrations_the_nearer_one_holds() -> None:
    before, after = calibration(0.0, "1"), calibration(1000.0, "2", zero=0.4)
    assert between(before, after, -50.0)["modes"] == before["modes"]
    assert between(before, after, 5000.0)["modes"]["boxcar"]["zero"] == pytest.approx([0.4] * GATES)


def test_what_was_not_measured_again_or_cannot_be_compared_stays() -> None:
    before = calibration(0.0, "1")
    same = {**calibration(1000.0, "2", zero=0.4), "dark": before["dark"]}
    assert between(before, same, 500.0)["modes"]["boxcar"]["zero"] == before["modes"]["boxcar"]["zero"]
    moved = {**calibration(1000.0, "2", zero=0.4), "lit_delays_ps": [500.0]}
    assert between(before, moved, 500.0)["modes"]["boxcar"]["lit"] == before["modes"]["boxcar"]["lit"]
    other = {**deepcopy(before), "photodiode_weights": [1.0, 2.0]}
    assert between(before, other, 500.0) == before


def test_a_drift_between_both_marks_the_results() -> None:
    energy = energy_points()
    found = between(calibration(0.0, "1"), calibration(1000.0, "2"), 500.0)
    assert found[DRIFTS] == ["The gates have changed."]
    beam = BeamTime(points=energy, static=br_static(energy), signal=br_signal(energy), modes=("spc",),
                    overrides={"gate_calibration": found})  # fmt: skip
    documents = beam.documents(np.random.default_rng(1))
    assert accumulate(documents).metadata.gate_drifts == ("The gates have changed.",)
    assert "The gates have changed." in reduce_run(documents).remarks
