"""What a run of the harness found, as one clean verdict and as numbers for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from trxas.validation.robustness.audit import Audit, Comparison


@dataclass
class KillsResult:
    """`hangs`: times without an exposure for longer than `hang_after_s`, `hung_after` which kill.

    `unrecorded`: exposures that a session had told of and that are not stored. `ended`: processes that ended although
    nobody had killed them; for a session that is no failure, as one that starts while the IOC is dead says so and ends.
    `problems`: what `trxas runs check` finds in the end.
    """

    hang_after_s: float
    killed: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    hangs: int = 0
    hung_after: Counter[str] = field(default_factory=Counter)
    session_starts: int = 0
    unrecorded: int = 0
    problems: tuple[str, ...] = ()
    audit: Audit = field(default_factory=Audit)
    comparison: Comparison = field(default_factory=lambda: Comparison(0, 0.0, 0.0))
    wall_s: float = 0.0

    @property
    def points_lost(self) -> int:
        """Exposures that were meant or told of, and are not there."""
        return self.audit.points_lost + self.unrecorded

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, wrong or stuck, nobody but a session died by itself, and all is equal."""
        crashes = self.ended.total() - self.ended["session"]
        found = self.audit
        wrong = self.points_lost or found.duplicates or found.bad_points_averaged or self.hangs or self.problems
        return not (wrong or crashes) and self.comparison.is_equal

    def as_json(self) -> dict[str, Any]:
        """The numbers, for machines."""
        found = self.audit
        return {
            "kills": self.killed.total(),
            "by_victim": dict(sorted(self.killed.items())),
            "points_lost": self.points_lost,
            "bad_points_averaged": found.bad_points_averaged,
            "bad_by_reason": dict(found.reasons.most_common()),
            "duplicates": found.duplicates,
            "hangs": self.hangs,
            "hung_after": dict(self.hung_after),
            "hang_after_s": self.hang_after_s,
            "ended_by_themselves": dict(self.ended),
            "problems": list(self.problems),
            "exposures": found.exposures,
            "marked_bad": found.marked_bad,
            "datasets": found.datasets,
            "runs": found.runs,
            "session_starts": self.session_starts,
            "comparison": self.comparison.as_json(),
            "wall_s": self.wall_s,
        }
