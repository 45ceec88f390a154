"""The rate of every gate at every delay: the input of kinetic fits."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.detector_view import with_default_detector
from reduction.pileup import true_counts, true_counts_variance
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN, zeros_of_run
from reduction.xas.gate_correlation import common_share
from reduction.xas.laser_power import mean_power, mean_power_error
from reduction.xas.run_clock import mean_elapsed_s
from reduction.xas.spc_time import before_pump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.gate_calibration import GateCalibration
    from reduction.types import BoolArray, FloatArray

MIN_PHOTONS = 100.0
"""Fewest photons n of a gate for which the logarithm is nearly normal: its bias, 1/(2n), is then 5 % of its error.

Of a weighted sum, and of a signal in V, the square of the value over its variance takes the place of n.
"""


@dataclass(frozen=True, kw_only=True)
class GateRates:
    """Photons of all gates of a delay scan, corrected for pile-up or dead time, one row per exposed point.

    `delay_ps` (points,): first delay. `photons`, `variance`, `pulses` (points, probes): corrected photons, their
    variance and the gates opened; for a detector that gives a signal, the signal and the seconds of its exposures.
    `pumped` (points,): whether the laser shutter was open. `elapsed_s` (points,): when the point was measured, on
    average, in seconds from the first exposure of its run; 0 where that does not matter. The gates of one row saw the
    same sample: the jet thickness is a factor common to the row. Raises ReductionError if a shape is wrong.
    """

    delay_ps: FloatArray
    photons: FloatArray
    variance: FloatArray
    pulses: FloatArray
    pumped: BoolArray
    elapsed_s: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays whose shapes do not match."""
        points = self.delay_ps.shape
        tables = {self.photons.shape, self.variance.shape, self.pulses.shape}
        rows = {self.pumped.shape, self.elapsed_s.shape}
        if len(points) != 1 or rows != {points} or len(tables) != 1 or self.photons.shape[:1] != points:
            raise ReductionError(
                f"Gate rates need {points} delays and three (points, probes) tables of one shape, not {sorted(tables)}."
            )

    @classmethod
    def joined(cls, parts: Sequence[GateRates]) -> GateRates:
        """Return the rows of several measurements of one sample at one energy, shape (points, probes) in total."""
        names = [one.name for one in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def log_rate(self) -> tuple[FloatArray, FloatArray]:
        """Return the logarithm of photons per pulse and its variance, both of shape (points, probes).

        Raises ReductionError for a gate with fewer than `MIN_PHOTONS` photons.
        """
        if self.photons.size and self._fewest() < MIN_PHOTONS:
            raise ReductionError(
                f"A gate holds {self._fewest():.0f} photons; at least {MIN_PHOTONS:.0f} per gate and delay are "
                "needed. Add scans, or leave this delay out."
            )
        return np.log(self.photons / self.pulses), self.variance / self.photons**2

    def _fewest(self) -> float:
        """Return the smallest number of photons that has the relative error of a gate; 0 for a signal below 0."""
        # For plain counts this is their number, apart from what the correction of pile-up costs. Weights change a sum
        # without changing how well it is known, and a signal in V is not a number of photons at all.
        worth = np.where(self.photons > 0, self.photons**2 / np.maximum(self.variance, 1e-300), 0.0)
        return float(worth.min())


def gate_rates(accumulator: RunAccumulator) -> GateRates:
    """Return the photons of every gate, shape (points, probes), summed over scans.

    Shutter open and closed are in separate rows. The photons are those of the first detector that counts, or of the one
    through which the run is `seen_by`. Counts are corrected for pile-up before they are summed (SI 5), and for zeros,
    laser light and gains of the gates, whose errors are in the variance, where the run has a calibration of them.
    Points without exposures are left out, so a run may be unfinished. Raises ReductionError for a run that scanned
    something else, or without a counting or gated detector.
    """
    accumulator = with_default_detector(accumulator)
    run = accumulator.metadata
    if run.axis != "delay_ps" or run.trace_mode not in run.modes:
        raise ReductionError(
            f"Kinetics need a delay scan with SPC data; this run scanned {run.axis} in {run.modes}. Choose another "
            "run, or one of its gated detectors."
        )
    rows = _rows if run.trace_mode == "spc" else _signal_rows
    found = GateRates.joined([rows(accumulator, shutter) for shutter in (SHUTTER_OPEN, SHUTTER_CLOSED)])
    return _at_nominal(found, accumulator)


def _at_nominal(rates: GateRates, accumulator: RunAccumulator) -> GateRates:
    """Return the rates with the transient of the pumped gate as it would be at the nominal laser power."""
    timing = accumulator.metadata.timing
    early = rates.pumped & before_pump(rates.delay_ps + timing.gate_delays_ps[timing.pumped_probe], timing)
    if not early.any():
        return rates  # nothing shows the efficiency of the pumped gate, which is not part of the transient
    relative = mean_power(accumulator)
    measured = rates.delay_ps[rates.pumped]
    delays = accumulator.mean_readback("delay_ps", laser_shutter=SHUTTER_OPEN)
    order = np.argsort(delays, kind="stable")
    power = np.ones(rates.delay_ps.size)
    error = np.zeros(rates.delay_ps.size)
    place = order[np.searchsorted(delays[order], measured)]
    power[rates.pumped] = relative[place]
    error[rates.pumped] = mean_power_error(accumulator)[place]
    if (power == 1.0).all():
        return rates
    # The later gates see what is left of the transient, a tenth of it: with power off by 1 % that is 1e-3 of it.
    pumped, unpumped = timing.pumped_probe, list(timing.reference_probes)
    reference = rates.photons[:, unpumped].sum(axis=1) / rates.pulses[:, unpumped].sum(axis=1)
    ratio = rates.photons[:, pumped] / rates.pulses[:, pumped] / reference
    unchanged = float(ratio[early].mean()) * reference * rates.pulses[:, pumped]
    transient = (rates.photons[:, pumped] - unchanged) / power
    photons = rates.photons.copy()
    photons[:, pumped] = unchanged + transient
    variance = rates.variance.copy()
    # A wrong reading makes the whole transient of its point too large or too small.
    variance[:, pumped] += (transient * error) ** 2
    return replace(rates, photons=photons, variance=variance)


def _signal_rows(accumulator: RunAccumulator, shutter: int) -> GateRates:
    """Return the signals of an analog or drift detector: all gates of a row have the same time and flux."""
    signal = accumulator.boxcar_integral[:, :, shutter].sum(axis=0)
    variance = accumulator.boxcar_integral_variance[:, :, shutter].sum(axis=0)
    # What all gates have in common within an exposure is one factor of the row, which drops out of the fit.
    variance = variance * (1.0 - common_share(accumulator, shutter))
    seconds = accumulator.exposure_s[:, :, shutter].sum(axis=0)
    # The variance of a mean is known only up to a floor of 0: without a value there is no row.
    measured = (seconds > 0) & (variance > 0).all(axis=-1)
    return GateRates(
        delay_ps=accumulator.mean_readback("delay_ps", laser_shutter=shutter)[measured],
        photons=signal[measured],
        variance=variance[measured],
        pulses=np.repeat(seconds[:, None], signal.shape[-1], axis=1)[measured],
        pumped=np.full(int(measured.sum()), shutter == SHUTTER_OPEN),
        elapsed_s=mean_elapsed_s(accumulator, shutter)[measured],
    )


def _rows(accumulator: RunAccumulator, shutter: int) -> GateRates:
    counts = accumulator.counts[:, :, shutter]
    pulses = accumulator.pulses[:, :, shutter]
    # Pile-up is not linear in the counts, so every scan is corrected with its own counts and gates before the sum, APD
    # by APD. A row needs pulses in every gate, because the ratio of gates is what the kinetic fit uses.
    opened = accumulator.live_pulses()[:, :, shutter]
    weights = accumulator.element_weights
    if accumulator.metadata.dead_time_share:
        weights = weights * np.divide(pulses[..., None, :], opened, out=np.ones_like(opened), where=opened > 0)
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
        elapsed_s=mean_elapsed_s(accumulator, shutter)[measured],
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
