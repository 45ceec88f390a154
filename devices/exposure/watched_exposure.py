"""One exposure with what belongs to it alone, and the one that begins before the plan asks for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ophyd.status import Status, StatusBase

from devices.exposure.axis_watch import AxisWatch
from devices.exposure.conditions import ConditionWatch
from devices.exposure.life_cycle import ExposureTargets
from devices.exposure.read_out import ReadOut
from devices.signals.deadlines import DEADLINES
from devices.signals.move_status import AllOf, finish, without_cycle
from devices.signals.put_batch import COMPLETIONS
from devices.signals.uncached_signal import PreparedRequests, RequestedReadings
from errors import AcquisitionError

logger = logging.getLogger("trxas.devices")


HELD_S = 0.02
"""Longest time that the end of an exposure is held back for the next one, s: twice what an electronic delay takes."""


class WatchedExposure:
    """One exposure: its `targets`, the watches over its `conditions` and `axes`, and its `read_out`.

    `prepare` makes the requests of what is read at its end ready, those of its conditions included,
    and `before` is called before they are sent.
    """

    # At the end of an exposure the next one waits for a chain of a few short steps: request, move, trigger. Everything
    # that the plan does with the exposure would share the interpreter with these steps, so the end is reported to it
    # once the next exposure counts, by `reported`. If that does not begin, the plan waits for HELD_S at most.

    def __init__(
        self,
        targets: ExposureTargets,
        conditions: ConditionWatch,
        axes: AxisWatch,
        prepare: Callable[[ConditionWatch], PreparedRequests],
        before: Callable[[], None],
    ) -> None:
        self.targets = targets
        self.conditions = conditions
        self.axes = axes
        self.read_out = ReadOut(self._send, self._release)
        self._prepare = prepare
        self._before = before
        self._prepared: PreparedRequests | None = None
        self._reporting = threading.Lock()
        self.reported = without_cycle(Status())
        """Done when the plan may continue with the exposure that has ended."""

    def has_arrived(self, arriving: frozenset[str] = frozenset()) -> bool:
        """Return whether everything is where the exposure needs it, according to monitors, which may be late.

        The axes `arriving`, by event field, do not matter yet. The read-backs that ended the moves count as well, if
        they are newer. Raises NotConnectedError if a PV that is followed for the first time does not answer.
        """
        return not self.axes.astray(arriving) and self.conditions.is_met()

    def begin(self, trigger: Callable[[], StatusBase], arriving: frozenset[str] = frozenset()) -> BegunExposure:
        """Start both watches, then the detectors by `trigger`: what fails between the two is part of the exposure.

        The axes `arriving`, by event field, are watched from `axes.arrive` on.
        """
        self.conditions.begin()
        self.axes.begin(arriving)
        status = trigger()
        self._prepared = self._prepare(self.conditions)
        status.add_callback(self._ended)
        return BegunExposure(self, status)

    def _send(self) -> RequestedReadings:
        prepared = self._prepared or self._prepare(self.conditions)
        self._prepared = None
        self._before()
        return prepared.send()

    def _ended(self, status: StatusBase) -> None:
        """Request the read-out of a successful exposure, and let the plan go on: at once, or after the next trigger."""
        if status.success:
            COMPLETIONS.call(self._request)
        else:
            self.read_out.abandon()

    def _request(self) -> None:
        try:
            self.read_out.request()
        finally:
            # Whatever happens, the plan goes on.
            if self.read_out.is_followed:
                DEADLINES.add(HELD_S, self.report_end)
            else:
                self.report_end()

    def close(self) -> None:
        """End the watches and the read-out of an exposure that nobody reads; raises nothing."""
        self.read_out.abandon()
        self.conditions.close()
        self.axes.close()

    def report_end(self) -> None:
        """Let the plan continue with the exposure that has ended."""
        with self._reporting:
            finish(self.reported)

    def _release(self, axes: frozenset[str]) -> bool:
        """Let `axes`, by event field, leave during the read-out; return false if the exposure is known to be bad."""
        return not self.conditions.has_failed and self.axes.release(axes)


class BegunExposure(NamedTuple):
    """An exposure that has been triggered, and the status of its detectors."""

    exposure: WatchedExposure
    status: StatusBase

    def end(self) -> StatusBase:
        """Return the status of the exposure for the plan; it fails with the reason of the detectors' failure."""
        return AllOf([self.status, self.exposure.reported], timeout_error=AcquisitionError)


class ExposureAhead:
    """The exposure that begins at the end of a move, before its predecessor is judged and stored.

    `trigger` starts an exposure on the detectors. An exposure may begin behind the one that `allow` names, until that
    is found to be bad, or anything else comes in between.
    """

    # The axes report the end of their move on a thread of Channel Access. The plan comes to the next trigger later,
    # after it has judged and stored the exposure before, and takes the exposure that has begun over with that trigger.
    # Whatever it does instead abandons the exposure. All changes under the lock, and an exposure is begun under it,
    # too: either it is abandoned before it has begun, or it has begun and is ended. `_is_left` is set from the
    # abandonment until the detectors have been stopped.

    def __init__(self, trigger: Callable[[WatchedExposure, frozenset[str]], BegunExposure]) -> None:
        self._trigger = trigger
        self._behind: WatchedExposure | None = None
        self._begun: BegunExposure | None = None
        self._is_left = False
        self._lock = threading.Lock()

    def allow(self, present: WatchedExposure) -> None:
        """Allow one exposure to begin behind `present`."""
        with self._lock:
            self._behind = present

    def begin(self, present: WatchedExposure, exposure: WatchedExposure, arriving: frozenset[str]) -> bool:
        """Begin `exposure` behind `present` if allowed and if all but the axes `arriving` are at their targets.

        Return whether it has begun; otherwise the plan triggers it. Raises nothing.
        """
        with self._lock:
            if self._behind is not present:
                return False
            self._behind = None
            try:
                if exposure.has_arrived(arriving):
                    self._begun = self._trigger(exposure, arriving)
            except Exception as error:  # noqa: BLE001  # whatever it is, the trigger of the plan shows it
                exposure.close()
                logger.info("The plan has to trigger the next exposure: %s", error)
            return self._begun is not None

    def exposure_for(self, targets: ExposureTargets) -> WatchedExposure | None:
        """Let no exposure begin any more, and return the one that has begun if it has the same `targets`."""
        with self._lock:
            self._behind = None
            if self._begun is None or self._begun.exposure.targets != targets:
                return None
            return self._begun.exposure

    def has_begun(self, exposure: WatchedExposure) -> bool:
        """Return whether `exposure` has begun already."""
        begun = self._begun
        return begun is not None and begun.exposure is exposure

    def take(self) -> BegunExposure | None:
        """Return the exposure that has begun, once, which belongs to the plan from now on; None without one."""
        with self._lock:
            begun = self._begun
            self._begun = None
            return begun

    def abandon(self, exposure: WatchedExposure | None = None) -> bool:
        """Let no exposure begin any more, and forget the one that has begun; return whether there was one.

        With an `exposure`, nothing happens unless it is the one that has begun.
        """
        with self._lock:
            begun = self._begun
            if exposure is not None and (begun is None or begun.exposure is not exposure):
                return False
            self._behind = None
            self._begun = None
            self._is_left = self._is_left or begun is not None
        if begun is not None:
            begun.exposure.close()
        return begun is not None

    @property
    def is_left(self) -> bool:
        """Whether the detectors may still be counting an exposure that was abandoned."""
        return self._is_left

    def leave(self) -> None:
        """Note that the detectors may still be counting an exposure which is abandoned."""
        with self._lock:
            self._is_left = True

    def note_stopped(self) -> None:
        """Note that the detectors count no abandoned exposure any more."""
        with self._lock:
            self._is_left = False


class BeginsAhead(Protocol):
    """Reader that begins and abandons the exposure behind the present one."""

    def begin_ahead(self, present: WatchedExposure, exposure: WatchedExposure, arriving: frozenset[str]) -> bool:
        """Begin `exposure` behind `present` unless that is forbidden; return whether it has begun. Raises nothing."""

    def give_up(self, exposure: WatchedExposure) -> None:
        """Abandon `exposure`, which began too early, and begin none of this run ahead again; raises nothing."""


class FollowingExposure:
    """The `exposure` behind the `present` one of `reader`, to begin at the end of the move between them.

    `arriving` are the axes of the move, by event field.
    """

    def __init__(
        self, reader: BeginsAhead, present: WatchedExposure, exposure: WatchedExposure, arriving: frozenset[str]
    ) -> None:
        self._reader = reader
        self._present = present
        self._exposure = exposure
        self._arriving = arriving
        self._has_begun = False

    def begin(self) -> None:
        """Begin the exposure if all that the present one has counted is read; raises nothing."""
        if self._present.read_out.is_answered:
            self._has_begun = self._reader.begin_ahead(self._present, self._exposure, self._arriving)

    def end_move(self, *, confirmed: bool) -> None:
        """Watch the axes that have arrived, or give the exposure up; then let the plan go on. Raises nothing."""
        if self._has_begun and not (confirmed and self._exposure.axes.arrive()):
            self._reader.give_up(self._exposure)
        self._present.report_end()
