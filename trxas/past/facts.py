"""What the user must state about old scans, because their files do not contain it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plans.edges import EdgePreset


@dataclass(frozen=True, kw_only=True)
class PastFacts:
    """Facts that the files do not contain: `sample`, `edge`, `series`, and the settings that were fixed, ps and mJ/cm2.

    `delay_ps` of energy scans, None to take it from the delay columns; `fluence_mj_cm2`, 0 if it is not known.
    """

    sample: str
    edge: EdgePreset
    series: str = ""
    delay_ps: float | None = None
    fluence_mj_cm2: float = 0.0
