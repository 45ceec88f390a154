"""Counting: single-photon gates, the boxcar's analog averages, the ion chamber; exact in distribution.

The cost of a draw does not depend on the number of pulses: sums of independent gates are binomial, sums of
photons Poisson, and the sum of K gamma-distributed pulse heights is gamma-distributed with K times the shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.physics.random_counts import binomials, even_scatter
from sim.types import FloatArray, IntArray

BOXCAR_BLOCKS = 64
"""Sub-averages the boxcar takes of each dwell; their scatter gives the variance it reports (chosen)."""


@dataclass(frozen=True, kw_only=True)
class Boxcar:
    """Analog chain of the APDs: negative-going signal in volts.

    `height_variance` is the relative variance of the height of a one-photon pulse (chosen), `noise_photons` the
    electronic noise of one gate in photons. Noise adds to the absolute areas of transients: with this one, 9 and 11
    scans of 6 s per point have the areas of the paper at 100 ps and 10.1 ns (docs/decisions, 0023).
    `volts_per_photon` and `baseline_v` are the gain and the zero.
    """

    height_variance: float = 0.3
    noise_photons: float = 1.2
    volts_per_photon: float = -0.05
    baseline_v: float = -0.002


def fired_gates(photons: FloatArray, pulses: IntArray, noise: float, rng: np.random.Generator) -> IntArray:
    """Draw how many gates fire that fire at most once per pulse, shape (apd, probe, bunch).

    `photons` (apd, probe, bunch): mean detected photons per pulse; `pulses` (probe, bunch): gates opened. Binomial with
    p = 1 - exp(-photons); without `noise`, the means.
    """
    # A gate counts once per pulse, however many photons it sees (pile-up): it misses only the pulses without a photon,
    # which are exp(-n) of them for a Poisson mean n. Openings are independent, so the number that fire is binomial. The
    # bunches have different charges and so different means; the draw is made for each bunch, and the counts are added.
    return binomials(np.broadcast_to(pulses, photons.shape), -np.expm1(-photons), noise, rng)


@dataclass(frozen=True, kw_only=True)
class Dwell:
    """State of jet and photons during the boxcar's dwell; by default steady light.

    `course` (blocks,): the jet in each block relative to its mean, 1 for a steady one. `surplus` and `known` (probe,):
    what counting knows about the photons, as in `SharedPhotons`. Without `noise` the mean is exact, and blocks scatter
    about it as much as usual.
    """

    course: FloatArray | float = 1.0
    surplus: FloatArray | None = None
    known: FloatArray | float = 0.0
    noise: float = 1.0


def draw_boxcar(
    photons: FloatArray, pulses: IntArray, boxcar: Boxcar, rng: np.random.Generator, dwell: Dwell | None = None
) -> FloatArray:
    """Draw the sub-averages of the boxcar, volts per pulse; shape (block, probe).

    `photons` (probe, bunch), or (block, probe, bunch) if it changes during the dwell: mean photons per pulse, all APDs;
    `pulses` (probe, bunch). The dwell is divided into equal blocks that all see the same mix of bunches; without a
    pulse, the boxcar shows its baseline.
    """
    # The height of a one-photon pulse is gamma-distributed with mean 1 and relative variance v, so shape 1/v and scale
    # v. K photons add to a gamma variable of shape K/v; K itself is Poisson. Electronic noise is independent from gate
    # to gate, so its sum over a block grows with the square root of the number of pulses. Both are divided by that
    # number, as the boxcar shows an average per pulse.
    dwell = dwell or Dwell()
    per_block = pulses.sum(axis=-1) / BOXCAR_BLOCKS
    if not per_block.all():
        return np.full((BOXCAR_BLOCKS, len(per_block)), boxcar.baseline_v)
    mean = np.broadcast_to((photons * pulses).sum(axis=-1) / BOXCAR_BLOCKS, (BOXCAR_BLOCKS, len(per_block)))
    mean = mean * np.reshape(dwell.course, (-1, 1))
    if not dwell.noise:
        sigma = np.sqrt(mean * (1 + boxcar.height_variance) + boxcar.noise_photons**2 * per_block)
        charge = mean + sigma * even_scatter(BOXCAR_BLOCKS, mean.shape[1])
    else:
        detected = rng.poisson(mean) if dwell.surplus is None else _shared(mean, dwell.surplus, dwell.known, rng)
        shape = detected / boxcar.height_variance
        heights = boxcar.height_variance * rng.standard_gamma(shape)
        charge = heights + boxcar.noise_photons * np.sqrt(per_block) * rng.standard_normal(detected.shape)
    return np.asarray(boxcar.baseline_v + boxcar.volts_per_photon * charge / per_block)


def _shared(mean: FloatArray, surplus: FloatArray, known: FloatArray | float, rng: np.random.Generator) -> IntArray:
    """Draw photons of mean `mean`, (block, probe), whose sums over the blocks are partly known from the counts."""
    # Sums of Poisson numbers are Poisson: mean M and variance M. What the counts explain of it is given, the rest is
    # normal, as photons are many. Given their sum, Poisson numbers are multinomial.
    total = mean.sum(axis=0)
    rest = np.sqrt(np.maximum(total - known, 0.0)) * rng.standard_normal(total.shape)
    photons = np.maximum(np.rint(total + surplus + rest), 0.0).astype(np.int64)
    shares = np.divide(mean, total, out=np.full_like(mean, 1 / len(mean)), where=total > 0)
    return np.asarray(rng.multinomial(photons, shares.T).T)
