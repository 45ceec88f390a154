"""Delays of the channels, and which of them a fit uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from errors import ReductionError
from reduction.tplm.coates import blocked_pulses, open_pulses

if TYPE_CHECKING:
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.types import BoolArray, FloatArray, IntArray

FREE_UNTIL_NS = 3.0
"""Longest delay at which the excitons count as free, ns (main text of the paper)."""

TAIL_UNTIL_NS = 20.0
"""End of the power law's range, ns (Fig. 1d)."""

RISE_NS = 0.06
"""Time before time zero at which the fit begins, ns: inside the rise."""

BEFORE_NS = (20.0, 0.4)
"""Beginning and end of the range before the pulse, ns, that shows what earlier pulses left."""

BEFORE_SHARE = 0.1
"""Largest share of the period that this range takes."""

TAIL_EXPONENT = 1.6
"""Exponent by which the light of earlier pulses falls during a period: the middle of those measured (Fig. S6d)."""


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Channels of a run: delay of each after time zero, ns, in 0 to the period; and the period, ns."""

    delay_ns: FloatArray
    period_ns: float
    bin_ns: float

    @property
    def signed_ns(self) -> FloatArray:
        """Delays with those of the last quarter of the period as negative ones, ns."""
        return np.where(self.delay_ns > 0.75 * self.period_ns, self.delay_ns - self.period_ns, self.delay_ns)

    def between(self, low_ns: float, high_ns: float) -> IntArray:
        """Return the channels with delays in a range, ns, ascending; raises ReductionError if there are none."""
        signed = self.signed_ns
        order = np.argsort(signed, kind="stable")
        inside = (signed[order] >= low_ns) & (signed[order] <= high_ns)
        if not inside.any():
            raise ReductionError(
                f"No channel has a delay from {low_ns:g} to {high_ns:g} ns. Check time zero and the number of channels."
            )
        return np.asarray(order[inside])

    def before_pulse(self) -> BoolArray:
        """Return which channels lie just before the next pulse, (channels,)."""
        begin = min(BEFORE_NS[0], max(BEFORE_SHARE * self.period_ns, 2 * BEFORE_NS[1]))
        return np.asarray((self.delay_ns >= self.period_ns - begin) & (self.delay_ns <= self.period_ns - BEFORE_NS[1]))

    def left_by_earlier(self, delay_ns: FloatArray) -> FloatArray:
        """Return the light of earlier pulses at a delay after the pulse, ns, relative to that just before it.

        The result has the shape of `delay_ns`.
        """
        # All earlier pulses together: the sum over k of ((t + k T) / T)^-a, which is the Hurwitz zeta function.
        begin = np.asarray(delay_ns) / self.period_ns
        return np.asarray(
            scipy.special.zeta(TAIL_EXPONENT, 1 + np.maximum(begin, -0.5)) / scipy.special.zeta(TAIL_EXPONENT, 1.0)
        )


def channels_of(metadata: MapMetadata, rate_mhz: float) -> Channels:
    """Return the channels of a run measured at a repetition rate, MHz; raises ReductionError for a rate of 0."""
    if not rate_mhz > 0:
        raise ReductionError(f"The repetition rate is {rate_mhz:g} MHz. It must be above 0: check the laser's driver.")
    period_ns = 1e3 / rate_mhz
    middle_ps = (np.arange(metadata.kept_channels) + 0.5) * metadata.bin_ps - metadata.time_zero_ps
    delay_ns: FloatArray = np.asarray((middle_ps * 1e-3) % period_ns, dtype=float)
    return Channels(delay_ns=delay_ns, period_ns=period_ns, bin_ns=metadata.bin_ps * 1e-3)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Counts in groups of channels: `counts` and `open_pulses` (exposures, groups), and `delay_ns` (groups,).

    `open_pulses` are summed over the channels of a group, so that counts over them are photons per pulse and channel;
    `width_ns` (groups,) is that of a group.
    """

    counts: FloatArray
    open_pulses: FloatArray
    delay_ns: FloatArray
    width_ns: FloatArray

    def grouped(self, edges_ns: FloatArray) -> Block:
        """Return the block with its groups merged between edges, ns; empty groups are left out."""
        place = np.searchsorted(edges_ns, self.delay_ns, side="right") - 1
        inside = (place >= 0) & (place < len(edges_ns) - 1)
        starts = np.flatnonzero(np.diff(place[inside], prepend=-1))
        widths = np.diff(np.append(starts, inside.sum()))
        return Block(
            counts=np.add.reduceat(self.counts[:, inside], starts, axis=1),
            open_pulses=np.add.reduceat(self.open_pulses[:, inside], starts, axis=1),
            delay_ns=np.add.reduceat(self.delay_ns[inside], starts) / widths,
            width_ns=np.add.reduceat(self.width_ns[inside], starts),
        )


def block_of(seen: Exposures, metadata: MapMetadata, channels: Channels, chosen: IntArray) -> Block:
    """Return the counts of the chosen channels of all exposures; raises ReductionError for impossible counts."""
    blocked = blocked_pulses(metadata.dead_time_ns, channels.period_ns)
    # Pulses that are still open fall from channel to channel, so they are counted before any channel is left out.
    every = open_pulses(seen.counts, seen["sync_pulses"], blocked)
    counts = seen.counts[:, chosen].astype(float)
    return Block(
        counts=counts,
        # Photons of a channel also block each other: half of them, to first order, were open when it ended.
        open_pulses=every[:, chosen] - counts / 2,
        delay_ns=channels.signed_ns[chosen],
        width_ns=np.full(len(chosen), channels.bin_ns),
    )
