"""Frames of SPC and boxcar: all counts of one exposure in one array, behind a head with the exposure's number."""

from __future__ import annotations

import numpy as np

from sim.physics.detectors import BOXCAR_BLOCKS
from sim.physics.experiment import ExposureCounts
from sim.physics.pump_scheme import PumpScheme

MOST_CORRELATED = 16
"""Gates up to which the boxcar publishes their covariances."""


class DetectorFrames:
    """Frames of `exposure`, whose head comes last: number of the exposure, seconds, shutter.

    `averages` of the boxcar, V: of the last gate before the pump and of the pumped one in the first half of the dwell,
    then of both in the whole dwell.
    """

    def __init__(self, exposure: ExposureCounts, scheme: PumpScheme) -> None:
        half = exposure.boxcar[: BOXCAR_BLOCKS // 2].mean(axis=0)
        whole = exposure.boxcar.mean(axis=0)
        self.averages = tuple(
            float(means[gate]) for means in (half, whole) for gate in (scheme.unpumped, scheme.pumped)
        )
        self._spc = _spc_numbers(exposure)
        self._boxcar = _boxcar_numbers(exposure)

    def spc(self, head: list[float]) -> list[float]:
        """Return the SPC frame: `head`, APDs, probes, gates opened (probe), counts (apd, probe)."""
        return [*head, *self._spc]

    def boxcar(self, head: list[float]) -> list[float]:
        """Return the boxcar frame: `head`, mean and variance of the mean, each (probe,), in volts.

        With up to 16 gates the covariances of these means follow, V2: of gate 0 with 1, 2, ..., then of gate 1 with
        2, ...
        """
        return [*head, *self._boxcar]


def boxcar_length(probes: int) -> int:
    """Return the number of values in the frame of a boxcar with `probes` gates."""
    covariances = probes * (probes - 1) // 2 if probes <= MOST_CORRELATED else 0
    return 3 + 2 * probes + covariances


def _spc_numbers(exposure: ExposureCounts) -> list[float]:
    photodiodes, probes = exposure.counts.shape
    return [float(photodiodes), float(probes), *exposure.pulses.tolist(), *exposure.counts.ravel().tolist()]


def _boxcar_numbers(exposure: ExposureCounts) -> list[float]:
    # The boxcar averages within each block; the scatter of the blocks gives the variance of one of them, and divided by
    # their number that of the mean. It thus contains photon statistics, electronic noise and unsteady light alike.
    blocks = exposure.boxcar
    variance = blocks.var(axis=0, ddof=1) / len(blocks)
    numbers: list[float] = [*np.mean(blocks, axis=0).tolist(), *variance.tolist()]
    probes = blocks.shape[1]
    if probes > MOST_CORRELATED:
        return numbers
    # The jet changes all gates of a block alike: what their blocks have in common is not an error of a difference.
    covariance = np.cov(blocks, rowvar=False) / len(blocks)
    return [*numbers, *covariance[np.triu_indices(probes, 1)].tolist()]
