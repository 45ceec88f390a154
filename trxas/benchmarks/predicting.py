"""Predicted against measured duration of scans of every kind, in the session's own run engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import plans
from plans.engine.scanning import announced_requests
from plans.types import AnyPlan
from trxas.benchmarks.entry import Entries, Entry
from trxas.prompt.dry_run import prediction_of
from trxas.session.session import Session

SPEED = 5.0
"""Seconds of beam per second of wall time: every kind of scan can keep up, fly scans of 50 frames per second too."""

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of scan, with the options of the runs that are learned from, and of those that are predicted.

    No run that is predicted equals one that was learned from: numbers of points, dwells, ranges and steps differ, as
    for a new scan.
    """

    plan: Callable[..., AnyPlan]
    learned: Sequence[Options]
    predicted: Sequence[Options]


def _energies(first_ev: float, last_ev: float, step_ev: float, dwell_s: float, **more: Any) -> Options:
    return {
        "regions_ev": [(first_ev, last_ev, step_ev)], "delay_ps": 100, "dwell_s": dwell_s, "allow_unreducible": True,
    } | more  # fmt: skip


def _fly(last_ev: float, step_ev: float, bin_s: float) -> Options:
    # Two sweeps: the dwell of each point is that of two bins.
    return _energies(13_450, last_ev, step_ev, 2 * bin_s, bin_s=bin_s, stepping="fly")


def _delays(points: int, dwell_s: float, **more: Any) -> Options:
    return {"delays_ps": np.linspace(-500, 500, points).tolist(), "dwell_s": dwell_s} | more


def _grid(energies: int, delays: int, dwell_s: float) -> Options:
    return {
        "slow_points": np.linspace(13_460, 13_480, energies).tolist(),
        "fast_points": np.linspace(-100, 400, delays).tolist(),
        "dwell_s": dwell_s,
    }


def _fluences(points: int, dwell_s: float, **more: Any) -> Options:
    return {"fluences_mj_cm2": np.linspace(1, 9, points).tolist(), "dwell_s": dwell_s} | more


KINDS = {
    "energy": Kind(
        plan=plans.energy_scan,
        learned=(_energies(13_460, 13_470, 0.5, 0.5), _energies(13_450, 13_510, 6, 2.0)),
        predicted=(_energies(13_455, 13_485, 2, 1.0), _energies(13_465, 13_475, 1, 0.8, repeats=2)),
    ),
    "fly": Kind(
        plan=plans.energy_scan,
        learned=(_fly(13_480, 0.5, 0.1), _fly(13_490, 1, 0.2)),
        predicted=(_fly(13_500, 1, 0.15), _fly(13_470, 0.5, 0.2)),
    ),
    "delay": Kind(
        plan=plans.delay_scan,
        learned=(_delays(30, 0.5), _delays(6, 2.0)),
        predicted=(_delays(16, 1.0), _delays(10, 1.5)),
    ),
    "hardware": Kind(
        plan=plans.delay_scan,
        learned=(_delays(30, 0.5, stepping="hardware"), _delays(6, 2.0, stepping="hardware")),
        predicted=(_delays(16, 1.0, stepping="hardware"), _delays(10, 1.5, stepping="hardware")),
    ),
    "grid": Kind(
        plan=plans.grid_scan,
        learned=(_grid(4, 6, 0.5), _grid(3, 3, 1.5)),
        predicted=(_grid(3, 5, 1.0), _grid(5, 4, 0.7)),
    ),
    "fluence": Kind(
        plan=plans.fluence_scan,
        learned=(_fluences(20, 0.5), _fluences(6, 2.0)),
        predicted=(_fluences(12, 1.0), _fluences(6, 1.0, shutter_reference="scan")),
    ),
}
"""Kinds of scans by the ends of their keys; they differ in what moves, and in what waits for it."""


FIRST = ("energy", "fly", "hardware")
"""Kinds that are the first ones of steps, sweeps and sequences. Their first runs import what is imported late."""


def bench_prediction(session: Session) -> Entries:
    """Measure scans on an open session, simulated at SPEED, and compare their wall time, s, with what was predicted.

    The prediction is that of a dry run. `predicted_duration_ratio_KIND`: the run of each kind whose predicted duration
    is farthest from the measured one; the spread is that of all its runs. `predicted_duration_ratio`: the farthest
    entry of all.
    """
    # A session opens its catalogue in its first seconds, which slows every step; this waits for it.
    assert session.store.db is not None
    entries = {}
    for name, kind in KINDS.items():
        if name in FIRST:
            session.measure(kind.plan(session.beamline, "Br K", **kind.learned[0]))
        entries[f"predicted_duration_ratio_{name}"] = _entry(session, kind)
    return {"predicted_duration_ratio": max(entries.values(), key=_error)} | entries


def _error(entry: Entry) -> float:
    return abs(entry.ratio - 1.0)


def _entry(session: Session, kind: Kind) -> Entry:
    """Return the entry of the run whose prediction is farthest from the truth."""
    for options in kind.learned:
        session.measure(kind.plan(session.beamline, "Br K", **options))
    predicted = []
    measured = []
    for options in kind.predicted:
        (request,) = announced_requests(kind.plan(session.beamline, "Br K", **options))
        found = prediction_of(session.plan_times, request)
        assert found is not None  # the same plan was just measured
        predicted.append(found.seconds)
        session.measure(kind.plan(session.beamline, "Br K", **options))
        measured.append(sum(session.run_engine.time_use.latest_s.values()))
    return farthest(predicted, measured)


def farthest(predicted: Sequence[float], measured: Sequence[float]) -> Entry:
    """Return the entry, in s, of the run whose predicted duration is farthest from the measured one."""
    # Not the median: a duration that is too long and one that is too short would cancel.
    all_runs = Entry.of(predicted, measured, "s")
    runs = [Entry.of([one], [other], "s") for one, other in zip(predicted, measured, strict=True)]
    worst = max(runs, key=_error)
    return Entry(value=worst.value, baseline=worst.baseline, ratio=worst.ratio, unit="s", spread=all_runs.spread)
