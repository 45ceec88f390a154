"""Suspension of a scan while the beamline is not ready: shutters closed, reason and duration recorded, a time limit.

bluesky's suspenders are too late here: the exception of a dead IOC reaches the plan before they act.

A point that waits is in one of three states: running; suspended, from `begin` to `end` of its clock, with the shutters
closed, until everything has been within limits for its settle time and the X-ray shutter is open; or filling, when only
the ring is being filled, with the shutters as they are. Both waits count towards `suspend_s` of [quality].
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Any

from bluesky.utils import FailedStatus, Msg

from devices.beamline import Beamline
from devices.shutter import Shutter
from devices.signals.uncached_signal import CHANNEL_ERRORS, read_together
from devices.suspension import STREAM
from errors import AcquisitionError, InvalidReadingError, MotionError, NotConnectedError, WaitedError
from plans.engine.clock import PlanClock
from plans.engine.detection import Devices
from plans.engine.wait import send_and_wait
from plans.engine.wait_reports import WaitReports
from plans.types import Plan

STUCK = (FailedStatus, MotionError, NotConnectedError, TimeoutError, *CHANNEL_ERRORS)
"""Errors of a shutter that cannot be moved."""

SHUTTER = "xray_shutter"

logger = logging.getLogger("trxas.plans")


class SuspensionClock:
    """Clock of one point: how long it has waited for the beamline, and when to report that again."""

    def __init__(self, beamline: Beamline) -> None:
        self._quality = beamline.configuration.quality
        self._suspension = beamline.suspension
        self._clock = PlanClock()
        self._before_s = 0.0
        self._since_s: float | None = None
        self._reports = WaitReports(self._quality.report_s)

    @property
    def waited_s(self) -> float:
        """Time that this point has waited, in all suspensions together, s."""
        return self._before_s + (0.0 if self._since_s is None else self._clock.now_s() - self._since_s)

    @property
    def is_suspended(self) -> bool:
        """Whether a suspension has begun and not ended."""
        return self._since_s is not None

    def now_s(self) -> float:
        """Return the time on the clock of the plan, s."""
        return self._clock.now_s()

    def begin(self, reason: str) -> Plan:
        """Begin a suspension: log the reason and store it as an event; does nothing if one has begun already."""
        if self._since_s is None:
            self._since_s = self._clock.now_s()
            self._reports.begin(reason, self._since_s)
            logger.warning("Suspended: %s", reason)
            yield from self._record(reason, suspended=True)

    def step(self, reason: str, limit_s: float) -> Plan:
        """Wait for one poll period; raises WaitedError with the `reason` after `limit_s` seconds."""
        now_s = self._clock.now_s()
        if self.waited_s > limit_s:
            raise WaitedError(
                f"Waited {self.waited_s:.0f} s (at most {limit_s:g} s) for this, but it has not ended: {reason}. The "
                "run is closed and its data are saved; resume it when the beamline is ready, or increase suspend_s "
                "in [quality]."
            )
        if self._reports.are_due(reason, now_s):
            logger.warning("Suspended for %.0f s of at most %g s: %s", self.waited_s, limit_s, reason)
        yield from self._clock.sleep(self._quality.poll_s)
        if self._since_s is None:
            self._before_s += self._clock.now_s() - now_s
        # A checkpoint, so that resuming after a pause does not repeat the whole wait.
        yield Msg("checkpoint")

    def end(self) -> Plan:
        """End the suspension: log its duration, s, and store it as an event."""
        if self._since_s is not None:
            yield from self._record("", suspended=False)
            logger.warning("Continuing after %.1f s", self.waited_s)
            self._before_s = self.waited_s
            self._since_s = None

    def _record(self, reason: str, *, suspended: bool) -> Plan:
        """Store the state of the suspension as its own event stream."""
        state = self._suspension
        state.suspended = suspended
        state.reason = reason
        state.waited_s = self.waited_s
        yield Msg("create", None, name=STREAM)
        yield Msg("read", state)
        yield Msg("save")


def wait_until_well(beamline: Beamline, clock: SuspensionClock, needed: frozenset[str]) -> Generator[Msg, Any, bool]:
    """Wait while one of the `needed` conditions fails, and until all have held for their settle times, s.

    Laser and X-ray shutter are closed meanwhile, unless only the ring is being filled. Afterwards the X-ray shutter is
    open, and the next point sets the laser shutter. Return whether there was anything to wait for. Raises WaitedError
    after `suspend_s` of [quality].
    """
    # Conditions that do not close the shutters (a ring that is being filled) are waited for as long as exactly the same
    # ones fail; when the set changes, everything is checked again, as another condition may have joined them. For all
    # others: shutters closed first, so that a beam that returns does not hit the sample unnoticed; then wait until all
    # have settled; then open the X-rays, which an interlock may still refuse, in which case the wait continues.
    conditions = beamline.point.conditions
    failing = conditions.failing(needed)
    if not failing:
        return False
    limit_s = beamline.configuration.quality.suspend_s
    if not any(condition.closes for condition in failing):
        while conditions.failing(needed) == failing:
            yield from clock.step(", ".join(condition.name for condition in failing), limit_s)
        return (yield from wait_until_well(beamline, clock, needed))
    settle_s = {condition.name: condition.settle_s for condition in failing}
    yield from clock.begin(_not_well(beamline, needed)[0] or ", ".join(settle_s))
    yield from close_shutters(beamline)
    while True:
        yield from _settled(beamline, clock, needed, settle_s)
        try:
            yield from open_xrays(beamline, needed)
        except AcquisitionError as error:
            yield from clock.step(str(error), limit_s)
        else:
            break
    yield from clock.end()
    return True


def _settled(beamline: Beamline, clock: SuspensionClock, needed: frozenset[str], settle_s: dict[str, float]) -> Plan:
    """Wait until nothing has failed for the longest settle time, s, of the conditions that did."""
    limit_s = beamline.configuration.quality.suspend_s
    well_since: float | None = None
    while True:
        reason, found = _not_well(beamline, needed)
        settle_s.update(found)
        now_s = clock.now_s()
        if reason:
            well_since = None
        elif well_since is None:
            well_since = now_s
        if well_since is not None and now_s - well_since >= max(settle_s.values(), default=0.0):
            return
        yield from clock.step(reason or "settling", limit_s)


def _not_well(beamline: Beamline, needed: frozenset[str]) -> tuple[str, dict[str, float]]:
    """Return a phrase on what is outside its limits, and its settle times, s; a silent PV counts as outside."""
    try:
        # The suspension itself has closed the shutter; the permit is what must come back.
        unwell = beamline.point.conditions.not_ready(needed, without=[SHUTTER])
        denied = SHUTTER in needed and permit_denied(beamline)
        tripped = "" if beamline.safety is None else beamline.safety.trip_remark()
    except InvalidReadingError as error:
        return str(error), {}
    except NotConnectedError as error:
        return f"{', '.join(error.pv_names)} does not answer", {}
    reasons = [condition.remark(value, to_resume=True) for condition, value in unwell]
    if denied:
        reasons.append("the interlock gives no permit for the X-ray shutter")
    if tripped:
        reasons.append(tripped)
    return "; ".join(reasons), {condition.name: condition.settle_s for condition, _ in unwell}


def permit_denied(beamline: Beamline) -> bool:
    """Return whether the interlock refuses to open the X-ray shutter; raises NotConnectedError if its PV is silent."""
    # Read from the record, not from the monitor: a permit that was just given must not be missed for the age of a
    # cache.
    permit = beamline.xray_permit
    if permit is None or not permit.connected:
        return False
    return int(read_together({"permit": permit})["permit"]) == 0


def open_xrays(beamline: Beamline, needed: frozenset[str]) -> Plan:
    """Open the X-ray shutter if it is `needed` and closed; raises AcquisitionError if it does not open."""
    shutter = beamline.xray_shutter
    if SHUTTER not in needed:
        return
    try:
        if shutter.position == "open":
            return
        # Asked first, so that the message names the interlock instead of a shutter that did not arrive.
        if permit_denied(beamline):
            raise MotionError("the interlock gives no permit")
        yield from send_and_wait("set", shutter, "open")
    except STUCK as error:
        why = _trip_remark(beamline) or str(error.__cause__ or error)
        raise AcquisitionError(
            f"The xray_shutter does not open: {why.rstrip('.')}. Also check that the hutch is searched and has its "
            "permit, and that no other session holds the beamline."
        ) from error


def _trip_remark(beamline: Beamline) -> str:
    """Return the remedy for a trip of the watchdog; empty if there is none, or if its IOC does not answer."""
    with contextlib.suppress(NotConnectedError):
        return "" if beamline.safety is None else beamline.safety.trip_remark()
    return ""


def close_shutters(beamline: Beamline) -> Plan:
    """Close laser and X-ray shutter; a failure is logged, not raised: the watchdog of a dead IOC closes its shutter."""
    for shutter in (beamline.laser_shutter, beamline.xray_shutter):
        try:
            yield from _close(shutter)
        except STUCK as error:
            logger.warning("The %s was not closed: %s", shutter.name, error.__cause__ or error)


def _close(shutter: Shutter) -> Plan:
    if shutter.can_close and shutter.position == "open":
        yield from send_and_wait("set", shutter, "closed")


def wait_connected(beamline: Beamline, devices: Devices | None = None, timeout_s: float | None = None) -> Plan:
    """Wait until every PV of `devices`, by default those of pump and probe, is connected and answers.

    Raises NotConnectedError after `timeout_s` seconds, by default `reconnect_s` of [quality].
    """
    quality = beamline.configuration.quality
    devices = beamline.pump_probe_devices if devices is None else devices
    timeout_s = quality.reconnect_s if timeout_s is None else timeout_s
    clock = PlanClock()
    reports = WaitReports(quality.report_s)
    while missing := beamline.silent(devices):
        waited_s = clock.now_s()
        if waited_s > timeout_s:
            raise NotConnectedError(missing, timeout_s)
        if reports.are_due(missing[0], waited_s):
            logger.warning("%d PVs have not answered for %.0f s; the first is %s", len(missing), waited_s, missing[0])
        yield from clock.sleep(quality.poll_s)
