"""Checks against the living beamline, made before the first motion."""

from __future__ import annotations

from devices.beamline import Beamline
from errors import AcquisitionError, NotConnectedError


def check_beamline(beamline: Beamline) -> None:
    """Raise if a PV is missing, a detector is busy, or a condition would mark every point as bad."""
    missing = beamline.disconnected()
    if missing:
        raise NotConnectedError(missing, 0.0)
    beamline.exposure.check_idle()
    failed = beamline.surroundings.failed_conditions()
    if not beamline.laser.locked:
        failed.append("laser_lock")
    if not beamline.laser.divider_is_right:
        failed.append("laser_rate_divider")
    if failed:
        raise AcquisitionError(
            f"Every point would be bad: {', '.join(failed)} not as needed. `trxas doctor` shows the values and limits; "
            "nothing was moved."
        )
