"""Exposures one after the other: armed, triggered, cut short if they fail, and begun before the plan asks for them.

Order of calls, once per run: `start_run`. Once per exposure: `arm` with the targets, `trigger`, and the read-out when
the status is done; `ExposureLifeCycle` refuses any other order. Two watches run from the trigger to the read-out: one
over the conditions (ring, shutter, jet, laser), one over the axes. When either sees a failure, it cuts the exposure
short. The read-out requests everything in one round trip: the frames, the axes, the surroundings, and the conditions
again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bluesky.utils import NoReplayAllowed
from ophyd import Device
from ophyd.status import StatusBase

from devices.axes.axis import Axis, Following
from devices.axes.cell import TEMPERATURE
from devices.axes.move_ahead import WaitingMove
from devices.exposure.axis_watch import AxisWatch, FollowedAxes
from devices.exposure.condition_limits import ANY_POWER_W, CONDITIONS, LASER_ONLY
from devices.exposure.conditions import Conditions, ConditionWatch
from devices.exposure.event_fields import Raw
from devices.exposure.gated_detectors import Exposure, SimultaneousDetectors
from devices.exposure.life_cycle import ExposureLifeCycle, ExposurePhase, ExposureTargets
from devices.exposure.watched_exposure import BegunExposure, ExposureAhead, FollowingExposure, WatchedExposure
from devices.names import AxisName
from devices.shutter import CLOSED
from devices.signals.connection import one_server
from devices.signals.pausing import failures_logged
from devices.signals.uncached_signal import FreshSignalRO, PreparedRequests, read_with_alarms
from errors import NotConnectedError

logger = logging.getLogger("trxas.devices")

CONDITION = "condition:"
"""Prefix of the keys of conditions among the raw values."""


class ExposingReader:
    """What makes the exposures of a reader: a bluesky Triggerable, which can be staged and paused.

    A plan calls `start_run` once and `arm` before each trigger; a stock plan that stages the reader gets exposures
    without targets. `is_stored` is set while the latest exposure is stored and the plan has not confirmed that by a
    checkpoint: a pause must not repeat it.
    """

    parent = None

    def __init__(
        self,
        name: str,
        axes: Mapping[str, Axis],
        exposure: Exposure,
        conditions: Conditions,
        detectors: Sequence[Device] = (),
    ) -> None:
        self.name = name
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
        self._staged = False

    @property
    def conditions(self) -> Conditions:
        """Conditions of ring, shutter, jet and laser; all readers of the same exposures share them."""
        return self._conditions

    @property
    def phase(self) -> ExposurePhase:
        """Phase of the current exposure."""
        return self._life.phase

    def start_run(self, needed: frozenset[str]) -> None:
        """Begin a new run, in which the `needed` conditions must hold for a point to be good; raises nothing."""
        self._needed = needed
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
        if self._ahead.is_left:
            self._exposure.stop()
            self._present = self._next_exposure(self._present.targets)
            self._ahead.note_stopped()

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

        Raises NoReplayAllowed, as bluesky expects, if the exposure is stored. A failure to stop it is logged, not
        raised; the next trigger stops it then.
        """
        # First, so that the end of the stopped exposure moves nothing.
        self.abandon()
        self._ahead.leave()
        with failures_logged("The exposure was not stopped for the pause, and is stopped before the next one"):
            self._end_abandoned()
        self._life.interrupt()
        if self.is_stored:
            raise NoReplayAllowed

    def resume(self) -> None:  # bluesky calls it; there is nothing to do
        """Do nothing: the plan triggers again."""

    def _started_with(self) -> tuple[Any, ...]:
        """Return the further devices that are triggered with the detectors; their triggers must not fail."""
        return ()

    def _request_further(self) -> None:  # most readers have no further detectors
        """Request what other detectors than those of the exposure hold, just before the read-out; raises nothing."""

    def _prepare_requests(self, conditions: ConditionWatch) -> PreparedRequests:
        """Return the requests of everything that belongs to an exposure."""
        # The conditions in the same round trip: a monitor may have gone silent.
        watched = {CONDITION + name: signal for name, signal in conditions.fresh_signals().items()}
        return PreparedRequests({**self._signals, **watched})

    def _answers(self) -> Raw:
        """Return the answers to these requests; raises NotConnectedError with a PV without one."""
        return self._present.read_out.collect()

    def _power_w(self, _targets: ExposureTargets) -> tuple[float, float]:
        """Return lowest and highest reading of the laser's power meter that belong to the targets, W."""
        return ANY_POWER_W

    def _axis_signals(self) -> dict[str, FreshSignalRO]:
        return {
            f"{axis.name}.{key}": signal for axis in self._axes.values() for key, signal in axis.fresh_signals().items()
        }
