"""The rate of every gate at every delay: what a kinetic fit starts from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.pileup import true_counts, true_counts_variance
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN, zeros_of_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.gate_calibration import GateCalibration
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

    Counts are corrected for pile-up before they are summed (SI 5), and for zeros, laser light and gains of the gates,
    whose errors are in the variance, where the run has a calibration of them. Points without exposures are left out, so
    a run may be unfinished. Raises ReductionError for a run that scanned something else or has no SPC data.
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
    photons = (weights * true_counts(counts, opened)).sum(axis=(0, 2))
    variance = (weights**2 * true_counts_variance(counts, opened)).sum(axis=(0, 2))
    calibration = accumulator.metadata.gates
    if calibration is not None and "spc" in calibration.chains:
        gain = calibration.chains["spc"].gain
        zeros = zeros_of_run(accumulator, calibration, "spc", shutter)
        photons = (photons - zeros * total) / gain
        variance = variance / gain**2 + (_light_error(accumulator, calibration, shutter) * total / gain) ** 2
    return GateRates(
        delay_ps=accumulator.mean_readback("delay_ps", laser_shutter=shutter)[measured],
        photons=photons[measured],
        variance=variance[measured],
        pulses=total[measured],
        pumped=np.full(int(measured.sum()), shutter == SHUTTER_OPEN),
    )


def _light_error(accumulator: RunAccumulator, calibration: GateCalibration, shutter: int) -> FloatArray:
    """Return the standard error of the zeros at each point, photons per pulse, (points, probes)."""
    # Gains and zeros that are the same at all delays drop out of the fit, in which the efficiency of each gate is free.
    # The light of the laser at a delay is of its own, so its error is one of the point.
    delay_ps = accumulator.mean_readback("delay_ps")
    zeros = zeros_of_run(accumulator, calibration, "spc", shutter)
    probes = tuple(range(zeros.shape[-1]))
    moved = (one.zeros("spc", delay_ps, accumulator.mean_readback("fluence_mj_cm2"), laser=shutter == SHUTTER_OPEN)
             for one in calibration.shifted("spc", probes, delay_ps))  # fmt: skip
    return np.asarray(np.sqrt(sum((one - zeros) ** 2 for one in moved)) + np.zeros_like(zeros))
