"""Permanent duties of a session, whatever plan runs: hold the beamline, send heartbeats, watch the jet.

The IOC has two guards. Its lock belongs to one session, which must send heartbeats to keep it; a session that is
silent for the time-out loses it. Its watchdog is armed by the first heartbeat; silence while a shutter is open trips
it, and it closes both. One thread feeds both guards. It also claims the lock again when the IOC was restarted and has
forgotten the holder, which shows in a holder or a heartbeat number that is not the session's own. The thread never
raises: it tries an IOC that does not answer again at the next beat, and the time-outs of the IOC protect people and
sample meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time

from devices.beamline import Beamline
from devices.shutter import CLOSED, Shutter
from devices.signals.uncached_signal import (
    CHANNEL_ERRORS,
    follow,
    put_and_wait,
    put_with_completion,
    read_together,
    read_with_alarms,
)
from devices.supervision.lock_text import lock_text
from errors import HeldError, NotConnectedError

BEATS = 5
"""Number of heartbeats within the time-out of the IOC."""

POLL_S = 0.1
"""Time between two checks of a lock that another session holds, s."""

GONE = (NotConnectedError, TimeoutError, *CHANNEL_ERRORS)
"""Errors of reading from or writing to an IOC that dies or hangs."""

logger = logging.getLogger("trxas.guard")


class SessionGuard:
    """A thread beside the RunEngine's that claims the beamline for `name`, at its start and after a reconnection.

    A beamline without [holder] or [safety] in its configuration is not claimed or has no heartbeat; the jet is watched
    anyway.
    """

    def __init__(self, beamline: Beamline, name: str) -> None:
        self._beamline = beamline
        self._text = lock_text(name)
        self._stopping = threading.Event()
        self._wake = threading.Event()
        # The first number differs from session to session: a new holder's first beat must not equal the old one's last.
        self._beat = int(time.time()) % 1_000_000
        self._jet_flows = True
        self._thread = threading.Thread(target=self._run, name="trxas guard", daemon=True)

    def start(self) -> None:
        """Claim the beamline and start the thread; raises HeldError naming the session that holds it."""
        if self._beamline.holder is not None:
            self._claim()
        if self._beamline.surroundings.jet_flow is not None:
            follow(self._beamline.surroundings.jet_flow, self._jet_changed)
        for device in (self._beamline.holder, self._beamline.safety):
            if device is not None:
                device.heartbeat.subscribe(lambda **_: self._wake.set(), event_type="meta", run=False)
        self._feed()
        self._thread.start()

    def close(self) -> None:
        """Disarm the watchdog, as heartbeats end here, and release the beamline.

        Raises nothing: an IOC that does not answer is logged. A second call does nothing.
        """
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._wake.set()
        # The thread ends first, because a late heartbeat would arm the watchdog again.
        self._thread.join(timeout=30)
        try:
            if self._beamline.safety is not None:
                put_and_wait(self._beamline.safety.disarm, 1)
            # The lock may have expired meanwhile and belong to another session.
            if self._beamline.holder is not None and self._beamline.holder.held_by()[0] == self._text:
                self._beamline.holder.release()
        except GONE as error:
            logger.warning("The beamline was not released; its lock expires after the time-out: %s", error)

    def _claim(self) -> None:
        """Claim the beamline; wait for a holder without heartbeat until the IOC drops its lock."""
        # Three cases: free, and the claim succeeds at once; held by a living session, whose next heartbeat proves it
        # and ends the wait with an error; held by a dead session, whose lock the IOC drops after its time-out. Only the
        # heartbeat distinguishes the last two, so the wait lasts as long as the time-out, plus a margin.
        holder = self._beamline.holder
        assert holder is not None  # checked by the caller
        now_held = holder.claim(self._text)
        if now_held == self._text:
            return
        limit_s = float(read_together({"limit": holder.limit_s})["limit"])
        logger.warning(
            "The beamline is held by %s; waiting up to %.0f s for a sign of life or the end of its lock",
            now_held,
            limit_s,
        )
        _, first_beat = holder.held_by()
        deadline = time.monotonic() + limit_s + 2.0
        while time.monotonic() < deadline:
            time.sleep(POLL_S)
            text, beat = holder.held_by()
            # The holder is alive: waiting longer would not help.
            if text and beat != first_beat:
                break
            if not text and holder.claim(self._text) == self._text:
                return
        raise HeldError(
            f"The beamline is held by {holder.held_by()[0] or now_held} (user@host:process#id). Close that session, or "
            "open this one read-only (trxas ipython --read-only): it can read everything and run no plan. If the queue "
            "of `trxas serve` holds it, click Disconnect beamline in the window, or serve with --no-environment."
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._interval_s())
            self._wake.clear()
            if not self._stopping.is_set():
                self._watch_jet()
                self._feed()

    def _interval_s(self) -> float:
        settings = self._beamline.configuration.safety
        longest = 1.0 if settings is None else settings.interval_s
        devices = [device for device in (self._beamline.holder, self._beamline.safety) if device is not None]
        try:
            limits = [float(read_together({"limit": device.limit_s}, 1.0)["limit"]) for device in devices]
        except GONE:
            return min(longest, POLL_S)
        # Others may shorten the time-outs while the session is open.
        return min([longest, *(limit / BEATS for limit in limits)])

    def _feed(self) -> None:
        """Send one heartbeat; claim first if the IOC was restarted and has forgotten the holder."""
        holder = self._beamline.holder
        safety = self._beamline.safety
        try:
            if holder is not None:
                text, beat = holder.held_by()
                # Another text or beat means that the IOC was restarted, or that another session has taken the lock.
                if (text != self._text or beat != self._beat) and holder.claim(self._text) != self._text:
                    logger.error(
                        "The beamline was lost to %s, so plans cannot move anything. Close that session, then open "
                        "this one again.",
                        text,
                    )
                self._beat += 1
                put_and_wait(holder.heartbeat, self._beat)
            if safety is not None:
                put_and_wait(safety.heartbeat, self._beat)
        except GONE as error:
            logger.debug("No heartbeat: %s", error)

    def _jet_changed(self, flow_ml_min: float) -> None:
        if self._flows(flow_ml_min) != self._jet_flows:
            self._wake.set()

    def _flows(self, flow_ml_min: float) -> bool:
        """Return whether the flow makes a sheet; an unknown flow, NaN, counts as no sheet."""
        return flow_ml_min >= self._beamline.configuration.quality.jet_stopped_below_ml_min

    def _watch_jet(self) -> None:
        """Close the laser shutter when the jet stops, and the X-ray shutter unless the powder cell is in the beam."""
        if self._beamline.surroundings.jet_flow is None:
            return
        # Only the change from flowing to standing closes the shutters, so that a person can open them afterwards, to
        # align without a jet. An unknown flow counts as standing: a laser on a standing jet burns the sample.
        try:
            reading = read_with_alarms({"flow": self._beamline.surroundings.jet_flow}, 1.0)["flow"]
            flows = self._flows(reading.number())
            stopped = self._jet_flows and not flows
            self._jet_flows = flows
            if stopped:
                shutters = [self._beamline.laser_shutter]
                if self._jet_in_beam():
                    shutters.append(self._beamline.xray_shutter)
                why = "The jet stopped" if reading.valid else f"The flow of the jet is unknown (alarm {reading.alarm})"
                logger.warning("%s: closing %s", why, " and ".join(shutter.name for shutter in shutters))
                for shutter in shutters:
                    if shutter.can_close:
                        _close(shutter)
        except GONE as error:
            logger.debug("The jet cannot be watched: %s", error)

    def _jet_in_beam(self) -> bool:
        stage = self._beamline.sample_stage
        return stage is None or not stage.connected or stage.position == "jet"


def _close(shutter: Shutter) -> None:
    put_with_completion(shutter.setpoint, int(CLOSED), lambda **_: None)
