"""Whether what a process uses stays as it is: medians of early against late samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from processes.process_table import ProcessUse

WARM_UP_H = 1.0
"""Beam time within which a process may still grow: imports, caches, the first runs."""

SHARE = 0.1
"""Part of the rest of the time from which a median is taken, at its beginning and at its end."""

ALLOWED = 0.05
"""Growth that is none."""

ALLOWED_NUMBER = 3
"""Open files and threads more than at the beginning that are none: connections come and go."""


@dataclass(frozen=True)
class Growth:
    """Medians after the warm-up and at the end."""

    before: ProcessUse
    after: ProcessUse

    @property
    def is_flat(self) -> bool:
        """Whether neither memory nor files nor threads have grown."""
        return (
            self.after.memory_mb <= self.before.memory_mb * (1 + ALLOWED)
            and self.after.files <= self.before.files + ALLOWED_NUMBER
            and self.after.threads <= self.before.threads + ALLOWED_NUMBER
        )

    def as_json(self) -> dict[str, Any]:
        """The numbers, for machines."""
        return {
            "memory_mb": [round(self.before.memory_mb, 1), round(self.after.memory_mb, 1)],
            "memory_growth": round(self.after.memory_mb / self.before.memory_mb - 1, 4),
            "files": [self.before.files, self.after.files],
            "threads": [self.before.threads, self.after.threads],
            "flat": self.is_flat,
        }


Samples = Sequence[tuple[float, Mapping[str, ProcessUse]]]
"""Hours of beam time, and what each process used then."""


def growth(samples: Samples) -> dict[str, Growth]:
    """Growth of every process that was there after the warm-up and at the end, by its name."""
    hours = samples[-1][0] if samples else 0.0
    width = SHARE * max(hours - WARM_UP_H, 0.0)
    early = [use for at, use in samples if WARM_UP_H <= at <= WARM_UP_H + width]
    late = [use for at, use in samples if at >= hours - width]
    names = set.intersection(*(set(use) for use in (*early, *late))) if early and late else set()
    return {name: Growth(_median(early, name), _median(late, name)) for name in sorted(names)}


def _median(samples: Sequence[Mapping[str, ProcessUse]], name: str) -> ProcessUse:
    uses = [sample[name] for sample in samples]
    return ProcessUse(
        memory_mb=median(use.memory_mb for use in uses),
        files=round(median(use.files for use in uses)),
        threads=round(median(use.threads for use in uses)),
    )
