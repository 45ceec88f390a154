"""If these fail, gates that drift during a scan are not noticed, or steady ones are called drifting."""

from __future__ import annotations

import numpy as np

from reduction.gate_calibration import GateCalibration, GateChain
from reduction.xas.gate_drift import FALSE_ALARMS, gate_drift

GATES = 5


def measured(rng: np.random.Generator, number: int, zero_v: float = 0.0, gain: float = 0.0) -> GateCalibration:
    """A calibration with errors of 1 uV of zeros and 3e-4 of gains; the first gate has drifted by the given numbers."""
    own = np.arange(GATES) == 0
    zero = 2e-3 + 1e-6 * rng.standard_normal(GATES) + zero_v * own
    level = zero + 5e-3 * (1 + 3e-4 * rng.standard_normal(GATES) + gain * own)
    errors = tuple([1e-6] * GATES)
    chain = GateChain(
        zero=tuple(zero.tolist()), zero_error=errors, lit=(), lit_error=(), level=tuple(level.tolist()),
        level_error=tuple([1.5e-6] * GATES),
    )  # fmt: skip
    return GateCalibration(
        chains={"boxcar": chain},
        lit_delays_ps=(),
        lit_fluence_mj_cm2=8.83,
        dark_uid=f"dark {number}",
        blocked_uid=f"blocked {number}",
    )


def test_gates_that_drift_are_named() -> None:
    rng = np.random.default_rng(1)
    zeros, gains = gate_drift(measured(rng, 1), measured(rng, 2, zero_v=1e-5, gain=5e-3))
    assert zeros.p_value < FALSE_ALARMS
    assert gains.p_value < FALSE_ALARMS
    assert "zeros of the gates, boxcar, have changed" in zeros.text


def test_steady_gates_are_not() -> None:
    """200 comparisons of which chance marks 0.2."""
    rng = np.random.default_rng(2)
    found = [one.p_value for number in range(100) for one in gate_drift(measured(rng, number), measured(rng, -1))]
    assert sum(p < FALSE_ALARMS for p in found) <= 2
    assert np.mean(found) > 0.4


def test_what_was_not_measured_again_is_not_compared() -> None:
    one = measured(np.random.default_rng(3), 1)
    assert gate_drift(one, one) == []
    assert gate_drift(None, one) == []
