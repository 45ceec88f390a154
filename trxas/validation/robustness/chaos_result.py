"""Result of a chaos run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from trxas.validation.robustness.disturbed_result import DisturbedResult


@dataclass(kw_only=True)
class ChaosResult(DisturbedResult):
    """Numbers of a chaos run; `by_kind`: faults that struck; `not_struck`: faults that the beamline refused."""

    by_kind: Counter[str] = field(default_factory=Counter)
    not_struck: Counter[str] = field(default_factory=Counter)

    def disturbances(self) -> dict[str, Any]:
        """Return the numbers of faults, for machines."""
        return {
            "faults": self.by_kind.total(),
            "by_kind": dict(sorted(self.by_kind.items())),
            "not_struck": dict(self.not_struck),
        }
