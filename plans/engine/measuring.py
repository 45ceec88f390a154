"""Measuring the points of a run one after the other, each until it is good: settings, shutter, trigger, read-out."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg, short_uid

from devices.axes.axis_group import Target
from devices.axes.cell import TEMPERATURE
from devices.beamline import Beamline
from devices.exposure.life_cycle import ExposureTargets
from devices.names import AxisName, ShutterState
from devices.shutter import STATES
from plans.engine.approach import use_approach
from plans.engine.attempts import FINAL, RETRYABLE, Attempts, reason
from plans.engine.dips import DipRecord
from plans.engine.point_settings import PointSettings, Targets
from plans.engine.request import ScanRequest
from plans.engine.suspending import wait_connected
from plans.engine.until import PassChooser
from plans.engine.wait import send_and_wait
from plans.types import Plan

ExposureOfPass = tuple[int, ShutterState]
"""Point index and laser shutter of one exposure."""

MONITORS_LATE_S = 0.5
"""Longest lag of monitors and the power meter behind a move, s; typical meters update at 10 Hz."""

MONITORS_POLL_S = 0.001


class PointLoop:
    """Loop over the exposures of `request` on `beamline`, in order, each repeated until it is good.

    Between two points only settings that change are set. At the first point, after any failure, and after waiting for
    the beamline everything is set, because a restarted IOC has lost its settings.
    """

    # One exposure, from checkpoint to checkpoint:
    # 1. wait until the conditions hold (a suspension, with shutters closed, if one does not);
    # 2. arm the reader with the targets, then set what differs; the reader watches the axes from here on;
    # 3. wait until the monitors show the targets, trigger, read, save one event with its `quality`;
    # 4. good: next exposure, whose axes start to move as soon as this one is read, while its event is stored, or, if
    #    only the electronic delay changes, as soon as its read-out is requested. Bad, or any retryable error: forget
    #    what is set, pause, and start again at 1.
    # Invariants: an exposure is stored only by its own event, and a bad one is stored as bad, never dropped silently; a
    # pause between two checkpoints repeats the exposure only if nothing of it was saved; the number of attempts and the
    # waiting time of a point are limited, so a run always ends.

    def __init__(self, beamline: Beamline, request: ScanRequest) -> None:
        self._beamline = beamline
        self._request = request
        self._detection = request.detection
        self._settings = PointSettings(beamline, request)
        self._dips = DipRecord()
        self._reader = request.detection.reader
        # Looked up at every exposure, and a map has thousands of points.
        self._energies_ev = request.points.along(AxisName.ENERGY)
        self._following: ExposureOfPass | None = None
        self._scan_index = 0
        self._is_saving = False

    def run(self) -> Plan:
        """Measure all exposures; raises AcquisitionError, or the last failure, of a point that stays bad."""
        request = self._request
        yield from use_approach(self._beamline, request.approach)
        dwells_s = [request.dwell_of(index) for index in range(len(request.points))]
        chooser = PassChooser(request.until, dwells_s, request.done)
        passes = chooser.passes(request.repeats, self._measure_pass)
        try:
            yield from bpp.subs_wrapper(passes, {"event": [self._note_stored]})
        finally:
            # However the run ends, no exposure begins behind it.
            self._reader.abandon()

    def _note_stored(self, _name: str, _document: dict[str, Any]) -> None:
        """Note that the exposure is stored, from the moment on at which it is: a pause may come right behind it."""
        if self._is_saving:
            self._reader.is_stored = True
            self._settings.stay()

    def _measure_pass(self, scan_index: int, chosen: tuple[int, ...]) -> Plan:
        exposures = self._request.course_of_pass(scan_index, chosen)
        self._scan_index = scan_index
        for exposure, following in itertools.pairwise(itertools.chain(exposures, [None])):
            assert exposure is not None  # None follows the last one only
            self._following = following
            yield from self._measure(scan_index, exposure[0], self._targets(exposure))

    def _targets(self, exposure: ExposureOfPass) -> Targets:
        """Return where every axis and shutter of the run belongs at one exposure."""
        request = self._request
        point_index, shutter = exposure
        fixed: dict[str, Target] = {str(name): value for name, value in request.fixed.items()}
        return {**fixed, **request.points.setting(point_index), "laser_shutter": str(shutter)}

    def _measure(self, scan_index: int, point_index: int, targets: Targets) -> Plan:
        """Measure one point until it is good.

        A failed condition suspends the scan until it holds again. A bad exposure is stored as bad. Raises the last
        failure, or AcquisitionError naming what was bad, once the attempts or the waiting time of [quality] are used.
        """
        attempts = Attempts(self._beamline, f"Point {point_index} of scan {scan_index}")
        while True:
            try:
                # One attempt: wait for the beamline, arm the reader, set what changed, expose, judge. After anything
                # that may have lost settings (a wait, an error, a bad exposure) the next attempt sets everything again.
                move = partial(self._settings.move_axes, targets, attempts.suspend)
                if (yield from attempts.wait_until_well(self._detection.conditions, move)):
                    self._settings.forget()
                self._arm(targets, scan_index, point_index)
                yield from self._settings.apply(targets, self._request.dwell_of(point_index), attempts.suspend)
                attempts.arrived()
                yield from self._wait_for_monitors()
                failed = yield from self._expose()
                if failed:
                    yield from self._look_for_dip(point_index, targets, attempts)
            except RETRYABLE as error:
                self._settings.forget()
                # Errors that another attempt cannot cure end the run at once.
                if isinstance(reason(error), FINAL):
                    raise
                yield from attempts.failed(str(reason(error)), error)
                yield from wait_connected(self._beamline, self._detection.devices)
            else:
                if not failed:
                    return
                self._settings.forget()
                yield from attempts.failed("; ".join(failed))

    def _arm(self, targets: Targets, scan_index: int, point_index: int) -> None:
        """Give the reader the targets of the next exposure, which it compares with the read-backs, and its indices."""
        self._reader.arm(self._exposure_targets(targets, scan_index, point_index))

    def _exposure_targets(self, targets: Targets, scan_index: int, point_index: int) -> ExposureTargets:
        positions = {name: float(targets[name]) for name in targets if name in self._beamline.axes}
        if self._request.temperature_c is not None:
            positions[TEMPERATURE] = self._request.temperature_c
        return ExposureTargets(
            positions=positions,
            laser_shutter=STATES[str(targets["laser_shutter"])],
            scan_index=scan_index,
            point_index=point_index,
            dip_per_s=self._dips.expected_per_s(self._place(point_index)),
        )

    def _place(self, point_index: int) -> int:
        """Return the first point with the same energy: a dip belongs to an energy, whatever else is scanned."""
        energies = self._energies_ev
        return energies.index(energies[point_index]) if energies else point_index

    def _look_for_dip(self, point_index: int, targets: Targets, attempts: Attempts) -> Plan:
        """Find out, after a failed exposure, whether I0 is low at this energy only.

        After two equal exposures in a row that failed only by I0, one exposure is made at a neighbouring energy of the
        run and not stored. If the flux is normal there, the low flux belongs to the point, and is accepted from now on.
        """
        reader = self._reader
        energies = self._energies_ev
        beside = _other_energy(energies, point_index)
        if beside is None or set(reader.remarks) != {"i0"} or math.isnan(reader.normal_i0_per_s):
            self._dips.forget(self._place(point_index))
            return
        dip_per_s = reader.i0_per_s
        normal_per_s = reader.normal_i0_per_s
        if not self._dips.is_suspected(self._place(point_index), dip_per_s, normal_per_s):
            return
        there = {**targets, str(AxisName.ENERGY): energies[beside]}
        self._arm(there, 0, beside)
        yield from self._settings.apply(there, self._request.dwell_of(beside), attempts.suspend)
        yield from self._wait_for_monitors()
        yield from send_and_wait("trigger", reader)
        yield Msg("read", reader)
        # Half of the depth of the dip decides: a real change of the flux is seen beside the point, too.
        if abs(reader.i0_per_s - normal_per_s) < abs(dip_per_s - normal_per_s) / 2:
            self._dips.confirm(self._place(point_index), energies[point_index])

    def _wait_for_monitors(self) -> Plan:
        """Wait until monitors and power meter show the settings: a late update would mark a good exposure as bad.

        Monitors that stay behind have stopped, and their values are read again. The wait is a message, so a simulator
        that moves nothing passes it at once.
        """
        if not self._reader.has_arrived():
            yield Msg("wait_for", None, [self._monitors])
            if not self._reader.has_arrived():
                self._reader.refresh()

    async def _monitors(self) -> None:
        """Wait until the monitors show the settings, at most MONITORS_LATE_S seconds."""
        polls = round(MONITORS_LATE_S / MONITORS_POLL_S)
        for _ in range(polls):
            if self._reader.has_arrived():
                return
            await asyncio.sleep(MONITORS_POLL_S)

    def _expose(self) -> Generator[Msg, Any, list[str]]:
        """Make one exposure, store it as one event, and return its faults.

        Nothing is stored if the read-out fails.
        """
        # Plain messages: each of bluesky's stubs formats the whole call stack, which costs milliseconds per point.
        pilatus = self._detection.pilatus
        group = short_uid("trigger")
        yield Msg("trigger", self._reader, group=group)
        yield from self._go_on(is_counting=True)
        yield Msg("wait", None, group=group)
        yield Msg("create", None, name="primary")
        try:
            reading = yield Msg("read", self._reader)
            if pilatus is not None:
                yield Msg("read", pilatus)
            failed = self._failed(reading)
            if not failed:
                yield from self._go_on()
        except Exception:  # raised again: after any error the open event must be dropped, or none can be begun
            yield Msg("drop")
            raise
        self._is_saving = True
        try:
            yield Msg("save")
            # The point is stored, so a pause must not measure it again. Until the checkpoint the reader sees to that.
            yield Msg("checkpoint")
        finally:
            self._is_saving = False
            self._reader.is_stored = False
        # After a pause the repeated exposure is the one that was stored. bluesky drops the answer to its `read`, so the
        # reader is asked. Without a reading, as in a simulator of plans, its remarks are those of an earlier exposure.
        return list(self._reader.remarks.values()) if reading else failed

    def _go_on(self, *, is_counting: bool = False) -> Plan:
        """Start the move to the next exposure, if there is one and if its axes may move already.

        Behind an electronic delay the exposure begins as soon as that has arrived, before the plan triggers it.
        """
        if self._following is None:
            return
        point_index = self._following[0]
        targets = self._targets(self._following)
        exposure = None
        # The image of the Pilatus is read by a message of its own, when the next exposure would have begun.
        if is_counting and self._detection.pilatus is None:
            exposure = self._exposure_targets(targets, self._scan_index, point_index)
        yield from self._settings.begin(targets, self._request.dwell_of(point_index), exposure, is_counting=is_counting)

    def _failed(self, reading: Mapping[str, Any] | None) -> list[str]:
        """Return remarks on the faults of an exposure; none without a reading, as in a simulator of plans."""
        quality = reading["quality"]["value"] if reading else ""
        return [self._reader.remarks.get(name, name) for name in quality.split(",") if name]


def _other_energy(energies_ev: Sequence[float], point_index: int) -> int | None:
    """Return the index of the nearest point with another energy, earlier ones first; None if there is none."""
    if not energies_ev:
        return None  # the energy is not scanned
    before = range(point_index - 1, -1, -1)
    behind = range(point_index + 1, len(energies_ev))
    return next((index for index in (*before, *behind) if energies_ev[index] != energies_ev[point_index]), None)
