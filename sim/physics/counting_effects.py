"""Effects of counting besides photon noise: blind bunches, afterpulses, crosstalk, ripple of the mains, turbulence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from sim.physics.effects import EffectSizes
from sim.physics.pump_scheme import PumpScheme
from sim.types import FloatArray, IntArray

BLIND_SHARE = 0.01
"""Share of the counts after which the photodiode is blind for the next bunch (chosen: 1 in 100).

Pulses of large photodiodes last up to 30 ns, discriminator and counter are ready again after 7 and 5 ns (Baron et al.,
J. Synchrotron Rad. 13, 131 (2006)), so a healthy chain is never blind after 153 ns: the effect is off by default. A
baseline that has not recovered, as behind a slow amplifier, makes some pulses last longer.
"""

AFTERPULSE = 2e-4
"""Probability that a count is followed by another one in the gate of the next bunch (chosen: reflections in cables).

The response of a photodiode in linear mode falls to 1e-5 of its maximum within 1.4 ns (Kishimoto, J. Synchrotron Rad.
5, 275 (1998)), so its own afterpulses are fewer: this is an upper limit.
"""

ELEMENT_CROSSTALK = 1e-3
"""Probability that a count of one photodiode makes another one count (chosen: common electronics)."""

GATE_CROSSTALK = 1e-3
"""Part of the analog signal of a bunch that is left in the boxcar's next gate (chosen: tail of the shaped pulse)."""

MEMORY_PS = 200_000.0
"""Time for which a pulse can act on a later gate, ps: the next bunch of an equal fill, and not the one after it."""

MAINS_HZ = 60.0
MAINS_V = 1e-4
"""Frequency and amplitude of the mains on the analog signal, V (chosen: 2 % of the signal, as of a ground loop)."""


def previous_gates(scheme: PumpScheme, memory_ps: float = MEMORY_PS) -> tuple[int | None, ...]:
    """Return for each gate the one whose pulse comes last before its own, within `memory_ps`; None without any."""
    period = scheme.divider * scheme.unit_buckets
    found: list[int | None] = []
    for gate in scheme.gates:
        gaps = [(gate - other) % period or period for other in scheme.gates]
        nearest = int(np.argmin(gaps))
        found.append(nearest if gaps[nearest] * scheme.bucket_ps <= memory_ps else None)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class PulseMemory:
    """Effect of pulses on later gates and on other photodiodes; `previous` as of `previous_gates`."""

    previous: tuple[int | None, ...]

    def of_previous(self, values: FloatArray) -> FloatArray:
        """Return for each gate the value of its previous gate, 0 without any; shape (..., gates) as `values`."""
        taken = np.zeros_like(values)
        for gate, before in enumerate(self.previous):
            if before is not None:
                taken[..., gate] = values[..., before]
        return taken

    def seen(self, photons: FloatArray, sizes: EffectSizes) -> FloatArray:
        """Return the photons per pulse with which independent gates would count as these do.

        Their shape is (apd, probe, bunch). The correlation of the gates that the memory makes, below 1e-3, is left out.
        """
        if not (sizes.dead_time or sizes.afterpulses or sizes.crosstalk):
            return photons
        # To first order in each of the three: the probability of the earlier count is that without any memory, and the
        # mean over the bunches, because the charge of the bunch before differs by a few per cent only.
        fires = -np.expm1(-photons).mean(axis=-1)
        before = self.of_previous(fires)
        others = fires.sum(axis=0) - fires
        added = sizes.afterpulses * AFTERPULSE * before + sizes.crosstalk * ELEMENT_CROSSTALK * others
        ready = np.maximum(1 - sizes.dead_time * BLIND_SHARE * before, 0.0)
        counts = -np.expm1(-(photons + added[..., None])) * ready[..., None]
        return np.asarray(-np.log1p(-counts))

    def left_over(self, signal_v: FloatArray, sizes: EffectSizes) -> FloatArray:
        """Return analog signals, V, with the tails of the gates before; gates are the last axis."""
        if not sizes.crosstalk:
            return signal_v
        return np.asarray(signal_v + sizes.crosstalk * GATE_CROSSTALK * self.of_previous(signal_v))


def mains_ripple_v(blocks: int, duration_s: float, phase: float, size: float) -> FloatArray:
    """Return the mean ripple of the mains in each of equal `blocks` of `duration_s` seconds, V, (blocks,)."""
    # The mean of a sine over a block is the sine at its middle times sin(x) / x with half the phase of a block as x.
    middles_s = (np.arange(blocks) + 0.5) * duration_s / blocks
    half = math.pi * MAINS_HZ * duration_s / blocks
    return np.asarray(size * MAINS_V * np.sin(2 * math.pi * MAINS_HZ * middles_s + phase) * np.sinc(half / math.pi))


def course_of_jet(blocks: int, duration_s: float, sigma: float, tau_s: float, rng: np.random.Generator) -> FloatArray:
    """Return the jet in each of equal `blocks` of a dwell of `duration_s` seconds, relative to its mean, (blocks,).

    It is the course of an Ornstein-Uhlenbeck process of standard deviation `sigma` and correlation time `tau_s`, s,
    whose mean over the dwell is drawn elsewhere.
    """
    decay = math.exp(-duration_s / blocks / tau_s)
    steps = math.sqrt(1 - decay**2) * rng.standard_normal(blocks)
    steps[0] = rng.standard_normal()
    course = sigma * lfilter([1.0], [1.0, -decay], steps)
    return np.asarray(1 + course - course.mean())


@dataclass(kw_only=True)
class SharedPhotons:
    """Information from counting on the photons that the boxcar integrates as well, (probe,).

    `surplus`: photons beyond their mean, by the counts; `known`: the part of their variance that the counts explain.
    """

    surplus: FloatArray
    known: FloatArray

    @classmethod
    def none(cls, probes: int) -> SharedPhotons:
        """Return the knowledge before anything was counted: zeros of shape (probes,)."""
        return cls(surplus=np.zeros(probes), known=np.zeros(probes))

    def add(self, fired: IntArray, pulses: IntArray, photons: FloatArray) -> None:
        """Add counts `fired` of gates, shape (apd, probe, bunch), with `photons` per pulse.

        `pulses`, shape (probe, bunch), are the gates opened.
        """
        # A gate that fires has seen at least one photon, on average n / p of them, with p = 1 - exp(-n). So a count
        # more than expected means n / p photons more. The counts explain the variance (n / p)^2 x N p (1 - p).
        p = -np.expm1(-photons)
        per_count = np.divide(photons, p, out=np.ones_like(p), where=p > 0)
        self.surplus += ((fired - pulses * p) * per_count).sum(axis=(0, 2))
        self.known += (per_count**2 * pulses * p * (1 - p)).sum(axis=(0, 2))
