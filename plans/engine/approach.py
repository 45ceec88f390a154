"""How a long energy move ends in a scan: approached from below, or directly, which leaves the backlash in."""

from __future__ import annotations

from collections.abc import Sequence

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from devices.names import Approach, AxisName
from plans.engine.request import ScanRequest
from plans.types import Plan


def use_approach(beamline: Beamline, approach: str) -> Plan:
    """End long moves down by `approach` from now on."""
    yield from bps.configure(beamline.energy, {"approach": approach})


def check_room_for_approach(beamline: Beamline, request: ScanRequest) -> None:
    """Raise OutOfRangeError if an energy of the scan may need an overshoot that the axis has no room for.

    A pass begins at its lowest energy, reached from where the monochromator is now or from the end of the pass before.
    """
    energies = _energies(request)
    if energies and request.approach is not Approach.DIRECT:
        highest = max(beamline.energy.position, *energies)
        beamline.energy.check_approach(request.approach, target_ev=min(energies), highest_ev=highest)


def check_room_between(beamline: Beamline, requests: Sequence[ScanRequest]) -> None:
    """Raise OutOfRangeError if an energy of scans that follow each other may need an overshoot without room for it."""
    highest = max((energy for request in requests for energy in _energies(request)), default=0.0)
    for request in requests:
        energies = _energies(request)
        if energies and request.approach is not Approach.DIRECT:
            beamline.energy.check_approach(request.approach, target_ev=min(energies), highest_ev=highest)


def _energies(request: ScanRequest) -> list[float]:
    """Return every energy that the scan goes to, eV."""
    energies = list(request.points) if request.axis is AxisName.ENERGY else []
    return energies + [request.fixed[name] for name in request.fixed if name is AxisName.ENERGY]
