"""Detectors that count all bunches, pumped or not: their signal, which is not part of a transient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.detectors import DetectorFacts
    from reduction.types import FloatArray


def ungated_fluorescence(run: RunAccumulator) -> tuple[DetectorFacts, ...]:
    """Return the detectors of the fluorescence that count all bunches, pumped or not."""
    return tuple(one for one in run.metadata.detectors if one.role == "fluorescence" and not one.gated)


@dataclass(frozen=True, kw_only=True)
class AllBunches:
    """Signal per flux of a detector that counts all bunches, against the scanned axis, (points,) each.

    `signal` is corrected for dead time and divided by the counts of I0; `sigma` is its counting error. The pump changes
    it less than a gated one, by an amount that is not known, so it is not part of a transient.
    """

    name: str
    axis: str
    position: FloatArray
    signal: FloatArray
    sigma: FloatArray


def all_bunches(run: RunAccumulator, name: str) -> AllBunches:
    """Return the signal of a detector that is not gated, over all scans and both states of the laser shutter.

    Raises ReductionError for any other detector, or before its first value.
    """
    if name not in {one.name for one in ungated_fluorescence(run)}:
        raise ReductionError(f"{name!r} is not a detector that counts all bunches. Choose one that is not gated.")
    signal, variance, flux = (
        run._field(f"{name}:{quantity}")[..., 0].sum(axis=(0, 2)) for quantity in ("signal", "variance", "i0")
    )
    measured = flux > 0
    if not measured.any():
        raise ReductionError(f"{name} has no value yet. Wait for the first good exposure.")
    position = run.mean_readback(run.metadata.axis)[measured]
    order = np.argsort(position, kind="stable")
    return AllBunches(
        name=name,
        axis=run.metadata.axis,
        position=position[order],
        signal=(signal[measured] / flux[measured])[order],
        sigma=(np.sqrt(variance[measured]) / flux[measured])[order],
    )
