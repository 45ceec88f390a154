"""Energy of the main peak of the static Br K spectrum, as a measurement of the coverage."""

from __future__ import annotations

import math

from reduction.accumulator import RunAccumulator
from reduction.values import Value
from reduction.xas.features import extremum
from reduction.xas.static_error import static_sigma
from reduction.xas.transient import Spectrum

PEAK_EV = 13_472.0
PEAK_HALF_WIDTH_EV = 1.5
"""Where the peak is expected, and the range around it in which it is sought, eV."""


def static_peak(run: RunAccumulator, shown: Spectrum) -> Value:
    """Return the energy of the peak of the unpumped spectrum `shown` of a run, eV, with its error."""
    peak = extremum(
        shown.energy_ev, shown.off, static_sigma(run, shown), near_ev=PEAK_EV, half_width_ev=PEAK_HALF_WIDTH_EV
    )
    return Value(peak.value, math.hypot(peak.sigma, shown.energy_sigma_ev))
