"""The electronic zero of the boxcar, from a run that counted the same gates photon by photon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.values import Value
from reduction.xas.exposure_pairs import SHUTTER_OPEN, Gate, gate_signal

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator

LEAST_RANGE = 1.5
"""Least ratio of the largest to the smallest signal: the zero is an extrapolation to no photons at all."""

# The weights contain the gain, because photon counts have errors too; it settles at once.
_ROUNDS = 3


def boxcar_zero(accumulator: RunAccumulator) -> Value:
    """Return the signal of the boxcar without photons, V: the intercept of boxcar against photons per pulse.

    From all points of the unpumped gate of a run with both detection modes. An energy scan over an edge has a wide
    enough range of signals; a scan at one energy does not. The error is scaled to the scatter about the line if that is
    larger than the counting errors. Raises ReductionError if the run lacks a mode, three points, or the range.
    """
    gate = Gate(SHUTTER_OPEN, accumulator.metadata.timing.unpumped_probe)
    volts = gate_signal(accumulator, "boxcar", gate)
    photons = gate_signal(accumulator, "spc", gate)
    exposure_s = accumulator.exposure_s[:, :, SHUTTER_OPEN]
    pulses = accumulator.pulses[:, :, SHUTTER_OPEN, gate.probe]
    used = (exposure_s > 0) & (pulses > 0)
    x = photons.signal[used] / pulses[used]
    y = volts.signal[used] / exposure_s[used]
    if x.size < 3 or x.max() < LEAST_RANGE * x.min():
        raise ReductionError(
            f"The run does not determine the zero of the boxcar: it has {x.size} exposures, and their largest signal "
            f"must be {LEAST_RANGE:g} times the smallest. Take an energy scan over an edge with both detection modes."
        )
    design = np.column_stack([np.ones_like(x), x])
    x_variance = photons.variance[used] / pulses[used] ** 2
    y_variance = volts.variance[used] / exposure_s[used] ** 2
    line = np.linalg.lstsq(design, y, rcond=None)[0]
    for _ in range(_ROUNDS):
        weight = 1.0 / (y_variance + line[1] ** 2 * x_variance)
        covariance = np.linalg.inv((design * weight[:, None]).T @ design)
        line = covariance @ design.T @ (weight * y)
    reduced = float(np.sum(weight * (y - design @ line) ** 2)) / (x.size - 2)
    return Value(float(line[0]), float(np.sqrt(covariance[0, 0] * max(reduced, 1.0))))
