"""Counting from exposure to exposure: rates, pile-up, fullest channel, power, temperature."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.tplm.map_sums import MapSums
from reduction.types import FloatArray


@dataclass(frozen=True, kw_only=True)
class ExposureCounting:
    """Values per exposure, (exposures,): photons per second, share of pulses with a photon in %, fullest channel.

    `latest` are the settings of the last exposure, by event field; `full` is the count at which a channel is full.
    """

    number: FloatArray = field(repr=False)
    rate_hz: FloatArray = field(repr=False)
    pile_up_percent: FloatArray = field(repr=False)
    highest: FloatArray = field(repr=False)
    latest: dict[str, float]
    full: int


@dataclass(frozen=True, kw_only=True)
class CountingRequest(Request[ExposureCounting]):
    """Counting of the good exposures of the run."""

    def compute(self, run: RunState) -> ExposureCounting:
        """Return the values. Raises ReductionError for any other run, or before its first good exposure."""
        sums = run.sums_of(MapSums)
        seen = sums.exposures()
        photons = seen.counts.sum(axis=1).astype(float)
        pulses = seen["sync_pulses"]
        # Runs of earlier versions do not record the fullest channel; it then comes from the histogram.
        highest = np.where(np.isfinite(seen["highest_channel"]), seen["highest_channel"], seen.counts.max(axis=1))
        return ExposureCounting(
            number=np.arange(1.0, len(seen) + 1),
            rate_hz=photons / (pulses / (1e6 * seen["repetition_rate_mhz"])),
            pile_up_percent=100 * photons / pulses,
            highest=highest,
            latest={name: float(column[-1]) for name, column in seen.columns.items()},
            full=sums.metadata.channel_limit,
        )
