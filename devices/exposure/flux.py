"""The normal X-ray flux of a run, by which a dropout or a dip is recognised."""

from __future__ import annotations

import math
import statistics
from collections import deque

REMEMBERED = 15
"""Good exposures whose median is the normal flux: few enough to follow a drift."""

CONFIRMATIONS = 3
"""Consecutive deviating exposures that agree with each other and become the normal: the flux has changed."""

COUNTING_SIGMAS = 5.0
"""Standard errors of counting that are allowed beyond the tolerance: one false alarm in two million exposures.

A slice of 1 ms with an I0 of 1e6 counts/s counts 1000, and 1 in 400 would be beyond 10 % by chance.
"""

DROPOUT = 0.5
"""Fraction of the normal flux below which the beam is missing; this never becomes the normal."""


class FluxHistory:
    """Running median of `i0` per second over the good exposures of a run.

    `tolerance` is relative; what counting explains is allowed beyond it.
    """

    # An exposure within the tolerance is normal and extends the history. One outside it is suspicious: a dropout, a
    # glitch, or a lasting change (another fill pattern, a realigned mirror). Only repetition separates them: several
    # deviating exposures in a row that agree with each other are a change, and replace the history. Below DROPOUT the
    # beam is missing, however often that repeats.

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

    def is_normal(self, per_s: float, exposure_s: float) -> bool:
        """Return whether `per_s`, counts per second in `exposure_s` seconds, agree with the good exposures so far.

        `per_s` is not remembered.
        """
        if per_s <= 0:
            return False
        return not self._good or self._agree(per_s, self.normal, exposure_s)

    def _agree(self, per_s: float, usual_per_s: float, exposure_s: float) -> bool:
        counting = COUNTING_SIGMAS / math.sqrt(usual_per_s * exposure_s)
        return abs(per_s / usual_per_s - 1) <= self._tolerance + counting

    def remember(self, per_s: float) -> None:
        """Add the `per_s` counts per second of an exposure without any fault."""
        self._good.append(per_s)
        self._deviating.clear()

    def confirms_change(self, per_s: float, exposure_s: float) -> bool:
        """Return whether `per_s`, counts per second of an exposure without another fault, confirms a changed flux.

        `exposure_s`: its length, s. It does if CONFIRMATIONS exposures in a row agree within the tolerance; they then
        define the normal flux.
        """
        if not per_s > DROPOUT * self.normal:
            self._deviating.clear()
            return False
        # Deviations of different size are noise or faults; only equal ones are a new flux.
        alike = [other for other in self._deviating if self._agree(other, per_s, exposure_s)]
        self._deviating = [*alike, per_s]
        if len(self._deviating) < CONFIRMATIONS:
            return False
        self._good.clear()
        self._good.extend(self._deviating)
        self._deviating.clear()
        return True
