"""Measuring one point, again if need be: settings, shutter, trigger, read-out."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, Msg

from devices.axes.axis_group import Target
from devices.axes.cell import TEMPERATURE
from devices.beamline import Beamline
from devices.detectors.pilatus import Pilatus
from devices.exposure.event_reader import EventReader
from devices.shutter import STATES
from devices.signals.uncached_signal import CHANNEL_ERRORS
from errors import AcquisitionError, MotionError, NotSettledError, StorageError, WaitedError
from plans.engine.detection import Detection
from plans.engine.request import ScanRequest
from plans.engine.suspending import Plan, Waiting, wait_connected, wait_until_well
from plans.engine.wait import complete

Changes = Mapping[str, Target]

RETRYABLE = (FailedStatus, AcquisitionError, MotionError, TimeoutError, *CHANNEL_ERRORS)
"""What a second attempt can mend, a lost connection (a TimeoutError) included; not wrong input."""

FINAL = (NotSettledError, StorageError, WaitedError)
"""What looks the same at the next attempt, though a status failed with it: a heater, a full disk."""

MONITORS_LATE_S, MONITORS_POLL_S = 0.5, 0.001
"""How long monitors may be late, and the power meter: usual ones show a reading ten times a second."""

logger = logging.getLogger("trxas.plans")


def apply_settings(beamline: Beamline, request: ScanRequest, targets: Changes) -> Plan:
    """End what still counts, set the detectors anew, then the sample, and every axis and shutter of `targets` together.

    The temperature comes last, as it takes longest.
    """
    yield from bps.stop(beamline.exposure)
    yield from bps.configure(beamline.exposure, {"dwell_s": request.dwell_s})
    yield from put_sample(beamline, request.detection)
    yield from bps.abs_set(beamline.axis_group, targets, wait=True)
    if request.temperature_c is not None and beamline.cell is not None:
        yield from bps.abs_set(beamline.cell, request.temperature_c, wait=True)
    if request.detection.pilatus is not None:
        yield from open_image_file(request.detection.pilatus, request.dwell_s)


def put_sample(beamline: Beamline, detection: Detection) -> Plan:
    """Put jet or cell into the beam; a beamline whose stage is missing or off has only the jet."""
    stage = beamline.sample_stage
    if detection.sample is None or stage is None or (detection.sample == "jet" and not stage.connected):
        return
    yield from bps.abs_set(stage, detection.sample, wait=True)


def open_image_file(pilatus: Pilatus, exposure_s: float) -> Plan:
    """Let the Pilatus begin a new file: after a failure nobody knows what the old one holds."""
    yield from bps.stop(pilatus)
    yield from bps.unstage(pilatus)
    yield from bps.configure(pilatus, {"exposure_s": exposure_s})
    yield from bps.stage(pilatus)


def expect(beamline: Beamline, request: ScanRequest, targets: Changes) -> None:
    """Tell the reader where everything has to be in the next exposures."""
    positions = {name: float(targets[name]) for name in targets if name in beamline.axes}
    if request.temperature_c is not None:
        positions[TEMPERATURE] = request.temperature_c
    request.detection.reader.expect(positions, STATES[str(targets["laser_shutter"])])


def wait_for_monitors(reader: EventReader) -> Plan:
    """Let monitors and power meter follow the settings: later news of a move would mark a good exposure as bad.

    Those that stay behind have gone silent, and are not believed.
    """
    deadline = time.monotonic() + MONITORS_LATE_S
    while not reader.has_arrived():
        if time.monotonic() > deadline:
            reader.ask_anew()
            return
        yield Msg("sleep", None, MONITORS_POLL_S)


def expose(request: ScanRequest, scan_index: int, point_index: int) -> Generator[Msg, Any, list[str]]:
    """One exposure as one event; nothing is stored if the read-out fails. Returns what was wrong with it."""
    # Messages as such: every stub of bluesky's formats the whole call stack, which at each point costs milliseconds.
    detection = request.detection
    reader = detection.reader
    yield from complete("trigger", detection.detector)
    reader.scan_index, reader.point_index = scan_index, point_index
    yield Msg("create", None, name="primary")
    try:
        reading = yield Msg("read", reader)
        if detection.pilatus is not None:
            yield Msg("read", detection.pilatus)
    except Exception:  # raised again: whatever it was, with this event left open no other can be begun
        yield Msg("drop")
        raise
    yield Msg("save")
    # From here on the point is stored: a pause must not measure it twice.
    yield Msg("checkpoint")
    quality = reading["quality"]["value"] if reading else ""
    return [reader.remarks.get(name, name) for name in quality.split(",") if name]


class Attempts:
    """How often one point has been tried; raises when it is enough."""

    def __init__(self, beamline: Beamline, point: str) -> None:
        self._quality, self._point = beamline.configuration.quality, point
        self._made = 0

    def failed(self, why: str, waited_s: float, error: BaseException | None = None) -> Plan:
        """Count one that failed, and pause before the next; after the last raises `error`, else AcquisitionError."""
        self._made += 1
        if self._made >= self._quality.attempts:
            raise error or AcquisitionError(
                f"{self._point} was bad {self._made} times, {waited_s:.0f} s of waiting included. Last: {why}. The run "
                "is closed and what was measured is kept; mend the cause and resume it."
            )
        logger.warning("%s is measured again: %s", self._point, why)
        yield Msg("sleep", None, min(self._quality.pause_s * 2 ** (self._made - 1), self._quality.pause_high_s))
        yield Msg("checkpoint")


def measure(
    beamline: Beamline, request: ScanRequest, scan_index: int, point_index: int, targets: Changes, changed: Changes
) -> Plan:
    """Measure one point until it is good: make what `changed` since the last one, all `targets` at first, and expose.

    A failed condition stops the scan until it is well again; whatever failed, everything is set anew before the point
    is measured again. What was measured badly is stored as such. Raises the last failure, or AcquisitionError naming
    what was bad, when attempts or waiting time of [quality] are used up.
    """
    anew = not changed.keys() < targets.keys()
    attempts = Attempts(beamline, f"Point {point_index} of scan {scan_index}")
    waiting = Waiting(beamline)
    while True:
        try:
            anew |= yield from wait_until_well(beamline, waiting)
            expect(beamline, request, targets)
            if anew:
                yield from apply_settings(beamline, request, targets)
            elif changed:
                yield from complete("set", beamline.axis_group, changed)
            yield from wait_for_monitors(request.detection.reader)
            failed = yield from expose(request, scan_index, point_index)
        except RETRYABLE as error:
            if isinstance(reason(error), FINAL):
                raise
            yield from attempts.failed(str(reason(error)), waiting.waited_s, error)
            yield from wait_connected(beamline, request.detection.devices)
        else:
            if not failed:
                return
            yield from attempts.failed("; ".join(failed), waiting.waited_s)
        anew = True


def with_reasons(plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
    """`plan`, its failures raised as what went wrong instead of bluesky's FailedStatus around it."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        raise reason(error) from error


def reason(error: BaseException) -> BaseException:
    """What made a status fail: the MotionError, AcquisitionError or time-out behind bluesky's FailedStatus."""
    return error.__cause__ if isinstance(error, FailedStatus) and error.__cause__ is not None else error
