"""A requested scan, checked as a whole before anything moves."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.axes.cell import Cell
from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.exposure.sweeps import SweepGrid, sweep_grid
from devices.names import Approach, AxisName, ShutterState
from devices.shutter import STATES
from errors import ConfigurationError, InputError, OutOfRangeError
from plans.choices import PointOrder, ShutterReference, Stepping
from plans.dwell_factors import multiplied
from plans.edges import EdgePreset
from plans.engine.detection import Detection, by_fly_scans, by_sequencer
from plans.engine.point_order import check_order, default_order, order_of_pass
from plans.engine.points import ScanPoints
from plans.engine.slicing import check_slices
from plans.engine.spec import ScanSpec
from plans.engine.until import Until, most_exposures
from plans.grids import check_points
from plans.types import Exposure

MARGIN_SIGMAS = 5
"""Widths of the instrument response to keep between the unpumped pulse and the next pump."""


@dataclass(frozen=True, kw_only=True)
class ScanRequest:
    """A checked scan.

    `fixed`: axes that stay, by event field; `points`: settings of the axes that move; both in the units of the axes.
    `approach`: end of long moves of the energy, from below or direct; `laser`: shutter of the run's own exposures;
    `detection`: detectors. `temperature_c`: temperature of the powder, None leaves it as it is. `edge` is None for
    images. `done`: exposures that an earlier run has, and this one skips. `until`: result that may end the run before
    all `repeats`; `exposures` and `course` are then upper limits. `token`: number by which a sequencer marks the frames
    of the run; with `recovers` it may still have some of an earlier session. `sweeps`: bins of a fly scan, whose passes
    go up and down in turn.
    """

    plan_name: str
    detection: Detection
    edge: EdgePreset | None
    points: ScanPoints
    fixed: Mapping[str, float]
    dwell_s: float
    repeats: int
    order: PointOrder
    shutter_reference: ShutterReference
    sample: str
    series: str
    md: Mapping[str, Any] = field(default_factory=dict)
    approach: Approach = Approach.BELOW
    laser: ShutterState = ShutterState.OPEN
    temperature_c: float | None = None
    dwell_factors: tuple[float, ...] = ()
    done: frozenset[Exposure] = frozenset()
    until: Until | None = None
    stepping: Stepping = Stepping.SOFTWARE
    slice_s: float | None = None
    sweeps: SweepGrid | None = None
    token: int = 0
    recovers: bool = False

    def dwell_of(self, point_index: int) -> float:
        """Return the beam time of an exposure at one point, s; where it grows along the grid, in whole milliseconds."""
        return multiplied(self.dwell_s, self.dwell_factors[point_index]) if self.dwell_factors else self.dwell_s

    @property
    def exposures(self) -> int:
        """Number of exposures, and so of good events, of the whole run; the most for one with `until`."""
        planned = sum(1 for _ in self.course())
        if self.until is None:
            return planned
        first_s = [self.dwell_of(point) for point, _ in self.course_of_pass(0)]
        shortest_s = min(self.dwell_of(point) for point in range(len(self.points)))
        return most_exposures(self.until, first_s, planned, shortest_s=shortest_s, spent_s=self._spent_s)

    @property
    def beam_s(self) -> float:
        """Beam time of all exposures, s; an upper limit for a run that counts until its result is known."""
        beam_s = sum(self.dwell_of(point) for _, point, _ in self.course())
        if self.until is None or self.until.max_time_s is None:
            return beam_s
        return min(beam_s, max(self.until.max_time_s - self._spent_s, 0.0))

    @property
    def _spent_s(self) -> float:
        """Beam time of the exposures that an interrupted run has, s."""
        return math.fsum(self.dwell_of(point) for _, point, _ in self.done)

    def course(self) -> Iterator[tuple[int, int, ShutterState]]:
        """Yield the exposures in order, each (scan index, point index, laser shutter), without those `done`."""
        for scan_index in range(self.repeats):
            for point_index, shutter in self.course_of_pass(scan_index):
                yield scan_index, point_index, shutter

    def course_of_pass(
        self, scan_index: int, chosen: Collection[int] | None = None
    ) -> Iterator[tuple[int, ShutterState]]:
        """Yield the exposures of one pass in order, each (point index, laser shutter), without those `done`.

        `chosen`: indices of the points to measure, None for all.
        """
        points = order_of_pass(self.points, self.order, scan_index)
        if chosen is not None and len(chosen) < len(points):
            points = [index for index in points if index in chosen]
        for point_index, shutter in passes(self.shutter_reference, points, self.laser):
            if (scan_index, point_index, STATES[shutter]) not in self.done:
                yield point_index, shutter


def passes(
    shutter_reference: ShutterReference, points: Sequence[int], laser: ShutterState = ShutterState.OPEN
) -> Iterator[tuple[int, ShutterState]]:
    """Yield the exposures of one pass over the point indices `points` in order, each (point index, laser shutter).

    `laser` is the state of the shutter without a reference per point. With one, the order alternates (open closed,
    closed open), so that the shutter moves only once per point.
    """
    # The shutter takes about as long as a short exposure. With the order reversed at every other point, the last state
    # of a point is the first of the next.
    both = (ShutterState.OPEN, ShutterState.CLOSED)
    if shutter_reference is ShutterReference.POINT:
        for place, index in enumerate(points):
            yield from ((index, state) for state in (both if place % 2 == 0 else both[::-1]))
        return
    yield from ((index, laser) for index in points)
    if shutter_reference is ShutterReference.SCAN:
        yield from ((index, ShutterState.CLOSED) for index in points)


def check_request(beamline: Beamline, spec: ScanSpec) -> ScanRequest:
    """Return `spec` as a checked ScanRequest; raise InputError naming the value, the allowed range and its unit.

    Raises ConfigurationError if the beamline lacks the detector or the cell. Without an approach, the configured one is
    used.
    """
    options = spec.options
    approach = Approach(beamline.energy.default_approach) if options.approach is None else options.approach
    # All checks come before the first message of the run, so nothing has moved when one of them raises.
    points = _checked_points(beamline, spec)
    detection = spec.detection(beamline)
    if spec.stepping is Stepping.HARDWARE:
        detection = by_sequencer(beamline, detection)
    if spec.stepping is Stepping.FLY:
        detection = by_fly_scans(beamline, detection)
    check_combinations(spec, beamline.configuration)
    if spec.stepping is Stepping.FLY:
        sweeps = checked_sweeps(beamline, spec, points)
        order = PointOrder.SNAKE
    else:
        sweeps = None
        order = default_order(points, options.passes) if options.order is None else options.order
        check_order(order, points, approach)
    _check_targets(beamline, spec, points, unpumped_probe=detection.unpumped_probe)
    beamline.energy.check_approach(approach)
    for dwell_s in {options.dwell_s, min(spec.dwells_s), max(spec.dwells_s)}:
        beamline.exposure.check_dwell(dwell_s)
    return ScanRequest(
        plan_name=spec.plan_name,
        detection=detection,
        edge=spec.edge,
        points=points,
        fixed=dict(spec.fixed),
        dwell_s=float(options.dwell_s),
        dwell_factors=spec.dwell_factors,
        repeats=options.passes,
        order=order,
        shutter_reference=spec.shutter_reference,
        sample=options.sample,
        series=options.series or str(uuid.uuid4()),
        md={**(options.md or {}), **spec.metadata(beamline)},
        approach=approach,
        laser=spec.laser,
        temperature_c=None if spec.temperature_c is None else float(spec.temperature_c),
        until=spec.until,
        stepping=spec.stepping,
        slice_s=spec.slice_s,
        sweeps=sweeps,
        token=0 if spec.stepping is Stepping.SOFTWARE else new_token(),
    )


def check_combinations(spec: ScanSpec, configuration: BeamlineConfiguration) -> None:
    """Raise InputError for options that exclude each other, and for impossible times, s, and sweeps, eV.

    No device is asked, so the forms of the window check a plan by this while it is typed.
    """
    _check_until(spec)
    # An earlier version may have accepted other times. Nobody can change those of a run that is to be completed.
    if not spec.resumes:
        check_slices(spec, configuration.sequencer)
    if spec.stepping is Stepping.FLY:
        _check_flown(spec)
        # A resumed run lists its energies as settings, and was checked when it began.
        if spec.points and configuration.fly is not None:
            sweep_grid(list(spec.points), float(spec.options.dwell_s), configuration.fly)
    # Last, as other steps or no reference by the shutter may be the better remedy.
    if spec.until is not None and not spec.resumes:
        spec.until.check_first_pass(spec.dwells_s)


def _check_flown(spec: ScanSpec) -> None:
    """Raise InputError for options that sweeps cannot follow."""
    refused = {
        f"order = {str(spec.options.order)!r}": spec.options.order not in (None, PointOrder.SNAKE),
        f"shutter_reference = {str(spec.shutter_reference)!r}": spec.shutter_reference is not ShutterReference.NONE,
        "until_sigma": spec.until is not None,
        "dwell_power or dwell_factors": set(spec.dwell_factors) - {1.0} != set(),
    }
    if given := [name for name, is_given in refused.items() if is_given]:
        raise InputError(
            f'{given[0]} with stepping="fly": sweeps go up and down over all energies at one speed. Leave it out, or '
            'give stepping="software".'
        )


def checked_sweeps(beamline: Beamline, spec: ScanSpec, points: ScanPoints) -> SweepGrid:
    """Return the bins of a fly scan, in eV and s as `sweep_grid`.

    Raises InputError as `sweep_grid`, and OutOfRangeError if the run-up at one end is beyond the limits of the energy.
    """
    settings = beamline.configuration.fly
    assert settings is not None  # by_fly_scans has asked
    grid = sweep_grid(points.along(AxisName.ENERGY), float(spec.options.dwell_s), settings)
    energy = beamline.energy
    for end_ev in grid.edges_ev(0, grid.points - 1):
        if not energy.low <= end_ev <= energy.high:
            remedy = f"A sweep begins and ends half a step and {settings.run_up_ev:g} eV beyond the scan. Shorten it."
            raise OutOfRangeError("end of a sweep", end_ev, energy.low, energy.high, energy.unit, remedy)
    return grid


def new_token() -> int:
    """Return a random number from 1 to 2^31 - 1, as a sequencer's record holds it."""
    return 1 + uuid.uuid4().int % (2**31 - 1)


def _checked_points(beamline: Beamline, spec: ScanSpec) -> ScanPoints:
    """Return the points of the scanned axes, within their limits, and ascending for one axis; check the fixed axes."""
    scanned = list(spec.settings[0]) if spec.settings else [spec.axis]
    if unknown := [name for name in (*spec.fixed, *scanned) if name not in beamline.axes]:
        raise InputError(
            f"{beamline.configuration.name} has no axis {', '.join(unknown)}. Add its table [axes.NAME] to the "
            "configuration file, or correct the name."
        )
    for name, value in spec.fixed.items():
        beamline.axes[name].check_value(value)
    if spec.settings:
        return ScanPoints.of_settings(spec.settings, spec.shape)
    axis = beamline.axes[spec.axis]
    points = check_points(spec.points, name=axis.name, low=axis.low, high=axis.high, unit=axis.unit)
    return ScanPoints(axes=(str(spec.axis),), values=tuple((point,) for point in points))


def _check_until(spec: ScanSpec) -> None:
    """Raise InputError for a run whose passes cannot be chosen point by point."""
    if spec.until is not None and spec.shutter_reference is not ShutterReference.NONE:
        raise InputError(
            f"shutter_reference = {str(spec.shutter_reference)!r} with until_sigma: give 'none', so that the unpumped "
            "pulses are the reference, or a fixed number of repeats."
        )


def _check_targets(beamline: Beamline, spec: ScanSpec, points: ScanPoints, *, unpumped_probe: bool) -> None:
    """Raise for a temperature (C), delay (ps) or point that the beamline cannot reach or the sample cannot use."""
    if spec.temperature_c is not None:
        checked_cell(beamline).check_value(spec.temperature_c)
    beamline.laser_shutter.check_value(spec.laser)
    if spec.shutter_reference is not ShutterReference.NONE:
        beamline.laser_shutter.check_value(ShutterState.CLOSED.value)
    if unpumped_probe:
        fixed = [spec.fixed[AxisName.DELAY]] if AxisName.DELAY in spec.fixed else []
        # The reference must stay unpumped at every delay of the run, scanned or fixed.
        check_before_next_pump([*points.along(AxisName.DELAY), *fixed], beamline)
    for axis in points.axes:
        for value in dict.fromkeys(points.along(axis)):
            beamline.axes[axis].check_value(value)


def checked_cell(beamline: Beamline) -> Cell:
    """Return the powder cell; raise ConfigurationError if the beamline has none."""
    if beamline.cell is None:
        raise ConfigurationError(
            f"{beamline.configuration.name} has no [cell] in its configuration file. Add it, or use another beamline."
        )
    return beamline.cell


def check_before_next_pump(delays_ps: Sequence[float], beamline: Beamline) -> None:
    """Raise OutOfRangeError if at one of `delays_ps` the unpumped probe would come after the next pump."""
    if not delays_ps:
        return
    delay = beamline.delay
    # At a delay of 0 the first reference pulse comes `unpumped_until_ps` before the next pump; a longer delay brings it
    # nearer. What is left must exceed the widths of the response that MARGIN_SIGMAS gives, or the rising edge of the
    # next pump would be counted as unpumped.
    latest = beamline.ring.current_scheme().unpumped_until_ps - MARGIN_SIGMAS * delay.response.sigma_ps
    for delay_ps in delays_ps:
        if delay_ps <= latest:
            continue
        remedy = "Beyond it the unpumped pulse would be pumped: use a later probe of an earlier first delay."
        raise OutOfRangeError(delay.name, delay_ps, delay.low, latest, delay.unit, remedy)
