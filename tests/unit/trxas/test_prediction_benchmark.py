"""If these fail, the benchmark of predictions hides the run that ended at another time than predicted."""

from __future__ import annotations

import pytest

from trxas.benchmarks.predicting import farthest


def test_errors_of_two_runs_do_not_cancel() -> None:
    """Lost: a prediction that is wrong by a tenth both ways, whose median looks perfect."""
    entry = farthest([11.0, 9.2], [10.0, 10.0])
    assert (entry.value, entry.baseline, entry.ratio) == pytest.approx((11.0, 10.0, 1.1))
    assert entry.spread == pytest.approx(0.09)
    assert farthest([10.2, 8.0], [10.0, 10.0]).ratio == pytest.approx(0.8)
