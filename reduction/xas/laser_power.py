"""The measured power of the laser: transients as they would be at the nominal fluence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.xas.exposure_pairs import SHUTTER_OPEN, Intensity

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray

LARGEST_SPREAD = 0.05
"""Standard deviation of the power between exposures, relative, above which a straight line through 0 is doubtful."""

BELIEVED = (0.5, 1.5)
"""Limits of the power relative to nominal within which a reading is accepted; beyond, the meter is wrong."""


@dataclass(frozen=True, kw_only=True)
class PowerUse:
    """Power of the laser relative to that of the nominal fluence: `mean` and `spread` between exposures.

    `corrected`: whether transients are divided by it; False where a reading cannot be right. `overlap`: mean fluence at
    the X-rays relative to that at the centre of the laser spot, by which transients are divided as well.
    """

    mean: float
    spread: float
    corrected: bool
    overlap: float = 1.0

    @classmethod
    def of(cls, values: FloatArray, overlap: float) -> PowerUse:
        """Return what is done with the power of the exposures, (exposures,), relative to nominal."""
        inside = bool(np.all((values > BELIEVED[0]) & (values < BELIEVED[1])))
        return cls(mean=float(values.mean()), spread=float(values.std()), corrected=inside, overlap=overlap)

    @property
    def line(self) -> str:
        """Power in % of the nominal one, its spread, and what is done with it, as one line."""
        missed = "" if self.overlap == 1.0 else f", and for {100 * (1 - self.overlap):.2g} % lost by its pointing"
        use = f"transients are corrected to 100 %{missed}" if self.corrected else "not used"
        return f"{'laser power':<22} {100 * self.mean:.2f} % of nominal, spread {100 * self.spread:.2g} %; {use}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on a power that cannot be right, or that varies too much for a linear correction."""
        if not self.corrected:
            return (
                f"The power meter reads {100 * self.mean:.3g} % of what corresponds to the fluence, or has no value at "
                "some exposures: transients are not corrected by it. Check the meter, or calibrate the attenuator.",
            )
        if self.spread > LARGEST_SPREAD:
            return (
                f"The laser power varies by {100 * self.spread:.2g} % between exposures. Transients are corrected in "
                "proportion, which holds in the linear regime only: compare with a fluence scan, or steady the laser.",
            )
        return ()


def power_use(run: RunAccumulator) -> PowerUse | None:
    """Return the power of the run's exposures with the laser on; None if the run does not record it."""
    relative = _relative(run)
    if relative is None:
        return None
    measured = run.exposures[:, :, SHUTTER_OPEN] > 0
    values = relative[measured]
    return PowerUse.of(values, run.metadata.laser_overlap)


def power_at(run: RunAccumulator, axis: FloatArray) -> FloatArray:
    """Return the power at points (points,) of the run's axis, relative to the nominal; 1 if it cannot be corrected.

    It is the power that reaches the X-rays: what the meter has read, times the mean overlap. At each point it is the
    mean over the exposures with the laser on, by their flux: by that they contribute to a sum.
    """
    mean = mean_power(run)
    if (mean == 1.0).all():
        return np.ones(axis.size)
    everywhere = run.mean_readback(run.metadata.axis)
    order = np.argsort(everywhere, kind="stable")
    return np.asarray(mean[order][np.searchsorted(everywhere[order], axis)])


def mean_power(run: RunAccumulator) -> FloatArray:
    """Return the power of every point of the grid, relative to the nominal, (points,); see `power_at`."""
    use = power_use(run)
    relative = _relative(run)
    flux = run.i0[:, :, SHUTTER_OPEN]
    total = flux.sum(axis=0)
    if use is None or relative is None or not use.corrected:
        return np.ones(total.size)
    summed = use.overlap * (relative * flux).sum(axis=0)
    return np.asarray(np.divide(summed, total, out=np.ones_like(total), where=total > 0))


def mean_power_error(run: RunAccumulator) -> FloatArray:
    """Return the relative error of the power of every point of the grid by the readings of the meter, (points,)."""
    readings = np.maximum(run.exposures[:, :, SHUTTER_OPEN].sum(axis=0), 1)
    return np.asarray(run.metadata.laser_power_error / np.sqrt(readings))


def at_nominal(on: Intensity, off: Intensity, power: FloatArray) -> Intensity:
    """Return the pumped signal as it would be at the nominal power, in proportion, from its relative `power` (points,).

    Where the power is nominal, this is exactly the signal.
    """
    value = np.where(power == 1.0, on.value, off.value + (on.value - off.value) / power)
    return Intensity(value, on.sigma / power)


def _relative(run: RunAccumulator) -> FloatArray | None:
    """Return the power of the exposures with the laser on, relative to nominal, (scans, points); None if unknown."""
    per_fluence = run.metadata.laser_power_w_per_mj_cm2
    exposures = run.exposures[:, :, SHUTTER_OPEN]
    power_w = run.laser_power_w[:, :, SHUTTER_OPEN]
    # A run without any reading, as of a beamline without a meter, has sums of 0.
    if per_fluence <= 0 or not power_w.any():
        return None
    number = np.maximum(exposures, 1)
    nominal_w = per_fluence * run.fluences_mj_cm2[:, :, SHUTTER_OPEN] / number
    return np.divide(power_w / number, nominal_w, out=np.ones_like(nominal_w), where=nominal_w > 0)
