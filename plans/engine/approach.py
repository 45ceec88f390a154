"""End of a long energy move in a scan: from below, which removes the backlash, or directly, which does not."""

from __future__ import annotations

from collections.abc import Sequence

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from devices.names import Approach, AxisName
from plans.engine.request import ScanRequest
from plans.types import Plan


def use_approach(beamline: Beamline, approach: str) -> Plan:
    """End long moves down in energy by `approach` from now on; raises InputError if it is unknown."""
    yield from bps.configure(beamline.energy, {"approach": approach})


def check_room_for_approach(beamline: Beamline, request: ScanRequest) -> None:
    """Raise OutOfRangeError if an energy of the scan may need an overshoot that the axis has no room for.

    A pass begins at its lowest energy, eV, reached from the current position or from the end of the previous pass.
    """
    # Only moves down overshoot, and the longest one decides: from the highest energy that may come before to the lowest
    # of the scan. The current position counts as highest, as the first move starts there.
    energies = _energies(request)
    if energies and request.approach is not Approach.DIRECT:
        highest = max(beamline.energy.position, *energies)
        beamline.energy.check_approach(request.approach, target_ev=min(energies), highest_ev=highest)


def check_room_between(beamline: Beamline, requests: Sequence[ScanRequest]) -> None:
    """Raise OutOfRangeError if the axis has no room for an overshoot, eV, that a sequence of scans may need."""
    highest = max((energy for request in requests for energy in _energies(request)), default=0.0)
    for request in requests:
        energies = _energies(request)
        if energies and request.approach is not Approach.DIRECT:
            beamline.energy.check_approach(request.approach, target_ev=min(energies), highest_ev=highest)


def _energies(request: ScanRequest) -> list[float]:
    """Return every energy that the scan sets, eV."""
    energies = request.points.along(AxisName.ENERGY)
    return energies + [request.fixed[name] for name in request.fixed if name == AxisName.ENERGY]
