"""When each point of a run was measured, by the times of its events and the lengths of its exposures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray


def elapsed_s(run: RunAccumulator) -> FloatArray:
    """Return the middle of the exposures since the beginning of the first one, s, shape (scans, points, laser shutter).

    Zeros if an event has no time; 0 where nothing was measured.
    """
    measured = run.exposures > 0
    found = np.zeros(measured.shape)
    if not measured.any() or (run.times_s[measured] <= 0).any():
        return found
    ended_s = run.times_s[measured] / run.exposures[measured]
    counted_s = run.exposure_s[measured]
    order = np.argsort(ended_s, kind="stable")
    # An exposure takes at least as long as it counts. A simulation passes beam time faster than its clock, whose
    # times then only give the order.
    taken_s = np.maximum(np.diff(ended_s[order], prepend=ended_s[order][0]), counted_s[order])
    middle_s = np.zeros(order.size)
    middle_s[order] = np.cumsum(taken_s) - counted_s[order] / 2
    found[measured] = middle_s
    return found


def mean_elapsed_s(run: RunAccumulator, laser_shutter: int) -> FloatArray:
    """Return the mean of `elapsed_s` over all scans, s, weighted by exposure time, (points,); 0 without exposures."""
    weight = run.exposure_s[:, :, laser_shutter]
    total = weight.sum(axis=0)
    summed = (weight * elapsed_s(run)[:, :, laser_shutter]).sum(axis=0)
    return np.asarray(np.divide(summed, total, out=np.zeros_like(total), where=total > 0))
