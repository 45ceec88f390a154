"""Checks against the living beamline, made before the first motion."""

from __future__ import annotations

from devices.beamline import Beamline
from devices.conditions import CONDITIONS
from errors import AcquisitionError, NotConnectedError
from plans.detection import Detection


def check_beamline(beamline: Beamline, detection: Detection) -> None:
    """Raise if a PV that `detection` uses is missing, a detector is busy, or a condition would mark every point as bad.

    What it does not use may be missing, off or closed.
    """
    if detection.pilatus is not None:
        detection.pilatus.connect()
    if missing := beamline.disconnected(detection.devices):
        raise NotConnectedError(missing, 0.0)
    beamline.exposure.check_idle()
    if failed := failed_conditions(beamline, detection.conditions):
        raise AcquisitionError(
            f"Every point would be bad: {', '.join(failed)} not as needed. `trxas doctor` shows the values and limits; "
            "nothing was moved."
        )
    if detection.pilatus is not None:
        detection.pilatus.check_ready()


def failed_conditions(beamline: Beamline, needed: frozenset[str] = CONDITIONS) -> list[str]:
    """Names of the `needed` conditions that do not hold now; the X-ray shutter is left to the scan, which opens it."""
    failed = beamline.surroundings.failed_conditions(needed - {"xray_shutter"})
    if "laser_lock" in needed and not beamline.laser.locked:
        failed.append("laser_lock")
    if "laser_rate_divider" in needed and not beamline.laser.divider_is_right:
        failed.append("laser_rate_divider")
    return failed
