"""If these fail, a number on the screen is not the number that the stored run reduces to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from errors import ReductionError
from gui.live.run_state import RunState
from gui.requests.xas.trends import EdgeTrend, TimeZeroTrend
from tests.support.live_runs import delay_run, energy_run


def fed(*runs: list[tuple[str, dict[str, Any]]]) -> RunState:
    state = RunState()
    for documents in runs:
        for name, doc in documents:
            state(name, doc)
    return state


def test_time_zero_and_edge_are_followed_from_scan_to_scan() -> None:
    """The truth is 0 ps and 13470 eV: zero within 4 sigma twice (1 in 8000 by chance), the edge within a grid step."""
    documents = delay_run()
    zero = TimeZeroTrend().compute(fed(documents))
    assert zero.value.shape == (2,)
    assert zero.sigma is not None
    assert np.all(np.abs(zero.value) < 4 * zero.sigma)
    under_way = TimeZeroTrend().compute(fed(documents[:-10]))
    np.testing.assert_array_equal(under_way.value, zero.value[:1])
    edge = EdgeTrend().compute(fed(energy_run("a"), energy_run("b", seed=2)))
    assert edge.value.shape == (6,)
    assert np.all(np.abs(edge.value - 13_470) < 1.0)
    with pytest.raises(ReductionError, match="No scan of this run is complete"):
        EdgeTrend().compute(fed(energy_run()[:10]))
