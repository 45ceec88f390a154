"""Predicted against measured duration of a scan, in the session's own run engine."""

from __future__ import annotations

import numpy as np

import plans
from trxas.benchmarks.entry import Entries, Entry
from trxas.session.session import Session

LEARNED = ((200, 10.0), (40, 10.0), (20, 40.0))
"""Number of points and dwell, s, of the runs that are learned from; the first also imports what is imported late."""

PREDICTED = ((80, 20.0), (30, 60.0), (120, 5.0))
"""Number of points and dwell, s, of the runs that are predicted."""


def bench_prediction(session: Session) -> Entries:
    """Measure delay scans on an open session and compare their wall time, s, with what was predicted for them."""
    # A session opens its catalogue in its first seconds, which slows every step at this speed; this waits for it.
    assert session.store.db is not None
    for points, dwell_s in LEARNED:
        _measured_s(session, points, dwell_s)
    predicted = []
    measured = []
    # Other numbers of points and other dwells than were learned from: the model has to extrapolate, as for a new scan.
    for points, dwell_s in PREDICTED:
        found = session.plan_times.predict("delay_scan", ["delay_ps"], points, points * dwell_s)
        assert found is not None  # the same plan was just measured
        predicted.append(found.seconds)
        measured.append(_measured_s(session, points, dwell_s))
    return {"predicted_duration_ratio": Entry.of(predicted, measured, "s")}


def _measured_s(session: Session, points: int, dwell_s: float) -> float:
    """Return the wall time of a delay scan, s, from its start to its stop document."""
    delays = np.linspace(-500, 500, points).tolist()
    session.measure(plans.delay_scan(session.beamline, "Br K", delays_ps=delays, dwell_s=dwell_s))
    return sum(session.run_engine.time_use.latest_s.values())
