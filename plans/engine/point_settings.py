"""Settings of a point of a run: axes, shutters, exposure, sample and temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping

import bluesky.plan_stubs as bps
from bluesky.utils import Msg, short_uid

from devices.axes.axis_group import Target
from devices.axes.move_ahead import MoveAhead
from devices.beamline import Beamline
from devices.detectors.pilatus import Pilatus
from devices.exposure.life_cycle import ExposureTargets
from plans.engine.arriving import Suspend, arrive
from plans.engine.detection import Detection
from plans.engine.request import ScanRequest
from plans.types import Plan

Targets = Mapping[str, Target]
"""Targets of axes and shutters by name, each in the unit of its axis."""


class PointSettings:
    """Present targets of a run's axes and shutters, so that the next point sets only what changes."""

    # `_set` holds what is known to be set, empty after a failure. Between `begin` and the next `apply`, a move of the
    # axes `_moving` may be in progress, whatever else happens meanwhile: a pause, a suspension, an error. Therefore
    # `apply` waits for its end first, before it sends any axis elsewhere.

    def __init__(self, beamline: Beamline, request: ScanRequest) -> None:
        self._beamline = beamline
        self._request = request
        self._set: Targets = {}
        self._dwell_s = math.nan
        self._mover = MoveAhead(beamline.axis_group, request.detection.reader)
        self._moving: Targets = {}
        self._group = ""

    def forget(self) -> None:
        """Forget all targets, so that the next point sets everything: a setting may have been lost."""
        self._set = {}
        self._mover.stay()
        self._request.detection.reader.abandon_ahead()

    def apply(self, targets: Targets, dwell_s: float, suspend: Suspend) -> Plan:
        """Set the targets that changed since the last point, all after `forget`; raises FailedStatus for a failed move.

        `dwell_s`: beam time of the exposures at this point, s. An axis that stands still on its way suspends the run by
        `suspend`; then MotionError is raised once it has arrived.
        """
        if self._moving:
            yield from self._arrive(suspend)
        changed = self._changes(targets)
        before = self._set
        self._set = {}  # a move that fails leaves nothing known
        if not before:
            yield from self._apply_all(targets, dwell_s, suspend)
        elif changed:
            yield from self._move(changed, suspend)
        if dwell_s != self._dwell_s:
            yield from self._set_dwell(dwell_s)
        self._set = targets

    def move_axes(self, targets: Targets, suspend: Suspend) -> Plan:
        """Bring the axes to their `targets`, and leave the shutters as they are; raises what `apply` raises."""
        if self._moving:
            yield from self._arrive(suspend)
        self._set = {}
        axes = self._beamline.axes
        yield from self._move({name: target for name, target in targets.items() if name in axes}, suspend)

    def begin(
        self, targets: Targets, dwell_s: float, exposure: ExposureTargets | None = None, *, is_counting: bool = False
    ) -> Plan:
        """Start to move the axes to the `targets` of the next exposure, of `dwell_s`, s, without waiting.

        Does nothing if they are on their way already, or if anything but axes must change. While the exposure before
        still counts (`is_counting`), it also does nothing if one of these axes must stay until that exposure is read;
        if a single axis moves, the next exposure may begin at its arrival, if the targets of that `exposure` are given.
        A failure is raised by the next `apply`.
        """
        # Moving an axis cannot touch an exposure that is read, nor can an electronic delay touch one that is being
        # read. A shutter waits for its own exposure, as a suspension must find it where the last exposure had it; an
        # axis that settles slowly needs it closed.
        axes = self._beamline.axes
        changed = self._changes(targets)
        if self._moving or not self._set or dwell_s != self._dwell_s:
            return
        if any(name not in axes or axes[name].settles for name in changed):
            return
        if is_counting and not all(axes[name].moves_during_read_out for name in changed):
            return
        self._moving = changed
        if changed:
            self._group = short_uid("set")
            origin = {name: self._set[name] for name in changed}
            following = exposure if is_counting and len(changed) == 1 else None
            yield Msg("set", self._mover, changed, origin, following, group=self._group)

    def stay(self) -> None:
        """Let the axes that `begin` has sent go on: the exposure before is stored."""
        self._mover.stay()

    def _arrive(self, suspend: Suspend) -> Plan:
        """Wait for the axes that `begin` has sent; raise the error of a move that failed, unless all are set again."""
        moved = self._moving
        self._moving = {}
        yield from arrive(self._beamline, moved, self._group, suspend)
        if self._set and self._mover.error is not None:
            self._set = {}
            raise self._mover.error
        self._set = {**self._set, **moved} if self._set else {}

    def _move(self, targets: Targets, suspend: Suspend) -> Plan:
        """Set axes and shutters to `targets` together, and wait for them."""
        group = short_uid("set")
        yield Msg("set", self._beamline.axis_group, targets, group=group)
        yield from arrive(self._beamline, targets, group, suspend)

    def _changes(self, targets: Targets) -> dict[str, Target]:
        """Return those of `targets` that differ from what is set, each in the unit of its axis."""
        return {name: target for name, target in targets.items() if self._set.get(name) != target}

    def _set_dwell(self, dwell_s: float) -> Plan:
        self._dwell_s = math.nan  # one that fails leaves it unknown
        yield from bps.configure(self._beamline.exposure, {"dwell_s": dwell_s})
        self._dwell_s = dwell_s

    def _apply_all(self, targets: Targets, dwell_s: float, suspend: Suspend) -> Plan:
        """Stop detectors that still count, set them, then the sample, then every axis and shutter together.

        The temperature comes last, because it takes longest.
        """
        request = self._request
        beamline = self._beamline
        yield from bps.stop(beamline.exposure)
        yield from self._set_dwell(dwell_s)
        yield from put_sample(beamline, request.detection)
        yield from self._settle(targets)
        yield from self._move(targets, suspend)
        if request.temperature_c is not None and beamline.cell is not None:
            yield from bps.abs_set(beamline.cell, request.temperature_c, wait=True)
        if request.detection.pilatus is not None:
            yield from open_image_file(request.detection.pilatus, request.dwell_s)

    def _settle(self, targets: Targets) -> Plan:
        """Bring the axes that settle slowly to their targets first, with the laser off the sample meanwhile."""
        axes = self._beamline.axes
        slow: dict[str, Target] = {name: targets[name] for name in targets if name in axes and axes[name].settles}
        if not slow:
            return
        shutter = self._beamline.laser_shutter
        closed: dict[str, Target] = {shutter.name: "closed"} if shutter.can_close else {}
        yield from bps.abs_set(self._beamline.axis_group, {**slow, **closed}, wait=True)


def put_sample(beamline: Beamline, detection: Detection) -> Plan:
    """Put jet or cell into the beam; raises FailedStatus if the stage does not move.

    A beamline whose stage is missing or off has only the jet.
    """
    stage = beamline.sample_stage
    if detection.sample is None or stage is None or (detection.sample == "jet" and not stage.connected):
        return
    yield from bps.abs_set(stage, detection.sample, wait=True)


def open_image_file(pilatus: Pilatus, exposure_s: float) -> Plan:
    """Begin a new file of the Pilatus for images of `exposure_s`, s: the old file may hold other images."""
    yield from bps.stop(pilatus)
    yield from bps.unstage(pilatus)
    yield from bps.configure(pilatus, {"exposure_s": exposure_s})
    yield from bps.stage(pilatus)
