"""One exposure as an event: the part that all readers of exposures have in common.

Order of calls, once per run: `start_run`. Once per exposure: `arm` with the targets, `trigger`, and `read` when the
status is done; `ExposureLifeCycle` refuses any other order. Two watches run from the trigger to the read-out: one over
the conditions (ring, shutter, jet, laser), one over the axes. When either sees a failure, it cuts the exposure short.
The read-out requests everything in one round trip: the frames, the axes, the surroundings, and the conditions again. It
raises if the frames belong to another exposure, and returns an event with a filled `quality` field if the exposure is
the right one and something was wrong during it.
"""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from bluesky.utils import NoReplayAllowed
from ophyd import Device
from ophyd.status import StatusBase

from devices.axes.axis import Axis, Following
from devices.axes.cell import TEMPERATURE
from devices.axes.move_ahead import WaitingMove
from devices.configuration import QualitySettings
from devices.exposure.axis_watch import AxisWatch, FollowedAxes
from devices.exposure.condition_limits import ANY_POWER_W, CONDITIONS, LASER_ONLY, ConditionName
from devices.exposure.conditions import Conditions, ConditionWatch
from devices.exposure.event_fields import Raw, invalid_marks, numbers_from, positions_from
from devices.exposure.flux import FluxHistory
from devices.exposure.gated_detectors import Exposure, ExposureReading, SimultaneousDetectors
from devices.exposure.life_cycle import ExposureLifeCycle, ExposurePhase, ExposureTargets
from devices.exposure.watched_exposure import BegunExposure, ExposureAhead, FollowingExposure, WatchedExposure
from devices.names import AxisName
from devices.shutter import CLOSED, ShutterCode
from devices.signals.connection import one_server
from devices.signals.uncached_signal import (
    FreshSignalRO,
    PreparedRequests,
    read_with_alarms,
    require_valid,
)
from errors import NotConnectedError

logger = logging.getLogger("trxas.devices")

CONDITION = "condition:"
"""Prefix of the keys of conditions among the raw values."""

SHORTEST = 0.999
"""Fraction of the dwell that an exposure must have counted; less means that it was cut short."""

I0_DIP = "i0_dip"
"""Mark of a good exposure whose I0 is really low, at a glitch of the monochromator."""

DIP_TOLERANCE = 0.1
"""Largest relative difference between I0 and the known I0 of a dip (chosen)."""


class EventReader(ABC):
    """Reader that makes one exposure and returns it as an event: a bluesky Triggerable and Readable.

    A plan calls `start_run` once and `arm` before each trigger; a stock plan that stages the reader gets exposures
    without targets. `remarks` states, for every condition that failed in the latest event, the value found and the
    value needed; `marks` lists what is unusual about a good or bad event: a known dip of I0, and every field whose
    value is not a measurement. `i0_per_s` is I0 of the latest event, counts/s. `is_stored` is set while the latest
    event is stored and the plan has not confirmed that by a checkpoint: a pause must not repeat the exposure.
    """

    parent = None

    def __init__(
        self,
        name: str,
        axes: Mapping[str, Axis],
        exposure: Exposure,
        conditions: Conditions,
        quality: QualitySettings,
        detectors: Sequence[Device] = (),
    ) -> None:
        self.name = name
        self.remarks: dict[str, str] = {}
        self.marks: tuple[str, ...] = ()
        self.i0_per_s = math.nan
        self.is_stored = False
        self._axes = dict(axes)
        self._exposure = exposure
        self._conditions = conditions
        self._detectors = (exposure, *detectors)
        self._life = ExposureLifeCycle()
        self._signals: dict[str, FreshSignalRO] = {}
        self._needed: frozenset[str] = CONDITIONS
        # Axes that a table adds have no other place in an experiment than the one where the user has put them.
        steady = [key for key in axes if key not in {*AxisName, TEMPERATURE}]
        self._followed = FollowedAxes(axes, on_failure=exposure.cut_short, steady=steady)
        self._ahead = ExposureAhead(self._begin)
        self._begins_ahead = True
        nothing = AxisWatch(self._followed, {})
        self._present = WatchedExposure(
            ExposureTargets(), conditions.watch(()), nothing, self._prepare_requests, self._request_further
        )
        self._flux = FluxHistory(quality.i0_tolerance)
        self._staged = False

    @property
    def conditions(self) -> Conditions:
        """Conditions of ring, shutter, jet and laser; all readers of the same exposures share them."""
        return self._conditions

    @property
    def further_fields(self) -> dict[str, dict[str, str]]:
        """Event fields of each detector alongside the exposure that takes part in the run, by quantity; none here."""
        return {}

    @property
    def normal_i0_per_s(self) -> float:
        """I0 of a good exposure of the run, counts/s; NaN before the first."""
        return self._flux.normal

    @property
    def phase(self) -> ExposurePhase:
        """Phase of the current exposure."""
        return self._life.phase

    def start_run(self, needed: frozenset[str]) -> None:
        """Begin a new run, in which the `needed` conditions must hold for a point to be good; raises nothing.

        The normal flux is forgotten: the next run may have another energy, slit or attenuator.
        """
        self._needed = needed
        self._flux.reset()
        self._begins_ahead = True
        self.abandon()
        self._life.reset()

    def abandon(self) -> None:
        """Abandon the present exposure, and one that has begun ahead; raises nothing."""
        self._present.close()
        self.abandon_ahead()

    def arm(self, targets: ExposureTargets) -> None:
        """Set where everything must be during the next exposure, which can be triggered from then on.

        An exposure that has begun ahead is kept for the trigger if its targets are these, and ended if not. Raises
        NotConnectedError if an axis that is watched for the first time does not answer.
        """
        begun = self._ahead.exposure_for(targets)
        if begun is None:
            self.abandon()
        self._present = begun or self._next_exposure(targets)
        self._life.arm(targets)

    def has_arrived(self) -> bool:
        """Return whether everything is as armed according to the monitors, which may be late after a move.

        An exposure that has begun ahead counts as arrived. Raises NotConnectedError if a PV that is followed for the
        first time does not answer.
        """
        return self._ahead.has_begun(self._present) or self._present.has_arrived()

    def refresh(self) -> None:
        """Request conditions and axes, as monitors may have gone silent; raises NotConnectedError if unanswered."""
        self._present.conditions.refresh()
        self._followed.update(read_with_alarms(self._axis_signals()))

    def trigger(self) -> StatusBase:
        """Start the exposure on all detectors, or take over the one that has begun ahead.

        Raises AcquisitionError unless it is armed.
        """
        if self._staged and self.phase is ExposurePhase.IDLE:
            self.arm(ExposureTargets())
        begun = self._ahead.take()
        if begun is None:
            self._end_abandoned()
        number = self._life.start()
        begun = begun or self._begin(self._present)
        # The life cycle learns the end of the exposure together with its number, since the end of an abandoned exposure
        # may still come.
        begun.status.add_callback(lambda ended: self._life.end(number, succeeded=ended.success))
        if self._begins_ahead:
            self._ahead.allow(self._present)
        return begun.end()

    def _end_abandoned(self) -> None:
        """Stop the detectors if they may still count an exposure that was abandoned, even the one that is armed."""
        if self._ahead.take_left():
            self._exposure.stop()
            self._present = self._next_exposure(self._present.targets)

    def _begin(self, exposure: WatchedExposure, arriving: frozenset[str] = frozenset()) -> BegunExposure:
        """Start `exposure` on all detectors, while the axes `arriving`, by event field, are not confirmed yet."""
        return exposure.begin(self._trigger_all, arriving)

    def _trigger_all(self) -> StatusBase:
        # One status for all detectors: it fails with the first failure.
        detectors = (*self._detectors, *self._started_with())
        return detectors[0].trigger() if len(detectors) == 1 else SimultaneousDetectors(detectors).trigger()

    def begin_at_read_out(self, move: WaitingMove) -> bool:
        """Let `move` begin as soon as the read-out of the present exposure is requested; return false without one.

        It is refused if the exposure is known to be bad by then, fails, or is abandoned.
        """
        if self.phase not in (ExposurePhase.COUNTING, ExposurePhase.COUNTED):
            return False
        self._present.read_out.then(move)
        return True

    def exposure_ahead(self, targets: ExposureTargets) -> Following | None:
        """Return the next exposure, to begin at the end of the move to its `targets`; None if that is not safe.

        It does not begin if the present one is bad or not read out. The plan takes it over when it arms the reader with
        the same targets and triggers it. Raises nothing.
        """
        before = self._present.targets.positions
        moving = frozenset(key for key, at in targets.positions.items() if before.get(key) != at)
        try:
            if not self._begins_ahead or not self._can_begin_ahead or not self._is_one_server(moving):
                return None
            following = self._next_exposure(targets)
            # Conditions that are needed for the first time are requested here, and not between two exposures.
            following.conditions.is_met()
        except NotConnectedError:
            return None
        self._exposure.make_ready()
        return FollowingExposure(self, self._present, following, moving)

    def _is_one_server(self, moving: frozenset[str]) -> bool:
        """Return whether a request of the read-backs of the axes `moving` is answered before a later trigger starts."""
        axes = [self._axes[key] for key in moving]
        names = [(axis, name) for axis in axes for name in (*axis.raw_readbacks, *axis.raw_setpoints)]
        return one_server([self._exposure.count, *(getattr(axis, name) for axis, name in names)])

    def begin_ahead(self, present: WatchedExposure, exposure: WatchedExposure, arriving: frozenset[str]) -> bool:
        """Begin `exposure` behind `present` unless the plan has done anything that forbids it; raises nothing.

        Return whether it has begun. The axes `arriving`, by event field, have not been confirmed by their read-backs.
        """
        return self._ahead.begin(present, exposure, arriving)

    def give_up(self, exposure: WatchedExposure) -> None:
        """Abandon `exposure`, which has begun before its axes had arrived; no other of the run begins ahead.

        Otherwise hardware that reports its arrival too early would cost an exposure at each step. Raises nothing.
        """
        self._begins_ahead = False
        if self._ahead.abandon(exposure):
            self._cut_short()

    def abandon_ahead(self) -> None:
        """End an exposure that has begun ahead, without waiting, and let none begin; raises nothing."""
        if self._ahead.abandon():
            self._cut_short()

    def _cut_short(self) -> None:
        try:
            self._exposure.cut_short()
        except NotConnectedError as error:
            logger.info("An exposure that nobody reads was not stopped: %s", error)

    @property
    def _can_begin_ahead(self) -> bool:
        """Whether the next exposure may begin before the plan has judged this one."""
        # A second detector has to be armed, or is read by messages of its own.
        return len(self._detectors) == 1 and self._exposure.counts_ahead

    def _next_exposure(self, targets: ExposureTargets) -> WatchedExposure:
        """Return an exposure that has not begun; raises NotConnectedError as `arm` does."""
        ignored = LASER_ONLY if targets.laser_shutter == CLOSED else frozenset()
        conditions = self._conditions.watch(self._needed - ignored, self._power_w(targets))
        return WatchedExposure(
            targets, conditions, self._followed.watch(targets.positions), self._prepare_requests, self._request_further
        )

    def stage(self) -> list[Any]:
        """Prepare for a stock plan: exposures without targets, of the dwell set last.

        Raises the same errors as `Exposure.stage`.
        """
        self._exposure.stage()
        self.start_run(self._needed)
        self._staged = True
        return [self]

    def unstage(self) -> list[Any]:
        """End the exposures of a stock plan; an exposure that was not read is abandoned."""
        self._exposure.unstage()
        self.abandon()
        self._life.reset()
        self._staged = False
        return [self]

    def pause(self) -> None:
        """End a running exposure: bluesky triggers it again when the plan is resumed.

        Raises AcquisitionError if the scaler does not stop, and NoReplayAllowed, as bluesky expects, if the exposure is
        stored.
        """
        # First, so that the end of the stopped exposure moves nothing.
        self.abandon()
        self._exposure.pause()
        self._ahead.take_left()
        self._present = self._next_exposure(self._present.targets)
        self._life.interrupt()
        if self.is_stored:
            raise NoReplayAllowed

    def resume(self) -> None:  # noqa: B027  # bluesky calls it; there is nothing to do
        """Do nothing: the plan triggers again."""

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the event's data.

        Raises AcquisitionError if no exposure has ended, or if the detectors hold an exposure other than the one
        triggered last.
        """
        # Closed before the read-out: an exposure whose read-out fails cannot be read again, only repeated.
        self._life.close()
        is_good = False
        try:
            event = self._read()
            is_good = not event["quality"]["value"]
            return event
        finally:
            if not is_good:
                self.abandon_ahead()

    def _started_with(self) -> tuple[Any, ...]:
        """Return the further devices that are triggered with the detectors; their triggers must not fail."""
        return ()

    def _request_further(self) -> None:  # noqa: B027  # most readers have no further detectors
        """Request what other detectors than those of the exposure hold, just before the read-out; raises nothing."""

    def _prepare_requests(self, conditions: ConditionWatch) -> PreparedRequests:
        """Return the requests of everything that belongs to an exposure."""
        # The conditions in the same round trip: a monitor may have gone silent.
        watched = {CONDITION + name: signal for name, signal in conditions.fresh_signals().items()}
        return PreparedRequests({**self._signals, **watched})

    def _answers(self) -> Raw:
        """Return the answers to these requests; raises NotConnectedError with a PV without one."""
        return self._present.read_out.collect()

    @abstractmethod
    def _read(self) -> dict[str, dict[str, Any]]:
        """Return the data of the exposure that has ended."""

    @abstractmethod
    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the data keys with their shapes, units and the PVs behind them."""

    def _power_w(self, _targets: ExposureTargets) -> tuple[float, float]:
        """Return lowest and highest reading of the laser's power meter that belong to the targets, W."""
        return ANY_POWER_W

    def _all_signals(self) -> dict[str, FreshSignalRO]:
        return {**self._exposure.fresh_signals(), **self._axis_signals()}

    def _axis_signals(self) -> dict[str, FreshSignalRO]:
        return {
            f"{axis.name}.{key}": signal for axis in self._axes.values() for key, signal in axis.fresh_signals().items()
        }

    def _exposure_reading(self, raw: Raw) -> ExposureReading:
        """Return the counts; raises AcquisitionError for a different exposure or an INVALID alarm."""
        signals = self._exposure.fresh_signals()
        for key, signal in signals.items():
            require_valid(signal.pvname, raw[key])
        return self._exposure.reading_from({key: raw[key] for key in signals})

    def _indices(self) -> dict[str, Any]:
        targets = self._life.targets
        return {"scan_index": targets.scan_index, "point_index": targets.point_index}

    def _positions(self, raw: Raw) -> dict[str, float]:
        """Return the positions by event field, in the units of the axes."""
        return positions_from(self._axes, raw)

    def _surroundings_signals(self) -> dict[str, FreshSignalRO]:
        """Return the PVs of the surroundings by event field, which are their keys among the raw values, too."""
        return {}

    def _slow(self, raw: Raw) -> dict[str, float]:
        """Return the values of the surroundings by event field, in the units of their PVs."""
        return numbers_from(self._surroundings_signals(), raw)

    def _invalid_marks(self, raw: Raw) -> tuple[str, ...]:
        """Return the marks of the fields that hold a value which is not a measurement."""
        return invalid_marks(self._axes, self._surroundings_signals(), raw)

    def _quality(self, raw: Raw, reading: ExposureReading) -> list[str]:
        """Return the names of the conditions that failed; set `remarks` on them, and `marks`."""
        # The monitors show what failed during the exposure; the values just requested show what fails now, in case a
        # monitor has gone silent. The flux comes last: a low I0 is a finding of its own only if nothing else explains
        # it, and only faultless exposures may teach what is normal.
        fresh = {key.removeprefix(CONDITION): raw[key] for key in raw if key.startswith(CONDITION)}
        watch = self._present.conditions
        monitored = watch.end(fresh)
        failed = {name: watch.remark(name, value) for name, value in sorted(monitored.items())}
        failed |= self._shutter_remarks(reading) | self._counting_remarks(reading) | self._astray(raw)
        failed |= self._flux_remarks(reading, others_failed=bool(failed))
        self.remarks = failed
        self.marks = (I0_DIP,) if self._is_known_dip() else ()
        self.marks += self._invalid_marks(raw)
        return list(failed)

    def _shutter_remarks(self, reading: ExposureReading) -> dict[str, str]:
        shutter = reading.spc.laser_shutter
        expected = self._life.targets.laser_shutter
        if shutter != ShutterCode.MOVED and expected in (None, shutter):
            return {}
        states: dict[int, str] = {ShutterCode.MOVED: "moving", ShutterCode.CLOSED: "closed", ShutterCode.OPEN: "open"}
        wanted = "still" if expected is None else states[expected]
        return {"laser_shutter": f"laser_shutter was {states.get(shutter, shutter)}, needs to be {wanted}"}

    def _counting_remarks(self, reading: ExposureReading) -> dict[str, str]:
        """Return remarks on the counting itself: here on its length; subclasses add those on their own detectors."""
        counted_s = reading.spc.exposure_s
        dwell_s = self._wanted_dwell_s()
        if counted_s < SHORTEST * dwell_s:
            return {"exposure_s": f"exposure_s = {counted_s:g} s, needs {dwell_s:g} s"}
        return {}

    def _wanted_dwell_s(self) -> float:
        """Return the dwell that the exposure should have counted, s."""
        return self._exposure.dwell_s

    def _flux_remarks(self, reading: ExposureReading, *, others_failed: bool) -> dict[str, str]:
        seconds = reading.spc.exposure_s
        per_s = reading.i0 / seconds if seconds > 0 else 0.0
        self.i0_per_s = per_s
        if ConditionName.XRAYS_OFF in self._needed:
            return {}  # there is no flux that could be normal
        if self._is_known_dip():
            # Not remembered: the flux is normal again at the next energy.
            return {}
        normal = self._flux.is_normal(per_s)
        # Only exposures without any other fault teach what is normal: a beam dump must not become the normal.
        if not others_failed and (normal or self._flux.confirms_change(per_s)):
            self._flux.remember(per_s)
            return {}
        return {} if normal else {"i0": f"i0 = {per_s:.4g} counts/s, needs about {self._flux.normal:.4g} counts/s"}

    def _is_known_dip(self) -> bool:
        dip_per_s = self._life.targets.dip_per_s
        return dip_per_s is not None and abs(self.i0_per_s / dip_per_s - 1) <= DIP_TOLERANCE

    def _astray(self, raw: Raw) -> dict[str, str]:
        """Return remarks on the axes that were off their targets: moved by another client, jumped, or not known."""
        remarks = {}
        for key, position in self._present.axes.end(raw).items():
            axis = self._axes[key]
            needs = f"needs {self._present.axes.expected(key):.8g} ± {axis.tolerance:g}"
            remarks[axis.name] = f"{axis.name} = {position:.8g} {axis.unit}, {needs}"
        return remarks

    def read_configuration(self) -> dict[str, dict[str, Any]]:
        """Return nothing: the start document carries every setting."""
        return {}

    def describe_configuration(self) -> dict[str, dict[str, Any]]:
        """Return nothing: the start document carries every setting."""
        return {}

    @property
    def hints(self) -> dict[str, list[str]]:
        """Fields of bluesky's live table: I0, counts."""
        return {"fields": ["i0"]}
