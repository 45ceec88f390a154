"""Measuring one point, again if need be: settings, shutter, trigger, read-out."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import FailedStatus, Msg

from devices.beamline import Beamline
from devices.cell import TEMPERATURE
from devices.pilatus import Pilatus
from devices.settings import Target
from devices.shutter import STATES
from errors import AcquisitionError, MotionError, NotConnectedError, NotSettledError, StorageError
from plans.detection import Detection, Devices
from plans.request import ScanRequest

Plan = Generator[Msg, Any, None]
Changes = Mapping[str, Target]

ATTEMPTS = 3
"""Times one point is tried before the run ends with the reason."""

RECONNECT_TIMEOUT_S = 120.0
"""How long a plan waits for an IOC to come back (a restart takes 8 to 9 s)."""

RECONNECT_POLL_S = 0.5

RETRYABLE = (FailedStatus, AcquisitionError, MotionError, TimeoutError)
"""What a second attempt can mend, a lost connection (a TimeoutError) included; not wrong input."""

FINAL = (NotSettledError, StorageError)
"""What looks the same at the next attempt, though a status failed with it: a heater, a full disk."""

logger = logging.getLogger("trxas.plans")


def apply_settings(beamline: Beamline, request: ScanRequest, targets: Changes) -> Plan:
    """End what still counts, set the detectors anew, then the sample, and every axis and shutter of `targets` together.

    The temperature comes last, as it takes longest.
    """
    yield from bps.stop(beamline.exposure)
    yield from bps.configure(beamline.exposure, {"dwell_s": request.dwell_s})
    yield from put_sample(beamline, request.detection)
    yield from bps.abs_set(beamline.settings, targets, wait=True)
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


def expose(
    beamline: Beamline, request: ScanRequest, scan_index: int, point_index: int, targets: Changes
) -> Generator[Msg, Any, list[str]]:
    """One exposure as one event; nothing is stored if the read-out fails. Returns the conditions that failed."""
    # Messages as such: every stub of bluesky's formats the whole call stack, which at each point costs milliseconds.
    detection = request.detection
    reader = detection.reader
    yield Msg("trigger", detection.detector, group="exposure")
    yield Msg("wait", None, group="exposure")
    reader.scan_index, reader.point_index = scan_index, point_index
    reader.expected_shutter = STATES[str(targets["laser_shutter"])]
    reader.demanded = {name: float(targets[name]) for name in targets if name in beamline.axes}
    if request.temperature_c is not None:
        reader.demanded = {**reader.demanded, TEMPERATURE: request.temperature_c}
    yield Msg("create", None, name="primary")
    try:
        reading = yield Msg("read", reader)
        if detection.pilatus is not None:
            yield Msg("read", detection.pilatus)
    except Exception:  # whatever it was, the open event must be dropped before it goes on to the caller
        yield Msg("drop")
        raise
    yield Msg("save")
    # From here on the point is stored: a pause must not measure it twice.
    yield Msg("checkpoint")
    quality = reading["quality"]["value"] if reading else ""
    return [name for name in quality.split(",") if name]


def curable(beamline: Beamline) -> set[str]:
    """Conditions that setting everything anew can mend: axes, shutter, sample or temperature astray."""
    movers = (*beamline.axes.values(), beamline.laser_shutter, beamline.sample_stage, beamline.cell)
    return {mover.name for mover in movers if mover is not None}


def measure(
    beamline: Beamline, request: ScanRequest, scan_index: int, point_index: int, targets: Changes, changed: Changes
) -> Plan:
    """Measure one point: make what `changed` since the last one, all `targets` at the first, and expose.

    On failure wait for the beamline, set everything anew and repeat; raises the last failure after as many attempts as
    allowed. A point whose axes, shutter or sample were found astray is stored as bad and measured again likewise.
    """
    anew = not changed.keys() < targets.keys()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if anew:
                yield from apply_settings(beamline, request, targets)
            elif changed:
                yield Msg("set", beamline.settings, changed, group="settings")
                yield Msg("wait", None, group="settings")
            failed = yield from expose(beamline, request, scan_index, point_index, targets)
        except RETRYABLE as error:
            if attempt == ATTEMPTS or isinstance(reason(error), FINAL):
                raise
            logger.warning("Point %d of scan %d is measured again: %s", point_index, scan_index, reason(error))
            yield from wait_connected(beamline, request.detection.devices)
        else:
            if not curable(beamline).intersection(failed):
                return
            logger.warning("Point %d of scan %d is measured again: %s astray", point_index, scan_index, failed)
        anew = True


def wait_connected(beamline: Beamline, devices: Devices | None = None, timeout_s: float | None = None) -> Plan:
    """Wait until every PV of `devices`, by default those of pump and probe, is connected and answers.

    Raises NotConnectedError when the time, by default RECONNECT_TIMEOUT_S, is up.
    """
    devices = beamline.pump_probe_devices if devices is None else devices
    timeout_s = RECONNECT_TIMEOUT_S if timeout_s is None else timeout_s
    deadline = time.monotonic() + timeout_s
    while missing := beamline.silent(devices):
        if time.monotonic() > deadline:
            raise NotConnectedError(missing, timeout_s)
        logger.warning("Waiting for %d PVs, first of them %s", len(missing), missing[0])
        yield from bps.sleep(RECONNECT_POLL_S)


def with_reasons(plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
    """`plan`, its failures raised as what went wrong instead of bluesky's FailedStatus around it."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        raise reason(error) from error


def reason(error: BaseException) -> BaseException:
    """What made a status fail: the MotionError, AcquisitionError or time-out behind bluesky's FailedStatus."""
    return error.__cause__ if isinstance(error, FailedStatus) and error.__cause__ is not None else error
