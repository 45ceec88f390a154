"""One result of a benchmark: a measurement beside a baseline that was measured in turn with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Medians of the measurement and of its baseline in `unit`, and their ratio, which is comparable between machines.

    `spread` is half the distance between the largest and the smallest ratio of a few repetitions, or the error of the
    ratio where that is known; None after a single measurement, which shows nothing about it.
    """

    value: float
    baseline: float
    ratio: float
    unit: str
    spread: float | None

    @classmethod
    def of(cls, values: Sequence[float], baselines: Sequence[float], unit: str) -> Entry:
        """Return the entry of repeated measurements and as many of the baseline, in `unit`.

        Raises ValueError for different numbers of repetitions.
        """
        # Ratios of neighbours in time: a machine that is busy for a while slows both of a pair alike.
        ratios = [value / baseline for value, baseline in zip(values, baselines, strict=True)]
        return cls(
            value=median(values),
            baseline=median(baselines),
            ratio=median(ratios),
            unit=unit,
            spread=(max(ratios) - min(ratios)) / 2.0 if len(ratios) > 1 else None,
        )

    @classmethod
    def of_draws(cls, values: Sequence[float], baselines: Sequence[float], unit: str) -> Entry:
        """Return the entry of many independent draws: as `of`, with the standard error of the median ratio as `spread`.

        Raises ValueError for different numbers of both.
        """
        # Imported here, as commands that measure nothing read this module, too.
        import numpy as np

        found = cls.of(values, baselines, unit)
        if found.spread is None:
            return found
        # Whatever their distribution, half of the draws are below the median of all there could be, give or take half
        # the square root of their number.
        ratios = np.divide(values, baselines)
        half = 0.5 / np.sqrt(ratios.size)
        low, high = np.quantile(ratios, (0.5 - half, 0.5 + half))
        return replace(found, spread=float(high - low) / 2.0)

    def as_json(self) -> dict[str, Any]:
        """Return the entry for machines."""
        return asdict(self)


Entries = dict[str, Entry]
"""Entries by their keys."""
