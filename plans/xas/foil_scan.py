"""Energy calibration: the L3 edge of a Pb foil behind the sample, and the offset that puts it where it belongs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.beamline import Beamline
from plans.edges import PB_L3
from plans.engine.detection import foil
from plans.engine.request import check_request
from plans.engine.scanning import ScanPlan, scan
from plans.grids import Region, join_regions

FOIL_REGIONS_EV: tuple[Region, ...] = ((12_995, 13_015, 5), (13_015, 13_055, 0.5), (13_055, 13_095, 5))
"""Default grid: the metal's edge at 13035 eV and 20 eV to both sides, finer than its width of 6 eV, and both levels."""


def foil_scan(
    beamline: Beamline,
    *,
    regions_ev: Sequence[Region] = FOIL_REGIONS_EV,
    dwell_s: float = 1.0,
    repeats: int = 1,
    sample: str = "Pb foil",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the energy over the foil's edge with the laser blocked; `i0` and `foil` give its transmission.

    Parameters
    ----------
    regions_ev : (start, stop, step) in eV.
    dwell_s : beam time per point and pass, s.
    repeats : passes over the grid.
    sample, series, md : what goes into the run's metadata.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Neither the laser's lock nor the jet is needed. Delay and fluence stay where they are. Returns the run's uid. Raises
    InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    request = check_request(
        beamline,
        plan_name="foil_scan",
        edge=PB_L3,
        axis="energy_ev",
        points=join_regions(regions_ev, "eV"),
        fixed={},
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference="none",
        sample=sample,
        series=series,
        md=md,
        own_md={**_standing(beamline), "laser": "closed"},
        approach=approach,
        laser="closed",
        detection=foil(beamline),
    )
    return (yield from scan(beamline, request))


def _standing(beamline: Beamline) -> dict[str, float]:
    """Where delay and fluence stand, for the run's metadata; nothing if they do not answer."""
    if beamline.disconnected(beamline.pump_probe_devices):
        return {}
    return {"delay_ps": beamline.delay.position, "fluence_mj_cm2": beamline.fluence.position}


def apply_energy_calibration(beamline: Beamline, offset_ev: float) -> Generator[Msg, Any, float]:
    """Add `offset_ev` to the energy axis: true energy of the foil's edge minus where it was found; nothing moves.

    Offsets add up, as each is found on the axis of its time. Every later start document carries the sum, which is
    returned (eV). Raises InputError if `offset_ev` is no number or the sum exceeds 20 eV.
    """
    beamline.energy.check_calibration(offset_ev)
    total_ev = beamline.energy.calibration_offset_ev + offset_ev
    beamline.energy.check_calibration(total_ev)
    yield from bps.configure(beamline.energy, {"calibration_offset_ev": total_ev})
    return total_ev
