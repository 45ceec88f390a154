"""Frames: arrays in which a detector publishes one whole exposure, beginning with the exposure's number.

SPC: id, seconds, laser shutter, APDs, probes, gates opened (probe), counts (apd, probe).
Boxcar: id, seconds, laser shutter, mean (probe), variance of that mean (probe), volts per pulse. The covariances of the
means may follow: of gate 0 with 1, 2, ..., then of gate 1 with 2, ....
Laser shutter: 1 open, 0 closed, -1 moved during the exposure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from devices.types import FloatArray, IntArray
from errors import AcquisitionError


@dataclass(frozen=True, kw_only=True)
class SpcFrame:
    """One exposure of the counting gates: `counts` (apd, probe), `pulses` (probe,)."""

    exposure_id: int
    exposure_s: float
    laser_shutter: int
    counts: IntArray
    pulses: IntArray


@dataclass(frozen=True, kw_only=True)
class BoxcarFrame:
    """One exposure of the boxcar: `mean` (probe,) and `variance` of that mean (probe,), volts per pulse.

    `covariance` (pairs,), V2: of the means of two gates, in the order of `np.triu_indices`; all 0 for a boxcar that
    does not give it.
    """

    exposure_id: int
    exposure_s: float
    laser_shutter: int
    mean: FloatArray
    variance: FloatArray
    covariance: FloatArray = field(default_factory=lambda: np.zeros(0))


MOST_CORRELATED = 16
"""Gates up to which the covariances of the boxcar are recorded; their number grows with the square of the gates."""


def pairs_of(probes: int) -> int:
    """Return the number of pairs of gates whose covariance is recorded: 0 for more than `MOST_CORRELATED` gates."""
    return probes * (probes - 1) // 2 if probes <= MOST_CORRELATED else 0


def parse_spc_frame(raw: ArrayLike, apds: int, probes: int, pv: str) -> SpcFrame:
    """Return the SPC frame of `pv`, shape (apd, probe).

    Raises AcquisitionError for a wrong layout or impossible counts.
    """
    values = _finite(raw, 5 + probes + apds * probes, pv)
    if (int(values[3]), int(values[4])) != (apds, probes):
        raise AcquisitionError(
            f"{pv} has {int(values[3])} APDs x {int(values[4])} probes; the configuration has {apds} x {probes}. "
            "Correct [exposure] in the configuration file."
        )
    numbers = values[5:].astype(np.int64)
    # A frame is one waveform of doubles, so that a single Channel Access message carries the whole exposure. Doubles
    # hold counts exactly up to 2^53; a count that is not whole was damaged by a calculation in the database.
    if np.any(numbers != values[5:]) or np.any(numbers < 0):
        raise AcquisitionError(
            f"{pv} holds counts that are not whole numbers: {values[5:]}. Check the database of its IOC."
        )
    counts = numbers[probes:].reshape(apds, probes)
    return SpcFrame(
        exposure_id=int(values[0]),
        exposure_s=float(values[1]),
        laser_shutter=int(values[2]),
        counts=counts,
        pulses=numbers[:probes],
    )


def parse_boxcar_frame(raw: ArrayLike, polarity: int, probes: int, pv: str) -> BoxcarFrame:
    """Return the boxcar frame of `pv`, (probe,), V, made positive-going by `polarity`.

    Raises AcquisitionError for a wrong layout.
    """
    pairs = pairs_of(probes)
    with_covariance = np.size(raw) == 3 + 2 * probes + pairs
    values = _finite(raw, 3 + 2 * probes + pairs * with_covariance, pv)
    mean = polarity * values[3 : 3 + probes]
    variance = values[3 + probes : 3 + 2 * probes]
    covariance = values[3 + 2 * probes :] if with_covariance else np.zeros(pairs)
    return BoxcarFrame(
        exposure_id=int(values[0]),
        exposure_s=float(values[1]),
        laser_shutter=int(values[2]),
        mean=mean,
        variance=variance,
        covariance=covariance,
    )


def _finite(raw: ArrayLike, length: int, pv: str) -> FloatArray:
    values = np.atleast_1d(np.asarray(raw, dtype=float))
    if values.shape != (length,):
        raise AcquisitionError(f"{pv} has {values.size} elements, expected {length}. Check the database of its IOC.")
    if not np.all(np.isfinite(values)):
        raise AcquisitionError(f"{pv} holds NaN or infinite values: {values}. Restart the detector's IOC.")
    return values
