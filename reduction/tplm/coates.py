"""Pile-up of photon timing: how many pulses could still register a photon in a channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import FloatArray


def blocked_pulses(dead_time_ns: float, period_ns: float) -> int:
    """Return how many pulses after a registered photon come within the dead time, so that they register nothing.

    Both times are in ns. 0 for a dead time that is not longer than the period.
    """
    return max(math.ceil(dead_time_ns / period_ns) - 1, 0)


def open_pulses(counts: ArrayLike, sync_pulses: ArrayLike, blocked: int = 0) -> FloatArray:
    """Return the pulses that had registered no photon before each channel, (..., channels).

    The first photon after a pulse is the only one registered, so later channels see fewer pulses; `blocked` pulses
    after each photon see none at all (Coates 1968). `sync_pulses` has the shape of `counts` without its last axis.
    Raises ReductionError if more photons were counted than there were pulses.
    """
    photons = np.asarray(counts, dtype=float)
    # The correction is exact for a single channel of any width, so rebinning before it would bias the decay. It is
    # applied to the channels as they were registered, and only its results are merged.
    before = np.cumsum(photons, axis=-1) - photons
    live = np.asarray(sync_pulses, dtype=float) - blocked * photons.sum(axis=-1)
    left = live[..., np.newaxis] - before
    if np.any(left < photons) or np.any(left <= 0):
        raise ReductionError(
            "More photons were registered than there were laser pulses. Check that sync_pulses belong to the exposure, "
            "and attenuate the emission."
        )
    return np.asarray(left)


def photons_per_pulse(counts: ArrayLike, sync_pulses: ArrayLike, blocked: int = 0) -> FloatArray:
    """Return the mean photons per pulse in each channel, shape (..., channels): lambda = -ln(1 - n / open pulses).

    Raises the same errors as `open_pulses`.
    """
    return np.asarray(-np.log1p(-np.asarray(counts, dtype=float) / open_pulses(counts, sync_pulses, blocked)))
