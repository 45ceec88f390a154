"""Exposures of a scan of any axes one by one: outliers between passes, the laser's power, and blind photodiodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.xas.exposure_pairs import SHUTTER_OPEN
from reduction.xas.laser_power import PowerUse

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray

NO_EXPOSURE = -1
"""Number of an exposure that has none."""

POINT = "point"
"""Name of the axis of a scan of several axes: its points are numbered from 1."""


@dataclass(frozen=True, kw_only=True)
class SingleExposure:
    """One good exposure: `place` is (laser shutter, point), and `visit` what it adds to the positions.

    `rows` by detector, (3, gates) each: photons, variances and pulses. `i0_per_s` in counts/s, `pulses` is the largest
    number of gates opened. `power`: that of the laser relative to the nominal one, None if it is not recorded.
    """

    place: tuple[int, int]
    scan: int
    exposure_id: int
    visit: FloatArray
    rows: Mapping[str, FloatArray]
    i0_per_s: float
    power: float | None

    @classmethod
    def of_event(
        cls, data: Document, start: Document, *, place: tuple[int, int], visit: Sequence[float], rows: Document
    ) -> SingleExposure:
        """Return the exposure of an event's data, in a run with this start document."""
        return cls(
            place=place,
            scan=int(data.get("scan_index", 0)),
            exposure_id=int(data.get("exposure_id", NO_EXPOSURE)),
            visit=np.asarray(visit),
            rows=rows,
            i0_per_s=float(data.get("i0", 0.0)) / max(float(data.get("exposure_s", 0.0)), 1e-12),
            power=_relative_power(data, start),
        )

    @property
    def pulses(self) -> float:
        """Number of gates opened by the first of its detectors, or the exposure time, s, of an analog one."""
        return float(next(iter(self.rows.values()))[2].max(initial=0.0)) if self.rows else 0.0


def _relative_power(data: Document, start: Document) -> float | None:
    """Return the laser's power relative to that of the fluence; None without reading, fluence or their ratio."""
    per_fluence = float(start.get("laser_power_w_per_mj_cm2", 0.0))
    nominal_w = per_fluence * float(data.get("fluence_mj_cm2", start.get("fluence_mj_cm2", 0.0)))
    reading_w = float(data.get("laser_power_w", 0.0))
    return reading_w / nominal_w if nominal_w > 0 and reading_w > 0 else None


def power_use_of(exposures: Sequence[SingleExposure], overlap: float) -> PowerUse | None:
    """Return the power of the exposures with the laser on; None if one has no reading. See `PowerUse` for `overlap`."""
    found = [one.power for one in exposures if one.place[0] == SHUTTER_OPEN]
    values = np.array([one for one in found if one is not None])
    if not found or values.size < len(found):
        return None
    return PowerUse.of(values, overlap)


def live_pulses(
    counts: FloatArray, pulses: FloatArray, share: float, previous: Sequence[int | None]
) -> FloatArray | None:
    """Return the gates for which each photodiode was not blind from the bunch before; None for all.

    Their shape is (elements, gates). `share`: part of the counts after which a photodiode is blind for the next bunch;
    `previous` (gates,): the gate one bunch before each, None where there is none.
    """
    if share == 0.0:
        return None
    fires = np.divide(counts, pulses, out=np.zeros_like(counts), where=pulses > 0)
    # A column of zeros stands for the gate before one that has none.
    columns = [len(previous) if one is None else one for one in previous]
    before = np.concatenate([fires, np.zeros_like(fires[..., :1])], axis=-1)[..., columns]
    return np.asarray(pulses * (1.0 - share * before))
