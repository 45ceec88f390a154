"""Dose of the lit spot: a plan that would exceed the limit is refused before anything moves."""

from __future__ import annotations

from collections.abc import Sequence

from devices.beamline import Beamline
from devices.names import ShutterState
from devices.tplm.spot_dose import FRESH_SPOT_UM, Place
from errors import InputError
from plans.engine.spec import ScanSpec
from plans.tplm.histograms import timing_of

POWER = "laser_power_nw"
PIEZO_AXES = ("piezo_x_um", "piezo_y_um")


def spot_of(beamline: Beamline) -> Place:
    """Return the place of the sample stage now, um; 0 along an axis that the beamline lacks."""
    x_um, y_um = (float(beamline.axes[axis].position) if axis in beamline.axes else 0.0 for axis in PIEZO_AXES)
    return x_um, y_um


def planned_nw_s(specs: Sequence[ScanSpec]) -> float:
    """Return the dose of runs, nW s, without what repeated points add."""
    total = 0.0
    for spec in specs:
        if spec.laser is not ShutterState.OPEN:
            continue
        powers = [point.get(POWER, spec.fixed.get(POWER, 0.0)) for point in spec.settings]
        total += sum(powers) * spec.options.dwell_s * spec.options.passes
    return total


def check_dose(beamline: Beamline, specs: Sequence[ScanSpec], *, allowed: bool) -> None:
    """Raise InputError if the runs would exceed the dose limit of the lit spot, unless that is `allowed`."""
    doses = timing_of(beamline).doses
    before = doses.at(spot_of(beamline))
    planned = planned_nw_s(specs)
    if allowed or before + planned <= doses.limit_nw_s:
        return
    raise InputError(
        f"The plan gives the spot {planned:.3g} nW s, which with the {before:.3g} nW s of this session exceeds its "
        f"limit of {doses.limit_nw_s:.3g} nW s: the film bleaches. Go to a fresh spot, more than {FRESH_SPOT_UM:g} um "
        "away (piezo_x_um, piezo_y_um), use less power or time, or give allow_dose=True."
    )
