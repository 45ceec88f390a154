"""What became of the data: completeness, truth, and the comparison with undisturbed scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from reduction.accumulator import RunAccumulator, accumulate, joined
from reduction.xas.grouping import scan_transients
from storage import Store, find_starts, good_exposures, load_dataset, primary_data
from trxas.validation.robustness.exposure_truth import Truth, key_of
from trxas.validation.robustness.measuring_process import PURPOSE

Documents = list[tuple[str, dict[str, Any]]]

LEAST_CHANCE = 1e-4
"""Results that would differ by as much less often than this are not equal (chosen: a false alarm in 10 000 runs)."""


@dataclass
class Audit:
    """Exposures of all datasets together.

    `points_lost`: meant, but not there with good quality. `duplicates`: exposures of a scan that are averaged twice,
    and one reading stored as two events. `bad_points_averaged`: of good quality, though the truth is another; `reasons`
    counts why. `marked_bad`: stored and marked, not averaged.
    """

    datasets: int = 0
    runs: int = 0
    exposures: int = 0
    points_lost: int = 0
    duplicates: int = 0
    marked_bad: int = 0
    bad_points_averaged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def audit(store: Store, truth: Truth) -> Audit:
    """Look at everything that the chaos runs stored."""
    found = Audit()
    datasets = chaos_datasets(store)
    events = [event for documents in datasets for event in primary_data(documents)]
    judged = truth.judge(events)
    for event, reason in zip(events, judged, strict=True):
        if event["quality"]:
            found.marked_bad += 1
        elif reason:
            found.bad_points_averaged += 1
            found.reasons[" ".join(part.split(" for ")[0] for part in reason.split(", "))] += 1
    for documents in datasets:
        good = good_exposures(documents)
        found.exposures += len(good)
        found.points_lost += int(documents[0][1]["num_points"]) - len(set(good))
        found.duplicates += len(good) - len(set(good))
    found.duplicates += sum(number - 1 for number in Counter(key_of(event) for event in events).values())
    found.datasets, found.runs = len(datasets), len(find_starts(store, purpose=PURPOSE))
    return found


def chaos_datasets(store: Store) -> list[Documents]:
    """Documents of every dataset of the chaos runs, whole or not."""
    return [load_dataset(store, start["uid"]) for start in find_starts(store, purpose=PURPOSE, resumes=None)]


@dataclass(frozen=True)
class Comparison:
    """Disturbed against undisturbed, over all points of spectra and traces: ln(on/off) of the photodiodes."""

    points: int
    chi_square: float
    max_pull: float

    @property
    def chi_square_per_point(self) -> float:
        """1 within sqrt(2 / points) if both are the same but for counting."""
        return self.chi_square / self.points if self.points else float("nan")

    @property
    def chance(self) -> float:
        """How often equal results would differ by as much, from chi-square; 0 if nothing could be compared."""
        return float(chi2.sf(self.chi_square, self.points)) if self.points else 0.0

    @property
    def is_equal(self) -> bool:
        """Whether both are the same within errors."""
        return self.chance > LEAST_CHANCE

    def as_json(self) -> dict[str, float]:
        """The numbers, for machines."""
        return {
            "points": self.points,
            "chi2_per_point": self.chi_square_per_point,
            "max_pull": self.max_pull,
            "chance": self.chance,
        }


def compare(disturbed: Sequence[Documents], undisturbed: Sequence[Documents]) -> Comparison:
    """Pulls between the mean transients of the two, plan by plan."""
    ours, theirs = _by_plan(disturbed), _by_plan(undisturbed)
    pulls = [_pulls(ours[plan], theirs[plan]) for plan in ours if plan in theirs]
    together = np.concatenate(pulls) if pulls else np.zeros(0)
    largest = float(np.max(np.abs(together))) if together.size else float("nan")
    return Comparison(together.size, float(np.sum(together**2)), largest)


def _by_plan(datasets: Sequence[Documents]) -> dict[str, RunAccumulator]:
    found: dict[str, list[RunAccumulator]] = {}
    for documents in datasets:
        if good_exposures(documents):
            found.setdefault(documents[0][1]["plan_name"], []).append(accumulate(documents))
    return {plan: joined(runs) for plan, runs in found.items()}


def _pulls(ours: RunAccumulator, theirs: RunAccumulator) -> NDArray[np.float64]:
    (first, first_sigma), (second, second_sigma) = _mean_transient(ours), _mean_transient(theirs)
    both = np.isfinite(first) & np.isfinite(second)
    return np.asarray(((first - second) / np.hypot(first_sigma, second_sigma))[both])


def _mean_transient(accumulator: RunAccumulator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean over all scans and its error, (points,); NaN where nothing was measured."""
    value, sigma, measured = scan_transients(accumulator, "spc")
    weight = np.where(measured, np.divide(1.0, sigma**2, out=np.zeros_like(sigma), where=sigma > 0), 0.0)
    total = weight.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    return np.sum(weight * np.where(measured, value, 0.0), axis=0) / total, total**-0.5
