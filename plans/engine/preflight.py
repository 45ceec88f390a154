"""Checks against the beamline as it is now, made before the first motion."""

from __future__ import annotations

from devices.beamline import Beamline
from devices.exposure.conditions import Condition
from errors import AcquisitionError, NotConnectedError
from plans.engine.detection import Detection
from plans.engine.suspending import SHUTTER


def check_beamline(beamline: Beamline, detection: Detection) -> None:
    """Raise if a PV that `detection` uses is missing, a detector is busy, or a condition would mark every point as bad.

    What it does not use may be missing, off or closed. From now on its conditions are those that are watched.
    """
    if detection.pilatus is not None:
        detection.pilatus.connect()
    if missing := beamline.disconnected(detection.devices):
        raise NotConnectedError(missing, 0.0)
    beamline.exposure.check_idle()
    detection.reader.start_run(detection.conditions)
    failing = beamline.point.conditions.failing(detection.conditions)
    if failed := sorted(condition.name for condition in failing if _must_hold(condition)):
        raise AcquisitionError(
            f"Every point would be bad: {', '.join(failed)} not as needed. `trxas doctor` shows the values and limits; "
            "nothing was moved."
        )
    if detection.pilatus is not None:
        detection.pilatus.check_ready()


def _must_hold(condition: Condition) -> bool:
    """Return whether a scan needs it to begin: it opens the X-ray shutter itself, and waits for a filling ring."""
    return condition.closes and condition.name != SHUTTER
