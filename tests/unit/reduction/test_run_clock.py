"""If these fail, a drift between the points of a run is put at the wrong time, or left out of the errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.accumulator import RunAccumulator, accumulate
from reduction.xas.run_clock import elapsed_s, mean_elapsed_s
from tests.support.simulated_runs import SimulatedRuns

BETWEEN: dict[str, Any] = {"energy_ev": 13_472.0, "fluence_mj_cm2": 8.8}


def timed(times_s: tuple[float, ...]) -> RunAccumulator:
    """Two passes over three delays of 10 s each, whose events have these times."""
    documents = SimulatedRuns().run("delay_ps", (-100.0, 0.0, 100.0), dwell_s=10.0, repeats=2, **BETWEEN)
    times = iter(times_s)
    return accumulate([(name, doc | {"time": next(times)} if name == "event" else doc) for name, doc in documents])


def test_times_of_events_tell_when_each_point_was_measured() -> None:
    """A break of 100 s in the second pass, which goes backwards."""
    run = timed((1010.0, 1021.0, 1032.0, 1163.0, 1152.0, 1142.0))
    assert elapsed_s(run)[:, :, 1] == pytest.approx(np.array([[5, 16, 27], [158, 147, 137]]))
    assert mean_elapsed_s(run, 1) == pytest.approx([81.5, 81.5, 82.0])


def test_a_clock_that_is_slower_than_the_exposures_gives_their_order() -> None:
    """As in a simulation that passes beam time a thousand times faster."""
    run = timed((1.01, 1.02, 1.03, 1.06, 1.05, 1.04))
    assert elapsed_s(run)[:, :, 1] == pytest.approx(np.array([[5, 15, 25], [55, 45, 35]]))


def test_events_without_times_do_not_invent_any() -> None:
    """Imported runs may have none."""
    assert not elapsed_s(timed((0.0,) * 6)).any()
