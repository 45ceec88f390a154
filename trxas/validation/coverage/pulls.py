"""Mean and width of pulls, with their own errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEAN_LIMIT = 0.2
"""Tolerated distance of the mean from 0: invisible in an error bar."""

WIDTH_LIMIT = 0.15
"""Tolerated distance of the width from 1: invisible in an error bar."""


@dataclass(frozen=True, kw_only=True)
class PullStatistics:
    """Statistics of the pulls (value - truth) / sigma over all measurements of all samples.

    `mean` and `width` (standard deviation) have errors; they are None where there are too few pulls. `number` counts
    pulls, `failed` measurements without a value.
    """

    mean: float | None
    mean_error: float | None
    width: float | None
    width_error: float | None
    number: int
    failed: int

    @property
    def acceptable(self) -> bool | None:
        """Whether mean and width are within their limits; None unless their errors are below half of these."""
        if self.mean is None or self.width is None or self.mean_error is None or self.width_error is None:
            return None
        if self.mean_error > MEAN_LIMIT / 2 or self.width_error > WIDTH_LIMIT / 2:
            return None
        return abs(self.mean) <= MEAN_LIMIT and abs(self.width - 1.0) <= WIDTH_LIMIT


def pull_statistics(pulls_of_samples: Sequence[Sequence[float]], failed: int = 0) -> PullStatistics:
    """Return the statistics of pulls grouped by sample; a group may be empty.

    The errors are those of the jackknife over samples (Efron and Tibshirani 1993, ch. 11). It assumes no distribution,
    and counts a bias that all measurements of one sample share only once.
    """
    groups = [np.asarray(pulls, dtype=float) for pulls in pulls_of_samples if len(pulls)]
    # All statistics follow from three sums per sample, so that leaving out one sample is a subtraction. The samples are
    # left out, not the single pulls: measurements of one sample share its systematic errors, and would make the errors
    # of the statistics too small.
    each = np.array([[pulls.size, pulls.sum(), (pulls**2).sum()] for pulls in groups]).reshape(-1, 3)
    every = each.sum(axis=0)
    without = every - each
    return PullStatistics(
        mean=float(_mean(every)) if every[0] > 0 else None,
        mean_error=_jackknife(_mean(without)) if len(groups) > 1 else None,
        width=float(_width(every)) if every[0] > 1 else None,
        width_error=_jackknife(_width(without)) if len(groups) > 1 and without[:, 0].min() > 1 else None,
        number=int(every[0]),
        failed=failed,
    )


def _mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean, (...), from number, sum and sum of squares, (..., 3)."""
    return np.asarray(sums[..., 1] / sums[..., 0])


def _width(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation, (...), from number, sum and sum of squares, (..., 3)."""
    number, total, squares = np.moveaxis(sums, -1, 0)
    return np.asarray(np.sqrt(np.maximum(squares - total**2 / number, 0.0) / (number - 1.0)))


def _jackknife(left_out: NDArray[np.float64]) -> float:
    """Return the error of a statistic from its values without each of the samples in turn, (samples,)."""
    return float(np.sqrt((left_out.size - 1) * left_out.var()))
