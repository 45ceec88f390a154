"""The run's own normal of the X-ray flux, against which a dropout or a dip shows."""

from __future__ import annotations

import math
import statistics
from collections import deque

REMEMBERED = 15
"""Good exposures whose median is the normal: few enough to follow a drift."""

CONFIRMATIONS = 3
"""Deviating exposures on end, equal among themselves, that make a new normal: the flux has changed, nothing failed."""

DROPOUT = 0.5
"""Below this share of the normal the beam is missing, and never becomes a new normal."""


class FluxHistory:
    """Running median of `i0` per second over the good exposures of a run; `tolerance` is relative."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._good: deque[float] = deque(maxlen=REMEMBERED)
        self._deviating: list[float] = []

    def reset(self) -> None:
        """Forget all exposures, as a new run begins."""
        self._good.clear()
        self._deviating.clear()

    @property
    def normal(self) -> float:
        """Counts per second of a good exposure, NaN before the first."""
        return statistics.median(self._good) if self._good else math.nan

    def is_normal(self, per_s: float) -> bool:
        """Whether an exposure with `per_s` counts per second is like the good ones before it; it is not remembered."""
        if per_s <= 0:
            return False
        return not self._good or abs(per_s / self.normal - 1) <= self._tolerance

    def remember(self, per_s: float) -> None:
        """An exposure without any fault had `per_s` counts per second."""
        self._good.append(per_s)
        self._deviating.clear()

    def confirms_change(self, per_s: float) -> bool:
        """Whether `per_s`, not normal but without another fault, is one of several alike: they become the normal."""
        if not per_s > DROPOUT * self.normal:
            self._deviating.clear()
            return False
        alike = [other for other in self._deviating if abs(other / per_s - 1) <= self._tolerance]
        self._deviating = [*alike, per_s]
        if len(self._deviating) < CONFIRMATIONS:
            return False
        self._good.clear()
        self._good.extend(self._deviating)
        self._deviating.clear()
        return True
