"""If these fail, count rates are not corrected for pile-up as they should be."""

import numpy as np
import pytest

from errors import ReductionError
from reduction.pileup import ZERO_COUNT_VARIANCE, true_counts, true_counts_variance


def test_photons_are_recovered_at_rates_where_a_third_of_them_is_missed() -> None:
    """Lost: up to a third of the photons of bright points.

    Gate of 2e4 pulses, 2000 trials, four rates: the mean pull has sigma 0.022 and the width 0.016; limits of 4 sigma
    fail by chance once in 2000 runs (the seed is fixed).
    """
    rng = np.random.default_rng(1)
    pulses = 20_000
    for rate in (0.01, 0.12, 0.5, 1.0):
        hits = rng.poisson(rate, size=(40, pulses))
        counts = np.concatenate([(hits > 0).sum(axis=1), rng.binomial(pulses, -np.expm1(-rate), 1960)])
        pull = (true_counts(counts, pulses) - rate * pulses) / np.sqrt(true_counts_variance(counts, pulses))
        assert abs(pull.mean()) < 4 * 0.0224
        assert abs(pull.std() - 1.0) < 4 * 0.0158


def test_small_rates_keep_the_square_root_error_of_the_paper() -> None:
    assert true_counts(50, 1e9) == pytest.approx(50.0, rel=1e-6)
    assert true_counts_variance(50, 1e9) == pytest.approx(50.0, rel=1e-6)


def test_no_counts_keep_a_finite_weight_and_other_counts_are_untouched() -> None:
    assert true_counts_variance([0, 1], 1000).tolist() == pytest.approx([ZERO_COUNT_VARIANCE, 1.001], rel=1e-3)


def test_gates_that_never_opened_hold_no_photons() -> None:
    assert true_counts([0], [0]).tolist() == [0.0]


def test_saturated_gate_is_refused_with_its_remedy() -> None:
    with pytest.raises(ReductionError, match="Attenuate"):
        true_counts([10, 100], 100)


@pytest.mark.parametrize("counts", [-1, 101, np.nan])
def test_impossible_counts_are_refused(counts: float) -> None:
    with pytest.raises(ReductionError, match="between 0 and"):
        true_counts_variance(counts, 100)
