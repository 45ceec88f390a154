"""Exposures of a scan of any axes one by one: outliers between passes, the laser's power, and blind photodiodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.run_kind import Screened
from reduction.xas.exposure_pairs import SHUTTER_OPEN
from reduction.xas.gate_table import OWN
from reduction.xas.laser_power import PowerUse
from reduction.xas.pass_outliers import LEAST_PASSES, LEAST_STEP, STATES, PassTable, ScreenedQuantity, outliers_of
from reduction.xas.robust import column_medians

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray
    from reduction.xas.dependence import DependenceSums

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


def screened_dependence(run: DependenceSums) -> Screened:
    """Return a scan of any axes without the exposures that differ from the other passes at their point.

    As in every other scan: the ratio of pumped to unpumped photons, and the unpumped signal per I0, by median and MAD;
    with three passes at least. Runs without outliers come back as they are, the same object.
    """
    passes = max((one.scan for one in run.exposures), default=-1) + 1
    if passes < LEAST_PASSES:
        return Screened(sums=run)
    points = len(run.start["grid"]["points"])
    numbers = np.full((passes, points, 2), NO_EXPOSURE)
    for number, one in enumerate(run.exposures):
        numbers[one.scan, one.place[1], one.place[0]] = number
    ids = np.array([one.exposure_id for one in run.exposures])
    known = numbers >= 0
    exposure_ids = np.where(known, ids[np.maximum(numbers, 0)], NO_EXPOSURE)
    table = PassTable(known.astype(float), exposure_ids, POINT, np.arange(1.0, points + 1))
    found = outliers_of(table, [one for shutter in STATES for one in _quantities(run, numbers, shutter)])
    cells = found.cells & known
    sums = run.without(set(numbers[cells].tolist())) if cells.any() else run
    return Screened(sums=sums, cuts=found.cuts, remarks=found.remarks)


def _quantities(run: DependenceSums, numbers: FloatArray, shutter: int) -> list[ScreenedQuantity]:
    """Return both quantities of one state of the laser, (scans, points) each; none without counted photons."""
    pumped, references = int(run.start["pumped_probe"]), run.references()
    shape = numbers.shape[:2]
    values = np.zeros((5, *shape))
    measured = np.zeros(shape, dtype=bool)
    for place in np.argwhere(numbers[:, :, shutter] >= 0):
        one = run.exposures[int(numbers[(*place, shutter)])]
        row = one.rows.get(run.detector or OWN)
        if row is None:
            continue
        cell = tuple(place)
        on, off = row[:, pumped], row[:, references].sum(axis=1)
        measured[cell] = min(on[0], off[0], on[2], off[2]) > 0
        if measured[cell]:
            ratio = 100 * np.log(on[0] / on[2] * off[2] / off[0])
            sigma = 100 * np.sqrt(on[1] / on[0] ** 2 + off[1] / off[0] ** 2)
            rate = off[0] / off[2] / one.i0_per_s if one.i0_per_s > 0 else np.nan
            values[(slice(None), *cell)] = ratio, sigma, rate, np.sqrt(off[1]) / off[0], one.i0_per_s
    if not measured.any():
        return []
    state = STATES[shutter]
    quantities = [ScreenedQuantity(f"pumped over unpumped, {state}", shutter, values[0], values[1], measured)]
    with_i0 = measured & (values[4] > 0)
    if with_i0.any():
        level, sigma = _levels(values[2], values[3], with_i0)
        quantities.append(
            ScreenedQuantity(f"unpumped signal, {state}", shutter, level, sigma, with_i0, 100 * LEAST_STEP)
        )
    return quantities


def _levels(rate: FloatArray, relative: FloatArray, measured: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rates in % of the median of their point, and their errors, (scans, points) each."""
    usual = np.ones(rate.shape[1])
    points = measured.any(axis=0)
    usual[points] = column_medians(np.where(measured, rate, np.nan)[:, points])
    level = 100 * np.where(measured, rate, usual) / usual
    return level, np.where(measured, relative, 0.0) * level
