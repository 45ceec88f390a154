"""Spectrum of the sample, pumped and unpumped, at one delay."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from errors import InputError
from plans.choices import EnergyGoal, EnergyStepping, Stepping
from plans.dwell_factors import factors_of_points
from plans.edges import EdgePreset, check_belongs, check_reducible, edge_preset
from plans.energy_points import dwell_factors, edge_points, region_ends
from plans.engine.detection import pump_probe
from plans.engine.spec import Runs, ScanSpec
from plans.engine.until import until_of, with_most_passes
from plans.grids import Region
from plans.options import ScheduledOptions
from plans.parameters import (
    AllowUnreducible,
    BinS,
    DelayPs,
    DwellFactors,
    DwellPower,
    Edge,
    RegionsEv,
    RegionsK,
    SweptBy,
    UntilEnergies,
    UntilWindowEv,
)
from plans.registry import Group, scan_plan
from plans.xas.schedule import with_schedule


@dataclass(frozen=True, kw_only=True)
class EnergyScanOptions(ScheduledOptions):
    """Options of an energy scan besides its energies."""

    dwell_power: DwellPower = 0.0
    dwell_factors: DwellFactors | None = None
    allow_unreducible: AllowUnreducible = False
    until: UntilEnergies = EnergyGoal.POINTS
    until_window_ev: UntilWindowEv | None = None
    stepping: SweptBy = EnergyStepping.SOFTWARE
    bin_s: BinS = 0.1


@scan_plan(group=Group.PUMP_PROBE, order=1, detection=pump_probe)
def energy_scan(
    configuration: BeamlineConfiguration,
    edge: Edge,
    *,
    delay_ps: DelayPs,
    options: EnergyScanOptions,
    regions_ev: RegionsEv | None = None,
    regions_k: RegionsK | None = None,
) -> Runs:
    """Scan the energy over an absorption edge at one delay of the laser.

    All gates of the pump scheme are recorded in both acquisition modes; with the default scheme probe n comes at
    `delay_ps` + n bunch periods of 153.44 ns. A delay at which an unpumped pulse would come too near to the next pump
    is refused; with the default scheme those above 153.2 ns. With `until_sigma`, the first pass measures all points,
    and later ones those that still need it, until the result is good enough. With `stepping="fly"` the monochromator
    sweeps up and down while the detectors count: equal steps, by default the finest of the edge over its whole range,
    and as many sweeps as it takes to count each point for `dwell_s` in each of the `repeats`. Returns the run's uid;
    with `gates` or `foil`, the uids of all runs by name, of which "scan" is the scan.
    """
    preset = edge_preset(edge, configuration)
    flies = options.stepping == EnergyStepping.FLY
    if flies and regions_ev is None and regions_k is None:
        regions_ev = [even_region(preset)]
    points = edge_points(preset, regions_ev, regions_k)
    check_belongs(preset, points)
    check_reducible(preset, points, allow_unreducible=options.allow_unreducible)
    if options.dwell_factors and options.dwell_power:
        raise InputError("dwell_factors with dwell_power: both set the dwell of each point. Give one of them.")
    factors = dwell_factors(preset, points, options.dwell_power, regions_ev, regions_k) or factors_of_points(
        points, region_ends(preset, regions_ev, regions_k), options.dwell_factors, has_until=bool(options.until_sigma)
    )
    scan = ScanSpec(
        edge=preset,
        axis=AxisName.ENERGY,
        points=points,
        dwell_factors=factors,
        fixed={AxisName.DELAY: delay_ps, AxisName.FLUENCE: options.fluence_mj_cm2},
        options=as_sweeps(options) if flies else with_most_passes(options),
        stepping=Stepping(options.stepping),
        until=until_of(str(options.until), options.until_sigma, options.max_time_s, options.until_window_ev),
    )
    return with_schedule(configuration, scan, options, [delay_ps])


def even_region(preset: EdgePreset) -> Region:
    """Return the whole range of an edge, eV, in the finest of its steps."""
    first_ev, last_ev = preset.range_ev
    return first_ev, last_ev, min(step for _, _, step in preset.regions_ev)


def as_sweeps(options: EnergyScanOptions) -> EnergyScanOptions:
    """Return the options of a fly scan: `dwell_s` in every pass becomes sweeps of `bin_s`, s, as many up as down."""
    pairs = math.ceil(round(options.dwell_s * options.passes / options.bin_s / 2, 6))
    return replace(options, dwell_s=options.bin_s, repeats=max(2 * pairs, 2))
