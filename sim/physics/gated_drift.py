"""Silicon drift detector at the jet whose photons are sorted by gate: counts per element and gate, and rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.types import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class GatedDrift:
    """Properties of the detector (all chosen).

    `share` of the photons of all photodiodes that each element sees; `other_rate` of everything else per second, as
    elastic scattering; `dead_s` is the time for which each photon keeps an element busy.
    """

    share: tuple[float, ...] = (0.12, 0.08)
    other_rate: float = 60e3
    dead_s: float = 1.0e-6


@dataclass(frozen=True, kw_only=True)
class GatedDriftCounts:
    """One exposure: `counts` (element, gate); `input_rate` and `output_rate` (element,) of all photons, 1/s."""

    counts: IntArray
    input_rate: FloatArray
    output_rate: FloatArray


def draw_gated_drift(
    detector: GatedDrift, counts: IntArray, pulses: IntArray, duration_s: float, rng: np.random.Generator
) -> GatedDriftCounts:
    """Draw the drift detector's part of the photons behind the `counts`, shape (apd, gate), for `duration_s` seconds.

    `pulses` (gate,): gates opened. Each element takes its share of the photons at random, so that its numbers are
    Poisson by themselves, and analyses those that arrive while it is ready (paralysable; see `draw_drift_counts`).
    """
    share = np.asarray(detector.share)
    opened = np.maximum(pulses, 1)
    fired = np.minimum(counts / opened, 1 - 1e-9)
    photons = np.rint(-opened * np.log1p(-fired)).sum(axis=0).astype(np.int64)
    window = rng.binomial(photons, share[:, None])
    other = rng.poisson(detector.other_rate * duration_s, size=len(share))
    arrived = window.sum(axis=1) + other
    seconds = max(duration_s, 1e-9)
    live = np.exp(-arrived / seconds * detector.dead_s)
    analysed = rng.binomial(window, live[:, None])
    output = analysed.sum(axis=1) + rng.binomial(other, live)
    return GatedDriftCounts(counts=analysed, input_rate=arrived / seconds, output_rate=output / seconds)
