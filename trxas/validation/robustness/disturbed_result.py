"""Results of scans under disturbances: the part that runs of faults and runs of kills share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from trxas.validation.robustness.audit import Audit, Comparison

FEWEST_UNDISTURBED = 2
MOST_UNDISTURBED = 16
"""Limits of the number of undisturbed datasets: a spectrum and a trace; more only reduce their share of the errors."""

UNDISTURBED_RESTARTS = 1_000_000
"""Number of restarts that the simulation of the undisturbed part is given: more than any disturbed part has.

Seed and number of restarts fix the noise. With the number of the disturbed part, both would draw the same counts for
the same exposures, as often as their order agrees, and would differ by less than their errors: with the counts of plain
scalers, whose exposures follow each other in a fixed order, chi-square per point fell to 0.2.
"""


def undisturbed_number(disturbed: int) -> int:
    """Return the number of undisturbed datasets to compare `disturbed` ones with, from 2 to 16, equal if possible."""
    # The comparison is as sharp as the smaller of both parts, so more undisturbed datasets than disturbed ones are of
    # little use, and sixteen are enough to see 1 %.
    return min(max(disturbed, FEWEST_UNDISTURBED), MOST_UNDISTURBED)


@dataclass(kw_only=True)
class DisturbedResult(ABC):
    """The numbers that faults and kills have in common.

    `hangs`: how often no exposure came for `hang_after_s` seconds of wall time; `hung_after`: the same by disturbance.
    `session_starts`: lives of the measuring session. `wall_s`: duration of the whole run.
    """

    hang_after_s: float
    hangs: int = 0
    hung_after: Counter[str] = field(default_factory=Counter)
    session_starts: int = 0
    audit: Audit = field(default_factory=Audit)
    comparison: Comparison = field(default_factory=lambda: Comparison(points=0, chi_square=0.0, max_pull=0.0))
    wall_s: float = 0.0

    @property
    def points_lost(self) -> int:
        """Exposures that were intended and are not stored with good quality."""
        return self.audit.points_lost

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, duplicated, wrong or stuck, and the result equals the undisturbed one."""
        # All of these must be 0, whatever the results: a lucky cancellation is not a proof.
        wrong = self.points_lost or self.audit.duplicates or self.audit.bad_points_averaged or self.hangs
        return not wrong and self.comparison.is_equal

    def count_hang(self, after: str) -> None:
        """Count a hang after the disturbance `after`."""
        self.hangs += 1
        self.hung_after[after] += 1

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for machines, first those of the disturbances."""
        found = self.audit
        return {
            **self.disturbances(),
            "points_lost": self.points_lost,
            "bad_points_averaged": found.bad_points_averaged,
            "bad_by_reason": dict(found.reasons.most_common()),
            "duplicates": found.duplicates,
            "hangs": self.hangs,
            "hung_after": dict(self.hung_after),
            "hang_after_s": self.hang_after_s,
            "exposures": found.exposures,
            "marked_bad": found.marked_bad,
            "datasets": found.datasets,
            "runs": found.runs,
            "session_starts": self.session_starts,
            "comparison": self.comparison.as_json(),
            "wall_s": self.wall_s,
        }

    @abstractmethod
    def disturbances(self) -> dict[str, Any]:
        """Return the numbers of the disturbances themselves, for machines."""
