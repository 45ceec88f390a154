"""Outliers among the exposures of a scan of any axes, by comparison of its passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reduction.run_kind import Screened
from reduction.xas.gate_table import OWN
from reduction.xas.pass_outliers import LEAST_PASSES, LEAST_STEP, STATES, PassTable, ScreenedQuantity, outliers_of
from reduction.xas.robust import column_medians

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.dependence import DependenceSums
from reduction.xas.single_exposures import NO_EXPOSURE, POINT


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
