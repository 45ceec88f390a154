"""Checks of the current state of the beamline, made before the first motion."""

from __future__ import annotations

from devices.beamline import Beamline
from devices.exposure.condition_limits import Condition
from errors import AcquisitionError, NotConnectedError
from plans.engine.detection import Detection
from plans.engine.suspending import SHUTTER


def check_beamline(beamline: Beamline, detection: Detection) -> None:
    """Raise NotConnectedError for a missing PV of `detection`, AcquisitionError if every point would be bad.

    Every point would be bad if a detector is busy or a condition fails. Devices that `detection` does not use may be
    missing, off or closed. The conditions of `detection` are watched from then on.
    """
    if detection.pilatus is not None:
        detection.pilatus.connect()
    if missing := beamline.disconnected(detection.devices):
        raise NotConnectedError(missing, 0.0)
    beamline.exposure.check_idle()
    detection.reader.start_run(detection.conditions)
    # A scan waits for a condition that leaves the shutters open, such as a filling ring. Any other stops it here, so
    # that a user at the prompt learns of an unlocked laser at once, instead of waiting in a suspension.
    failing = beamline.point.conditions.failing(detection.conditions)
    if failed := sorted(condition.name for condition in failing if _must_hold(condition)):
        raise AcquisitionError(
            f"Every point would be bad: {', '.join(failed)} out of limits. `trxas doctor` shows the values and limits; "
            "nothing was moved."
        )
    if detection.pilatus is not None:
        detection.pilatus.check_ready()


def _must_hold(condition: Condition) -> bool:
    """Return whether a scan needs this to begin; a scan opens the X-ray shutter itself, and waits for the ring."""
    return condition.closes and condition.name != SHUTTER
