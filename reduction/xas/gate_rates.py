"""The rate of every gate at every delay: what a kinetic fit starts from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.pileup import true_counts, true_counts_variance
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray

MIN_PHOTONS = 100.0
"""Fewest photons n of a gate for which the logarithm is nearly normal: its bias, 1/(2n), is then 5 % of its error."""


@dataclass(frozen=True, kw_only=True)
class GateRates:
    """Pile-up corrected photons of all gates of a delay scan, one row per exposed point.

    `delay_ps` (points,): first delay. `photons`, `variance`, `pulses` (points, probes): corrected photons, their
    variance and the gates opened. `pumped` (points,): whether the laser shutter was open. The gates of one row saw
    the same sample: the jet thickness is a factor common to the row. Raises ReductionError if a shape is wrong.
    """

    delay_ps: FloatArray
    photons: FloatArray
    variance: FloatArray
    pulses: FloatArray
    pumped: BoolArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        points = self.delay_ps.shape
        tables = {self.photons.shape, self.variance.shape, self.pulses.shape}
        if len(points) != 1 or self.pumped.shape != points or len(tables) != 1 or self.photons.shape[:1] != points:
            raise ReductionError(
                f"Gate rates need {points} delays and three (points, probes) tables of one shape, not {sorted(tables)}."
            )

    @classmethod
    def joined(cls, parts: Sequence[GateRates]) -> GateRates:
        """Return the rows of several measurements of one sample at one energy, (points, probes) in total."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def log_rate(self) -> tuple[FloatArray, FloatArray]:
        """Return the logarithm of photons per pulse and its variance, both (points, probes).

        Raises ReductionError for a gate with fewer than `MIN_PHOTONS` photons.
        """
        if self.photons.size and self.photons.min() < MIN_PHOTONS:
            raise ReductionError(
                f"A gate holds {self.photons.min():.0f} photons; at least {MIN_PHOTONS:.0f} per gate and delay are "
                "needed. Add scans, or leave this delay out."
            )
        return np.log(self.photons / self.pulses), self.variance / self.photons**2


def gate_rates(accumulator: RunAccumulator) -> GateRates:
    """Return the photons of every gate, (points, probes), summed over scans; shutter open and closed in separate rows.

    Counts are corrected for pile-up before they are summed (SI 5). Points without exposures are left out, so a run may
    be unfinished. Raises ReductionError for a run that scanned something else or has no SPC data.
    """
    run = accumulator.metadata
    if run.axis != "delay_ps" or "spc" not in run.modes:
        raise ReductionError(
            f"Kinetics need a delay scan with SPC data; this run scanned {run.axis} in {run.modes}. Choose another."
        )
    return GateRates.joined([_rows(accumulator, shutter) for shutter in (SHUTTER_OPEN, SHUTTER_CLOSED)])


def _rows(accumulator: RunAccumulator, shutter: int) -> GateRates:
    counts = accumulator.counts[:, :, shutter]
    pulses = accumulator.pulses[:, :, shutter]
    # Pile-up is not linear in the counts, so every scan is corrected with its own counts and gates before the sum, APD
    # by APD. A row needs pulses in every gate, because the ratio of gates is what the kinetic fit uses.
    opened = pulses[..., None, :]
    weights = accumulator.element_weights
    total = pulses.sum(axis=0)
    measured = (total > 0).all(axis=-1)
    return GateRates(
        delay_ps=accumulator.mean_readback("delay_ps", laser_shutter=shutter)[measured],
        photons=(weights * true_counts(counts, opened)).sum(axis=(0, 2))[measured],
        variance=(weights**2 * true_counts_variance(counts, opened)).sum(axis=(0, 2))[measured],
        pulses=total[measured],
        pumped=np.full(int(measured.sum()), shutter == SHUTTER_OPEN),
    )
