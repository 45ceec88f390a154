"""Energy calibration: the edge of a metal foil behind the sample, and the offset that puts it where it belongs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.absorption_edges import absorption_edge
from devices.axes.energy import CALIBRATION_LIMIT_EV
from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName, ShutterState
from errors import InputError
from plans.argument import Arg
from plans.edges import PB_L3, edge_preset, fine_step_ev
from plans.engine.detection import foil
from plans.engine.spec import ScanSpec
from plans.grids import Region, join_regions
from plans.options import ScanOptions
from plans.parameters import DwellS, Edge, RegionsEv, Sample
from plans.registry import Group, plan, scan_plan
from plans.types import RunPlan

FOIL_FINE_STEP_EV = 0.5
"""Largest step around the edge of a foil, eV; the core hole may ask for a smaller one."""

ELEMENT = "foil_element"
"""Key of the start document: element of the foil in the beam."""

REFERENCE = "foil_reference"
"""Key of the start document: what the foil is compared with."""

OffsetEv = Annotated[
    float,
    Arg(
        "true energy of the foil's edge minus the energy at which it was found; by default what the latest foil "
        "scan in the data folder found by its reference",
        unit="eV",
        low=-CALIBRATION_LIMIT_EV,
        high=CALIBRATION_LIMIT_EV,
    ),
]

OffsetErrorEv = Annotated[
    float,
    Arg("standard error of the offset, for the metadata; 0 if it is not known", unit="eV", low=0.0, high=100.0),
]


@dataclass(frozen=True, kw_only=True)
class FoilOptions(ScanOptions):
    """Options of a scan of the foil, which shows its edge within a second per point."""

    dwell_s: DwellS = 1.0
    sample: Sample = ""


def foil_regions_ev(edge: str) -> tuple[Region, ...]:
    """Return the default grid of a foil, eV: 20 eV on both sides of the metal's edge in fine steps, and both levels.

    Raises InputError for an unknown edge.
    """
    metal = absorption_edge(edge)
    fine_ev = min(FOIL_FINE_STEP_EV, fine_step_ev(metal.core_hole_ev))
    low_ev = metal.energy_ev - 20
    high_ev = metal.energy_ev + 20
    return (low_ev - 20, low_ev, 5), (low_ev, high_ev, fine_ev), (high_ev, high_ev + 40, 5)


def with_foil(beamline: Beamline, md: Mapping[str, Any], run: RunPlan) -> RunPlan:
    """Turn the wheel to the foil of the run, then run; raises FailedStatus if the wheel does not turn.

    A beamline without a wheel has its only foil in the beam.
    """
    if beamline.foil_wheel is not None and ELEMENT in md:
        yield from bps.abs_set(beamline.foil_wheel, md[ELEMENT], wait=True)
    return (yield from run)


@scan_plan(
    group=Group.ALIGNMENT,
    order=3,
    detection=foil,
    around=with_foil,
    own_keys=("laser", "delay_ps", "fluence_mj_cm2", ELEMENT, REFERENCE),
)
def foil_scan(
    configuration: BeamlineConfiguration,
    edge: Edge = PB_L3.name,
    *,
    options: FoilOptions,
    regions_ev: RegionsEv | None = None,
) -> ScanSpec:
    """Scan the energy over an edge of a metal foil with the laser blocked; `i0` and `foil` give its transmission.

    The wheel turns to the foil of the element; without a wheel it has to be in the beam. By default from 40 eV below
    the metal's edge to 60 eV above. Neither the laser's lock nor the jet is needed. Delay and fluence stay where they
    are. The run records what the foil is compared with: the foil of `use_foil_reference`, the file of `[foils.NAME]`,
    the steepest point of a real foil, or the tabulated edge, the first of these that exists. Returns the run's uid.
    """
    preset = edge_preset(edge, configuration)

    def metadata(beamline: Beamline) -> Mapping[str, Any]:
        return {**_standing(beamline), ELEMENT: preset.absorber, REFERENCE: beamline.foils.of(str(preset.name))}

    return ScanSpec(
        edge=preset,
        axis=AxisName.ENERGY,
        points=join_regions(foil_regions_ev(edge) if regions_ev is None else regions_ev, "eV"),
        laser=ShutterState.CLOSED,
        metadata=metadata,
        options=replace(options, sample=options.sample or f"{preset.absorber} foil"),
    )


def _standing(beamline: Beamline) -> Mapping[str, Any]:
    """Return where delay (ps) and fluence (mJ/cm2) stand, for the run's metadata; neither if they do not answer."""
    laser = {"laser": str(ShutterState.CLOSED)}
    # A foil needs neither laser nor jet, so their PVs may be silent; their positions are noted only for later
    # comparison.
    if beamline.disconnected(beamline.pump_probe_devices):
        return laser
    return {**laser, "delay_ps": beamline.delay.position, "fluence_mj_cm2": beamline.fluence.position}


@plan(group=Group.ALIGNMENT, order=4)
def apply_energy_calibration(
    beamline: Beamline, offset_ev: OffsetEv | None = None, error_ev: OffsetErrorEv = 0.0
) -> Generator[Msg, Any, float]:
    """Add `offset_ev` to the energy axis, by default what the latest foil scan found; nothing moves.

    Offsets add up, as each is measured on the axis as it was then, and their sum must stay within 20 eV. Every later
    start document carries the sum as `energy_calibration_offset_ev`, and `error_ev` as `energy_calibration_error_ev`.
    Returns the sum, eV. Outside of a session, which knows the stored runs, `offset_ev` has to be given.
    """
    if offset_ev is None:
        raise InputError("offset_ev is needed here: only a session knows the latest foil scan. Give it in eV.")
    # Both are checked: a single offset beyond the limit is a mistake in the number, also where the sum would be small.
    beamline.energy.check_calibration(offset_ev)
    total_ev = beamline.energy.calibration_offset_ev + offset_ev
    beamline.energy.check_calibration(total_ev)
    yield from bps.configure(beamline.energy, {"calibration_offset_ev": total_ev, "calibration_error_ev": error_ev})
    return total_ev
