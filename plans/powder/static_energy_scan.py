"""Spectrum of the powder in the thermostated cell, without pump."""

from __future__ import annotations

from dataclasses import dataclass

from devices.configuration import BeamlineConfiguration
from devices.names import AxisName, ShutterState
from plans.edges import check_belongs, check_reducible, edge_preset
from plans.energy_points import dwell_factors, edge_points
from plans.engine.detection import powder
from plans.engine.spec import Runs, ScanSpec
from plans.options import PowderOptions
from plans.parameters import AllowUnreducible, DwellPower, Edge, RegionsEv, RegionsK, TemperatureC
from plans.powder.foils import with_foils
from plans.registry import Group, scan_plan


@dataclass(frozen=True, kw_only=True)
class StaticScanOptions(PowderOptions):
    """Options of a static scan besides its energies."""

    dwell_power: DwellPower = 0.0
    allow_unreducible: AllowUnreducible = False


@scan_plan(group=Group.POWDER, order=1, detection=powder)
def static_energy_scan(
    configuration: BeamlineConfiguration,
    edge: Edge,
    *,
    options: StaticScanOptions,
    temperature_c: TemperatureC | None = None,
    regions_ev: RegionsEv | None = None,
    regions_k: RegionsK | None = None,
) -> Runs:
    """Scan the energy over an edge of the powder in the cell; the drift detector counts, the laser stays blocked.

    The cell is put into the beam and brought to its temperature first. Neither laser nor jet is needed. A temperature
    that does not settle within `timeout_s` of `[cell]` ends the run at once: it is not tried again. Returns the run's
    uid; with `foil`, the uids of all runs by name, of which "scan" is the scan. Foil scans in the series of a run
    correct its energies when it is reduced.

    Events: `scan_index`, `point_index`, `energy_ev`, `temperature_c` (of the powder, by the calibrated thermocouple),
    `sdd_counts`, `sdd_input_rate` and `sdd_output_rate` (5 elements each; corrected for dead time, an element counted
    counts x input / output rate), `i0`, `exposure_s`, `exposure_id`, `laser_shutter`, `ring_current_ma`, `quality`. A
    cell out of its band, or the jet in the beam, marks a point, and it is measured again.
    """
    preset = edge_preset(edge, configuration)
    points = edge_points(preset, regions_ev, regions_k)
    check_belongs(preset, points)
    check_reducible(preset, points, allow_unreducible=options.allow_unreducible)
    scan = ScanSpec(
        edge=preset,
        axis=AxisName.ENERGY,
        points=points,
        dwell_factors=dwell_factors(preset, points, options.dwell_power, regions_ev, regions_k),
        laser=ShutterState.CLOSED,
        temperature_c=temperature_c,
        options=options,
    )
    return with_foils(configuration, scan, options)
