"""Response of detector and electronics: its shape per channel, and the folding over one period."""

from __future__ import annotations

import numpy as np
from scipy.special import erfc, erfcx

from sim.physics.tplm.image import FWHM
from sim.physics.tplm.sample import Timing
from sim.types import ComplexArray, FloatArray

REACH_PS = 6000.0
"""Longest delay at which the response is not neglected, ps: 24 lifetimes of its tail."""

LEAD_PS = 400.0
"""Time before its centre at which the response begins, ps: 12 standard deviations."""


def response_cdf(timing: Timing, time_ps: FloatArray) -> FloatArray:
    """Return the share of photons that are registered before `time_ps`, 0 to 1, in the shape of `time_ps`.

    A Gaussian, and a small share in an exponential tail behind it, which is folded with the same Gaussian.
    """
    sigma = timing.irf_fwhm_ps / FWHM
    gaussian = 0.5 * erfc(-time_ps / (np.sqrt(2) * sigma))
    # The exponentially modified Gaussian: Phi(t/s) - exp(s^2/2T^2 - t/T) Phi(t/s - s/T); with erfcx the second term
    # does not overflow at early times, where its exponential is huge and its Phi tiny.
    argument = (sigma / timing.irf_tail_ps - time_ps / sigma) / np.sqrt(2)
    early = np.exp(-((time_ps / sigma) ** 2) / 2) * erfcx(np.maximum(argument, 0.0)) / 2
    exponent = np.minimum((sigma / timing.irf_tail_ps) ** 2 / 2 - time_ps / timing.irf_tail_ps, 0.0)
    late = np.exp(exponent) * erfc(np.minimum(argument, 0.0)) / 2
    tail = gaussian - np.where(argument > 0, early, late)
    return np.asarray((1 - timing.irf_tail_share) * gaussian + timing.irf_tail_share * tail)


def response_per_channel(timing: Timing, channels: int, time_zero_ps: float) -> FloatArray:
    """Return the shares of the photons of a pulse at `time_zero_ps` that fall into each channel, (channels,)."""
    first = int(np.floor((time_zero_ps - LEAD_PS) / timing.bin_ps))
    count = int(np.ceil((LEAD_PS + REACH_PS) / timing.bin_ps))
    edges: FloatArray = np.asarray((first + np.arange(count + 1)) * timing.bin_ps - time_zero_ps, dtype=float)
    shares = np.diff(response_cdf(timing, edges))
    folded = np.bincount((first + np.arange(count)) % channels, weights=shares, minlength=channels)
    return np.asarray(folded / folded.sum())


def fold(light: FloatArray, response_spectrum: ComplexArray) -> FloatArray:
    """Return light per channel folded with a response over one period, whose end continues at its beginning.

    Light and result have the shape (channels,). `response_spectrum` is the real Fourier transform of the response per
    channel, which all places share.
    """
    return np.maximum(np.fft.irfft(np.fft.rfft(light) * response_spectrum, len(light)), 0.0)
