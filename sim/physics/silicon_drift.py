"""Five-element silicon drift detector at the powder cell: rates, dead time, counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.types import FloatArray, IntArray

ELEMENTS = 5
"""Elements of the detector (paper, SI 1)."""


@dataclass(frozen=True, kw_only=True)
class DriftDetector:
    """Properties of the detector (all chosen; counting rates as usual for such a detector).

    `window_rate` is the fluorescence in the window per element and second for a spectrum value of 1 at nominal flux,
    `other_rate` that of everything else it sees (elastic scattering, graphite); `dead_s` is the time for which each
    photon keeps an element busy; `efficiency` holds the elements' solid angles, relative to their mean.
    """

    window_rate: float = 60e3
    other_rate: float = 25e3
    dead_s: float = 1.0e-6
    efficiency: tuple[float, ...] = (1.08, 0.94, 1.02, 0.89, 1.07)


@dataclass(frozen=True, kw_only=True)
class DriftCounts:
    """One exposure: `counts` in the window, `input_rate` and `output_rate` of all photons per second; (element,)."""

    counts: IntArray
    input_rate: FloatArray
    output_rate: FloatArray


def draw_drift_counts(
    detector: DriftDetector, spectrum: float, flux: float, duration_s: float, rng: np.random.Generator
) -> DriftCounts:
    """Count for `duration_s` at a fluorescence of `spectrum` edge steps and a relative `flux`.

    The arrival of photons is a Poisson process. A photon is analysed if none came within the dead time before it, which
    holds for exp(-rate x dead time) of them (paralysable; Knoll, Radiation Detection and Measurement, ch. 4), and lies
    in the window with the window's share: so the counts in the window are exactly Poisson, and counts x input / output
    is the number of window photons on average.
    """
    # Order of draws: photons that arrive (Poisson), those that are analysed (each with the probability that no other
    # one came within the dead time before it), and those of them in the window. Input and output rates are those of the
    # same draws, so that their ratio contains the dead time of this very exposure and not its expectation.
    efficiency = np.asarray(detector.efficiency)
    window = detector.window_rate * spectrum * flux * efficiency
    total = window + detector.other_rate * flux * efficiency
    arrived = rng.poisson(total * duration_s)
    analysed = rng.binomial(arrived, np.exp(-total * detector.dead_s))
    share = np.divide(window, total, out=np.zeros_like(total), where=total > 0)
    counts = rng.binomial(analysed, share)
    return DriftCounts(counts=counts, input_rate=arrived / duration_s, output_rate=analysed / duration_s)
