"""Result of a run of kills."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from trxas.validation.robustness.disturbed_result import DisturbedResult
from trxas.validation.robustness.kill_schedule import SESSION


@dataclass(kw_only=True)
class KillsResult(DisturbedResult):
    """Numbers of a run of kills.

    `killed`: kills by victim. `ended`: processes that ended without being killed; for a session this is not a failure,
    since a session that starts while the IOC is dead reports that and ends. `unrecorded`: exposures that a session had
    reported and that are not stored. `problems`: what `trxas runs check` finds at the end.
    """

    killed: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    unrecorded: int = 0
    problems: tuple[str, ...] = ()

    @property
    def points_lost(self) -> int:
        """Exposures that were intended or reported and are not stored."""
        return self.audit.points_lost + self.unrecorded

    @property
    def is_clean(self) -> bool:
        """Whether, in addition, no process but a session ended by itself and the stored runs have no problem."""
        # A session may end by itself where it should, without a beamline to connect to; every other process must not.
        crashes = self.ended.total() - self.ended[SESSION]
        return super().is_clean and not crashes and not self.problems

    def disturbances(self) -> dict[str, Any]:
        """Return the numbers of kills, for machines."""
        return {
            "kills": self.killed.total(),
            "by_victim": dict(sorted(self.killed.items())),
            "ended_by_themselves": dict(self.ended),
            "problems": list(self.problems),
        }
