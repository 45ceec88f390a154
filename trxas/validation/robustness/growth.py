"""Growth of the resources that a process uses: medians of early samples against medians of late ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

from processes.process_table import ProcessUse

WARM_UP_H = 1.0
"""Beam time, h, in which a process may grow: imports, caches, the first runs."""

SHARE = 0.1
"""Share of the remaining time, at its start and at its end, whose samples go into a median."""

ALLOWED = 0.05
"""Relative growth of memory tolerated as noise."""

ALLOWED_NUMBER = 3
"""Extra open files or threads tolerated as noise: connections come and go."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Medians after the warm-up and at the end."""

    before: ProcessUse
    after: ProcessUse

    @property
    def is_flat(self) -> bool:
        """Whether memory has grown by 5 % at most, and open files and threads by 3 at most."""
        return (
            self.after.memory_mb <= self.before.memory_mb * (1 + ALLOWED)
            and self.after.files <= self.before.files + ALLOWED_NUMBER
            and self.after.threads <= self.before.threads + ALLOWED_NUMBER
        )

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for machines, each as [before, after]."""
        return {
            "memory_mb": [round(self.before.memory_mb, 1), round(self.after.memory_mb, 1)],
            "memory_growth": round(self.after.memory_mb / self.before.memory_mb - 1, 4),
            "files": [self.before.files, self.after.files],
            "threads": [self.before.threads, self.after.threads],
            "flat": self.is_flat,
        }


Samples: TypeAlias = Sequence[tuple[float, Mapping[str, ProcessUse]]]
"""Hours of beam time since the start, and what each process used at that time."""


def growth(samples: Samples) -> dict[str, Growth]:
    """Return the growth of every process that ran both after the warm-up (1 h of beam time) and at the end.

    Both values are medians over a tenth of the time in between; memory is in MB.
    """
    # Medians of many samples at both ends, not two samples: memory is allocated in steps, and a run that has just ended
    # holds more than one that begins. A process that did not live at both ends has no growth; its end is reported as
    # trouble by the soak itself.
    hours = samples[-1][0] if samples else 0.0
    width = SHARE * max(hours - WARM_UP_H, 0.0)
    early = [use for at, use in samples if WARM_UP_H <= at <= WARM_UP_H + width]
    late = [use for at, use in samples if at >= hours - width]
    names = set.intersection(*(set(use) for use in (*early, *late))) if early and late else set()
    return {name: Growth(before=_median(early, name), after=_median(late, name)) for name in sorted(names)}


def _median(samples: Sequence[Mapping[str, ProcessUse]], name: str) -> ProcessUse:
    uses = [sample[name] for sample in samples]
    return ProcessUse(
        memory_mb=median(use.memory_mb for use in uses),
        files=round(median(use.files for use in uses)),
        threads=round(median(use.threads for use in uses)),
    )
