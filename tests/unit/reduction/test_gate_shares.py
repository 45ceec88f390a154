"""If these fail, errors of the sizes at later gates are wrong, or not numbers at all."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.types import FloatArray
from reduction.xas.gate_shares import GateShares, fit_gate_shares

PLACE = np.linspace(-1.0, 1.0, 44)
EDGE = 1.0 / (1.0 + np.exp(-8.0 * PLACE))
SHARES = np.array([1.0, 0.2, 0.1])


def drawn(transient: FloatArray, seed: int) -> GateShares:
    """Shares of three gates with noise 1, which may differ in gain and zero."""
    rng = np.random.default_rng(seed)
    transients = np.outer(SHARES, transient) + rng.standard_normal((3, 44)) + rng.standard_normal(44)
    nuisances = np.array([EDGE, np.ones(44)])
    return fit_gate_shares(transients, np.eye(3) + 1.0, np.ones(44), nuisances)


@pytest.mark.parametrize("size", [3.0, 5.0, 10.0])
def test_a_transient_that_looks_like_a_difference_in_gain_has_errors_or_is_refused(size: float) -> None:
    """Lost: the spectrum of a quick scan, whose errors were the roots of negative numbers."""
    for seed in range(20):
        try:
            found = drawn(size * (EDGE - 0.5 + 0.7 * np.exp(-((PLACE / 0.1) ** 2))), seed)
        except ReductionError as error:
            assert "Count longer" in str(error)  # noqa: PT017  # either outcome is right
            continue
        assert np.all(np.linalg.eigvalsh(found.covariance) > 0)


def test_errors_of_shares_are_right_where_gates_may_differ_in_gain() -> None:
    """100 redraws of two shares: the width of the pulls is known to 7 %; one false alarm in 20 000 choices of seeds."""
    transient = 10.0 * (-PLACE / 0.15 * np.exp(-((PLACE / 0.25) ** 2)) + 0.3 * (EDGE - 0.5))
    found = [drawn(transient, seed) for seed in range(100)]
    pulls = [(one.share[1:] - SHARES[1:]) / np.sqrt(np.diag(one.covariance)) for one in found]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.22)
    assert abs(np.mean(pulls)) < 4.0 / np.sqrt(100)
