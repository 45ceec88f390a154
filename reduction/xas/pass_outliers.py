"""Single exposures that differ from those of the other passes at the same point: found by median and MAD."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.run_kind import Cut
from reduction.types import MODES
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN, Gate, gate_signal, reference_gate
from reduction.xas.robust import TO_SIGMA, column_medians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray, IntArray, Mode
    from reduction.xas.exposure_pairs import Signal

FALSE_CUTS = 1e-3
"""Largest share of undisturbed runs in which a good exposure is cut (chosen; in drawn runs it is a twentieth)."""

LEAST_PASSES = 3
"""Passes over a point from which a majority can show that one of them is wrong."""

LARGEST_SHARE = 0.1
"""Share of the points of a pass beyond which it is the pass that differs, or the sample: no point is cut then."""

NEIGHBOURS = 3
"""Neighbouring points of a pass that differ together, which is not a single outlier: none of them is cut."""

TOGETHER = 2**18
"""Values up to which all quantities of a run are compared at once; the memory is 20 MB."""

LEAST_STEP = 0.03
"""Relative change of the unpumped signal below which it hardly moves a result, and is not cut (chosen)."""

STATES = {SHUTTER_OPEN: "laser on", SHUTTER_CLOSED: "laser blocked"}


class Outliers(NamedTuple):
    """Cells (scans, points, shutter) to leave out, the cuts one by one, and remarks on what was left in."""

    cells: BoolArray
    cuts: tuple[Cut, ...]
    remarks: tuple[str, ...]


class PassTable(NamedTuple):
    """Exposures of a run that are compared between passes, by their numbers, (scans, points, shutter) each.

    `axis` and `points` (points,) name the places for people: an event field with its values, or the number of a point.
    `scans_per_row`: scans of the run that a row of the table holds.
    """

    exposures: FloatArray
    exposure_ids: IntArray
    axis: str
    points: FloatArray
    scans_per_row: int = 1

    def passes(self, row: int) -> str:
        """Return the name of the passes of a row, counted from 1."""
        first = row * self.scans_per_row + 1
        return f"pass {first}" if self.scans_per_row == 1 else f"passes {first} to {first + self.scans_per_row - 1}"


class ScreenedQuantity(NamedTuple):
    """A quantity of every exposure in one state of the laser, in % of the unpumped signal; (scans, points) each."""

    name: str
    shutter: int
    values: FloatArray
    sigma: FloatArray
    measured: BoolArray
    least: float = 0.0


def pass_outliers(run: RunAccumulator) -> Outliers:
    """Return the exposures that differ from the other passes at their point, in any gate or detection mode.

    Compared are the ratio of each gate to the unpumped ones, in which the jet cancels, and the unpumped signal per I0.
    A value is cut if it is further from the median of its point than noise is in one of a thousand whole runs, with
    three passes at least. Noise is the largest of its counting error, of that times the scatter of the whole run, and
    of the MAD of the point: a signal that changes from pass to pass has a large MAD, and is not cut. Neither are
    passes of which a tenth, or three neighbouring points, would be cut; they are named in a remark.
    """
    table = PassTable(
        run.exposures, run.exposure_ids, run.metadata.axis, np.asarray(run.metadata.points), run.scans_per_row
    )
    modes = [mode for mode in MODES if mode in run.metadata.modes] if run.scans >= LEAST_PASSES else []
    return outliers_of(table, [one for mode in modes for one in _known_quantities(run, mode)])


def outliers_of(table: PassTable, quantities: list[ScreenedQuantity]) -> Outliers:
    """Return the exposures of a table of passes at which one of the quantities differs; see `pass_outliers`.

    None without quantities.
    """
    cells = np.zeros(table.exposures.shape, dtype=bool)
    if not quantities:
        return Outliers(cells, (), ())
    # All quantities in one array: this runs for every frame of a window, and each call of numpy costs microseconds. Of
    # long runs one by one, as the arrays in between take ten times the memory of a quantity.
    together = quantities[0].values.size * len(quantities) <= TOGETHER
    tested = int(sum(one.measured.sum() for one in quantities))
    found: dict[tuple[int, int, int], Cut] = {}
    for group in [quantities] if together else [[one] for one in quantities]:
        for scan, place, point, median in _beyond(group, tested):
            cell = scan, point, group[place].shutter
            found.setdefault(cell, _cut(table, group[place], cell, median))
            cells[cell] = True
    remarks = _leave_passes(table, cells)
    return Outliers(cells, tuple(cut for cell, cut in sorted(found.items()) if cells[cell]), tuple(remarks))


def _beyond(group: list[ScreenedQuantity], tested: int) -> Iterator[tuple[int, int, int, float]]:
    """Yield scan, number in the group, and point of each value beyond its limit, with the median of the point in %."""
    values, sigma, measured = (np.stack(part, axis=1) for part in list(zip(*group, strict=True))[2:5])
    deviation, median = deviations(values, sigma, measured)
    beyond = np.abs(deviation) > limits(measured.sum(axis=0), tested)
    beyond &= np.abs(values - median) > np.array([one.least for one in group])[:, None]
    for scan, place, point in np.argwhere(beyond).tolist():
        yield scan, place, point, float(median[place, point])


def deviations(values: FloatArray, sigma: FloatArray, measured: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the distances from the median of each point, in robust standard deviations, and the medians.

    All arguments have the shape (scans, quantities, points), the medians (quantities, points). Distances are 0 where
    fewer than `LEAST_PASSES` passes measured the point.
    """
    enough = measured.sum(axis=0) >= LEAST_PASSES
    known = measured & enough
    median = _over_passes(np.where(known, values, np.nan))
    distance = np.where(known, values - median, np.nan)
    # A pass may differ as a whole, by the thickness of the jet or by a damaged sample: that is not an outlier of a
    # point.
    distance -= _over_points(distance)[..., None]
    # The larger of a pass's own error and the usual one of its point: the error of few counts goes with their noise.
    usual = _over_passes(np.where(known, sigma, np.nan))
    noise = _noise(np.where(known, np.fmax(sigma, usual), np.nan), distance)
    scale = np.fmax(noise, TO_SIGMA * _over_passes(np.abs(distance)))
    safe = np.isfinite(distance) & (np.nan_to_num(scale) > 0)
    return np.divide(distance, scale, out=np.zeros_like(values), where=safe), np.nan_to_num(median)


def _over_passes(table: FloatArray) -> FloatArray:
    """Return the medians over the passes, (quantities, points), of (scans, quantities, points)."""
    return column_medians(table.reshape(len(table), -1)).reshape(table.shape[1:])


def _over_points(table: FloatArray) -> FloatArray:
    """Return the medians over the points, (scans, quantities), of (scans, quantities, points)."""
    return column_medians(table.reshape(-1, table.shape[2]).T).reshape(table.shape[:2])


def _noise(sigma: FloatArray, distance: FloatArray) -> FloatArray:
    """Return the noise of every exposure, at least its counting error `sigma`, in the unit and shape of that."""
    # Differences of two passes that follow each other: normal with the sum of both variances whatever the number of
    # passes, unlike distances from a median, of which one is 0 by construction. What they show beyond counting is
    # either a factor on its errors or, like the thickness of the jet, the same everywhere: the larger one is taken.
    quantities = sigma.shape[1]
    steps = np.abs(np.diff(distance, axis=0)).transpose(0, 2, 1).reshape(-1, quantities)
    expected = np.hypot(sigma[1:], sigma[:-1]).transpose(0, 2, 1).reshape(-1, quantities)
    pulls = np.divide(steps, expected, out=np.full_like(steps, np.nan), where=expected > 0)
    factor = np.fmax(TO_SIGMA * column_medians(pulls), 1.0)[:, None]
    usual = column_medians(np.where(np.isfinite(steps), expected, np.nan))
    common = ((TO_SIGMA * column_medians(steps)) ** 2 - usual**2)[:, None] / 2
    return np.maximum(factor * sigma, np.sqrt(sigma**2 + np.fmax(common, 0.0)))


def limits(passes: IntArray, tested: int) -> FloatArray:
    """Return the distances from the median, in standard deviations, beyond which a value of each point is cut.

    `passes` (...): passes over the point; `tested`: values of the run that are compared. One of them exceeds its
    limit by chance in `FALSE_CUTS` of the runs.
    """
    # The value is far from the median if it is high, or if it is high and the k lowest others are low, of which the
    # median is made: least unlikely is x = t k / (k + 1) and the others at -t / (k + 1), whose sum of squares is
    # t^2 k / (k + 1). So the tail is that of a normal number with the variance (k + 1) / k, 1.5 for three passes.
    number = np.arange(int(np.max(passes)) + 1)
    others = number // 2 + 1
    # Of the passes that are lower, any k can be; the factor covers the choice in the bound.
    rate = FALSE_CUTS / (2 * max(tested, 1) * np.maximum(number, 1))
    return np.asarray((-scipy.special.ndtri(rate) * np.sqrt((others + 1) / others))[passes])


def _known_quantities(run: RunAccumulator, mode: Mode) -> list[ScreenedQuantity]:
    """Return the quantities of a mode; none if its counts cannot be corrected, which the reduction reports."""
    try:
        return list(_quantities(run, mode))
    except ReductionError:
        return []


def _quantities(run: RunAccumulator, mode: Mode) -> Iterator[ScreenedQuantity]:
    timing = run.metadata.timing
    probes = [probe for probe in range(timing.probes_per_pump) if probe not in timing.reference_probes]
    for shutter, state in STATES.items():
        if not run.exposures[:, :, shutter].any():
            continue
        reference = gate_signal(run, mode, reference_gate(timing)._replace(laser_shutter=shutter))
        if not (reference.flux > 0).any():
            continue
        for probe in probes:
            gate = gate_signal(run, mode, Gate(shutter, probe))
            name = f"gate {probe} over unpumped, {mode}, {state}"
            yield ScreenedQuantity(name, shutter, *_ratio(gate, reference))
        yield ScreenedQuantity(f"unpumped signal, {mode}, {state}", shutter, *_level(reference), 100 * LEAST_STEP)


def _ratio(gate: Signal, reference: Signal) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return 100 ln(gate / reference) of every exposure, its error, and whether both have a signal."""
    measured = (gate.signal > 0) & (reference.signal > 0) & (gate.flux > 0) & (reference.flux > 0)
    first, second = (np.where(measured, one.signal, 1.0) for one in (gate, reference))
    fluxes = np.where(measured, gate.flux, 1.0), np.where(measured, reference.flux, 1.0)
    ratio = np.log(first / fluxes[0]) - np.log(second / fluxes[1])
    sigma = np.sqrt(np.where(measured, gate.variance / first**2 + reference.variance / second**2, 0.0))
    return 100 * ratio, 100 * sigma, measured


def _level(reference: Signal) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the unpumped signal per flux in % of the median of its point, its error, and whether it was measured."""
    measured = (reference.flux > 0) & (reference.signal > 0)
    value = np.divide(reference.signal, reference.flux, out=np.full(measured.shape, np.nan), where=measured)
    points = measured.any(axis=0)
    usual = np.ones(measured.shape[1])
    usual[points] = column_medians(value[:, points])
    sigma = np.sqrt(np.where(measured, reference.variance, 0.0)) / np.where(measured, reference.signal, 1.0)
    level = np.where(measured, value, usual) / usual
    return 100 * level, 100 * sigma * level, measured


def _cut(table: PassTable, one: ScreenedQuantity, cell: tuple[int, int, int], median: float) -> Cut:
    scan, point, shutter = cell
    return Cut(
        exposure_ids=(int(table.exposure_ids[cell]),) if table.exposure_ids[cell] >= 0 else (),
        place=f"{table.passes(scan)}, {table.axis} = {table.points[point]:.10g}, {STATES[shutter]}",
        quantity=one.name.removesuffix(f", {STATES[shutter]}"),
        value=float(one.values[scan, point]),
        unit="%",
        reason=f"the median of the passes is {median:.4g} %",
    )


def _leave_passes(table: PassTable, cells: BoolArray) -> list[str]:
    """Remove from `cells` the passes that differ at many points or at neighbours; return a remark for each."""
    remarks = []
    for scan, shutter in np.argwhere(cells.any(axis=1)):
        found = np.flatnonzero(cells[scan, :, shutter])
        measured = int((table.exposures[scan, :, shutter] > 0).sum())
        apart = np.flatnonzero(np.diff(found) > 1) + 1
        longest = max(len(group) for group in np.split(found, apart))
        if found.size <= max(LARGEST_SHARE * measured, 1) and longest < NEIGHBOURS:
            continue
        cells[scan, :, shutter] = False
        first, last = table.points[found[[0, -1]]]
        differs, its = ("differs", "its") if table.scans_per_row == 1 else ("differ", "their")
        remarks.append(
            f"{table.passes(int(scan)).capitalize()} {differs} from the others at {found.size} of {its} {measured} "
            f"points, {first:.10g} to {last:.10g} on {table.axis} ({STATES[int(shutter)]}). This is not a single "
            "outlier, so none of it is left out. Find out what changed, or combine the other passes only."
        )
    return remarks
