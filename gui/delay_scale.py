"""The scale of delay axes: linear around time zero, logarithmic at long delays."""

from __future__ import annotations

import numpy as np

from reduction.types import FloatArray

LINEAR_TO_PS = 500.0
"""Delays within this distance of time zero are drawn linearly, longer ones logarithmically."""

LINEAR_DECADES = 1.5
"""Length of the linear part on one side of time zero, in decades of the logarithmic part."""

_LINEAR_POINTS = 400
_LOGARITHMIC_POINTS = 200


def curve_delays_ps(low_ps: float, high_ps: float) -> FloatArray:
    """Return ascending delays (points,) in ps from `low_ps` to `high_ps`, dense enough for a smooth curve."""
    # Dense on the screen, not in ps: the curve has many points where the axis is linear, and is spaced evenly in
    # decades beyond. With an even spacing in ps, either the rise would have corners or the curve a million points.
    if high_ps <= LINEAR_TO_PS:
        return np.linspace(low_ps, high_ps, _LINEAR_POINTS)
    even = np.linspace(min(low_ps, LINEAR_TO_PS), LINEAR_TO_PS, _LINEAR_POINTS)
    late = np.geomspace(max(low_ps, LINEAR_TO_PS), high_ps, _LOGARITHMIC_POINTS)
    return np.unique(np.concatenate([even, late])) if low_ps < LINEAR_TO_PS else late
