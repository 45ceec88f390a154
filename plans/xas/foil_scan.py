"""Energy calibration: the L3 edge of a Pb foil behind the sample, and the offset that puts it where it belongs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.axes.energy import CALIBRATION_LIMIT_EV
from devices.beamline import Beamline
from devices.names import AxisName, ShutterState
from plans.edges import PB_L3
from plans.engine.detection import foil
from plans.engine.spec import ScanSpec
from plans.grids import Region, join_regions
from plans.options import ScanOptions
from plans.parameters import Arg, DwellS, RegionsEv, Sample
from plans.registry import Group, plan, scan_plan

FOIL_REGIONS_EV: tuple[Region, ...] = ((12_995, 13_015, 5), (13_015, 13_055, 0.5), (13_055, 13_095, 5))
"""Default grid: the metal's edge at 13035 eV and 20 eV to both sides, finer than its width of 6 eV, and both levels."""

OffsetEv = Annotated[
    float,
    Arg(
        "true energy of the foil's edge minus where it was found",
        unit="eV",
        low=-CALIBRATION_LIMIT_EV,
        high=CALIBRATION_LIMIT_EV,
    ),
]


@dataclass(frozen=True, kw_only=True)
class FoilOptions(ScanOptions):
    """Options of a scan of the foil, which shows its edge within a second per point."""

    dwell_s: DwellS = 1.0
    sample: Sample = "Pb foil"


@scan_plan(
    group=Group.ALIGNMENT,
    order=2,
    detection=foil,
    own_keys=("laser", "delay_ps", "fluence_mj_cm2"),
)
def foil_scan(*, options: FoilOptions, regions_ev: RegionsEv = FOIL_REGIONS_EV) -> ScanSpec:
    """Scan the energy over the L3 edge of the Pb foil with the laser blocked; `i0` and `foil` give its transmission.

    Neither the laser's lock nor the jet is needed. Delay and fluence stay where they are. Returns the run's uid.
    """
    return ScanSpec(
        edge=PB_L3,
        axis=AxisName.ENERGY,
        points=join_regions(regions_ev, "eV"),
        laser=ShutterState.CLOSED,
        metadata=_standing,
        options=options,
    )


def _standing(beamline: Beamline) -> Mapping[str, Any]:
    """Return where delay (ps) and fluence (mJ/cm2) stand, for the run's metadata; neither if they do not answer."""
    laser = {"laser": str(ShutterState.CLOSED)}
    if beamline.disconnected(beamline.pump_probe_devices):
        return laser
    return {**laser, "delay_ps": beamline.delay.position, "fluence_mj_cm2": beamline.fluence.position}


@plan(group=Group.ALIGNMENT, order=3)
def apply_energy_calibration(beamline: Beamline, offset_ev: OffsetEv) -> Generator[Msg, Any, float]:
    """Add `offset_ev` to the energy axis; nothing moves.

    Offsets add up, as each is found on the axis of its time, and their sum must stay within 20 eV. Every later start
    document carries the sum as `energy_calibration_offset_ev`. Returns the sum, eV.
    """
    beamline.energy.check_calibration(offset_ev)
    total_ev = beamline.energy.calibration_offset_ev + offset_ev
    beamline.energy.check_calibration(total_ev)
    yield from bps.configure(beamline.energy, {"calibration_offset_ev": total_ev})
    return total_ev
