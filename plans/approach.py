"""How long moves of the energy end within a scan: always from below, or, to see what that is good for, directly."""

from __future__ import annotations

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from plans.measuring import Plan
from plans.request import ScanRequest


def use_approach(beamline: Beamline, approach: str) -> Plan:
    """End long moves down by `approach`, "below" or "direct", until told otherwise."""
    yield from bps.configure(beamline.energy, {"approach": approach})


def check_room_for_approach(beamline: Beamline, request: ScanRequest) -> None:
    """Raise OutOfRangeError if an energy of the scan may need an overshoot that the axis has no room for.

    A pass begins at its lowest energy, reached from where the monochromator is now or from the end of the pass before.
    """
    energies = list(request.points) if request.axis == "energy_ev" else []
    if "energy_ev" in request.fixed:
        energies.append(request.fixed["energy_ev"])
    if energies and request.approach != "direct":
        highest = max(beamline.energy.position, *energies)
        beamline.energy.check_approach(request.approach, target_ev=min(energies), highest_ev=highest)
