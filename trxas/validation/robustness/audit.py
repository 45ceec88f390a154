"""Check of the stored data: completeness, truth, and comparison with undisturbed scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from reduction.accumulator import RunAccumulator, accumulate, joined
from reduction.xas.grouping import scan_transients
from storage import Store, find_starts, good_exposures, load_dataset, primary_data
from trxas.configuration import load_configuration
from trxas.validation.robustness.exposure_truth import LOG_NAME, ExposureTruth
from trxas.validation.robustness.measured_plans import robustness_of, technique_in_use
from trxas.validation.robustness.measuring_process import PURPOSE
from trxas.validation.types import Documents

LEAST_CHANCE = 1e-4
"""p-value below which two results count as different (chosen: one false alarm in 10 000 runs)."""


@dataclass(kw_only=True)
class Audit:
    """Numbers of exposures in all datasets together.

    `points_lost`: intended, but not stored with good quality. `duplicates`: averaged twice, or one reading stored as
    two events. `bad_points_averaged`: stored with good quality although they were bad; `reasons`: their number by
    reason. `marked_bad`: stored with a mark and not averaged.
    """

    datasets: int = 0
    runs: int = 0
    exposures: int = 0
    points_lost: int = 0
    duplicates: int = 0
    marked_bad: int = 0
    bad_points_averaged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class Truth(Protocol):
    """True facts about every exposure from the log of the simulation, for one technique."""

    def key_of(self, event: Mapping[str, Any]) -> Hashable:
        """Return the values that identify the exposure of an event's data."""

    def judge(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return for the data of each event the reason why its exposure was bad, "" if it was good."""


def truth_in(folder: Path) -> Truth:
    """Return the truth that a simulation has logged in `folder`, for the detectors of the configuration in use."""
    module = robustness_of(technique_in_use())
    if module is not None:
        truth: Truth = module.truth_in(folder / LOG_NAME)
        return truth
    beamline = load_configuration().beamline
    numbered = bool(beamline.exposure.spc_frame)
    return ExposureTruth(folder / LOG_NAME, numbered=numbered, divider=beamline.laser.required_divider)


def audit(store: Store, truth: Truth) -> Audit:
    """Return the audit of everything that the disturbed runs stored, in counts of exposures.

    Raises StorageError if a run cannot be read.
    """
    found = Audit()
    datasets = disturbed_datasets(store)
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
        # Two kinds of duplicates: one intended exposure that is stored as good twice, which would be averaged twice;
        # and one reading of the hardware that appears in two events, which shows in number and counts together. The
        # second could pass as two good exposures.
        found.duplicates += len(good) - len(set(good))
    found.duplicates += sum(number - 1 for number in Counter(truth.key_of(event) for event in events).values())
    found.datasets = len(datasets)
    found.runs = len(find_starts(store, purpose=PURPOSE))
    return found


def disturbed_datasets(store: Store) -> list[Documents]:
    """Return the documents of every dataset of the disturbed runs, complete or not.

    Raises StorageError if one cannot be read.
    """
    return [list(load_dataset(store, start["uid"])) for start in find_starts(store, purpose=PURPOSE, resumes=None)]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Disturbed against undisturbed, over all points of spectra and traces: ln(on/off) of the photodiodes.

    For maps, the points are their diffusivities and lifetimes.
    """

    points: int
    chi_square: float
    max_pull: float

    @property
    def chi_square_per_point(self) -> float:
        """Chi-square per point: 1 within sqrt(2 / points) if only counting noise differs; NaN without points."""
        return self.chi_square / self.points if self.points else float("nan")

    @property
    def chance(self) -> float:
        """p-value of the chi-square; 0 if nothing could be compared."""
        return float(chi2.sf(self.chi_square, self.points)) if self.points else 0.0

    @property
    def is_equal(self) -> bool:
        """Whether both agree within their errors: a p-value above 0.0001, one false alarm in 10 000 runs."""
        return self.chance > LEAST_CHANCE

    def as_json(self) -> dict[str, float]:
        """Return the numbers for machines."""
        return {
            "points": self.points,
            "chi2_per_point": self.chi_square_per_point,
            "max_pull": self.max_pull,
            "chance": self.chance,
        }


def compare(disturbed: Sequence[Documents], undisturbed: Sequence[Documents]) -> Comparison:
    """Compare the mean results of disturbed and undisturbed datasets, plan by plan: transients, or those of maps.

    Raises ReductionError if a dataset cannot be reduced. Points that one of the two lacks are not compared.
    """
    # Every technique compares the numbers that its users publish, with their own errors: an undetected bad point shows
    # there if it matters, and nowhere if it does not.
    module = robustness_of(technique_in_use())
    if module is None:
        together = _transient_pulls(disturbed, undisturbed)
    else:
        together = np.array(module.pulls(disturbed, undisturbed))
    largest = float(np.max(np.abs(together))) if together.size else float("nan")
    return Comparison(points=together.size, chi_square=float(np.sum(together**2)), max_pull=largest)


def _transient_pulls(disturbed: Sequence[Documents], undisturbed: Sequence[Documents]) -> NDArray[np.float64]:
    struck = _by_plan(disturbed)
    quiet = _by_plan(undisturbed)
    pulls = [_pulls(struck[plan], quiet[plan]) for plan in struck if plan in quiet]
    return np.concatenate(pulls) if pulls else np.zeros(0)


def _by_plan(datasets: Sequence[Documents]) -> dict[str, RunAccumulator]:
    found: dict[str, list[RunAccumulator]] = {}
    for documents in datasets:
        if good_exposures(documents):
            found.setdefault(documents[0][1]["plan_name"], []).append(accumulate(documents))
    return {plan: joined(runs) for plan, runs in found.items()}


def _pulls(disturbed: RunAccumulator, undisturbed: RunAccumulator) -> NDArray[np.float64]:
    first, first_sigma = _mean_transient(disturbed)
    second, second_sigma = _mean_transient(undisturbed)
    both = np.isfinite(first) & np.isfinite(second)
    return np.asarray(((first - second) / np.hypot(first_sigma, second_sigma))[both])


def _mean_transient(accumulator: RunAccumulator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted mean over all scans and its error, each (points,); NaN where nothing was measured."""
    value, sigma, measured = scan_transients(accumulator, "spc")
    weight = np.where(measured, np.divide(1.0, sigma**2, out=np.zeros_like(sigma), where=sigma > 0), 0.0)
    total = weight.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    return np.sum(weight * np.where(measured, value, 0.0), axis=0) / total, total**-0.5
