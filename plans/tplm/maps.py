"""Single runs of the microscope: the map, its calibrations, and the decay at the centre."""

from __future__ import annotations

import functools
from typing import Annotated

from devices.names import ShutterState
from plans.argument import Arg
from plans.engine.spec import ScanSpec
from plans.registry import scan_plan
from plans.tplm.centring import at_measured_centre
from plans.tplm.histograms import COMMON_KEYS, histograms
from plans.tplm.map_points import MAP_KEYS, Excitation, map_run, spot_run
from plans.tplm.parameters import (
    GROUP,
    Density,
    LineAxis,
    LongOptions,
    MapOptions,
    PowerNw,
    PowersNw,
    RateMhz,
    TemperatureK,
)

POWERS_NW = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
"""Powers at which the paper shows decays (Fig. 1d, S6)."""

microscope_plan = functools.partial(scan_plan, group=GROUP, detection=histograms, course=at_measured_centre)
"""Shared registration of all plans of single runs, which differ in their `order` in lists and in their keys."""

EndsUm = Annotated[float, Arg("distance of both ends of the line from the centre", unit="um", low=0.0, high=20.0)]


@microscope_plan(order=1, own_keys=MAP_KEYS)
def tplm_map(
    power_nw: PowerNw = 1.0,
    rate_mhz: RateMhz = 2.5,
    *,
    options: MapOptions,
    nd_od: Density = 0.0,
    temperature_k: TemperatureK | None = None,
) -> ScanSpec:
    """Make one map: a histogram at every position of a line through the centre of the image.

    Even positions come first, then odd ones, each approached from the same side; the centre is repeated in between.
    `reduce(-1)` gives the diffusivity. Returns the run's uid.
    """
    return map_run(options, Excitation(power_nw=power_nw, rate_mhz=rate_mhz, nd_od=nd_od, temperature_k=temperature_k))


@microscope_plan(order=3, own_keys=COMMON_KEYS)
def tplm_dark(
    power_nw: PowerNw = 1.0, rate_mhz: RateMhz = 2.5, *, options: LongOptions, ends_um: EndsUm = 1.5
) -> ScanSpec:
    """Measure dark counts and stray light: the laser shutter closed, at the centre and at both ends of the line.

    Their rate is recorded with every later exposure of the session. Returns the run's uid.
    """
    centre = options.centre
    places = [
        {str(LineAxis.X): centre[LineAxis.X] + offset, str(LineAxis.Y): centre[LineAxis.Y]}
        for offset in (-ends_um, 0.0, ends_um)
    ]
    excitation = Excitation(power_nw=power_nw, rate_mhz=rate_mhz)
    return spot_run(options, excitation, points=places, laser=ShutterState.CLOSED)


@microscope_plan(order=4, own_keys=COMMON_KEYS)
def tplm_response(power_nw: PowerNw = 1.0, rate_mhz: RateMhz = 2.5, *, options: LongOptions) -> ScanSpec:
    """Measure the instrument response and time zero: scatter of the laser, with the filters out of the light path.

    Time zero depends on the trigger source, which follows from the rate. Every other plan puts the filters back first.
    Returns the run's uid.
    """
    return spot_run(options, Excitation(power_nw=power_nw, rate_mhz=rate_mhz, filters_in=False))


@microscope_plan(order=5, own_keys=COMMON_KEYS)
def trpl_series(
    powers_nw: PowersNw = POWERS_NW, rate_mhz: RateMhz = 5.0, *, options: LongOptions, nd_od: Density = 0.0
) -> list[ScanSpec]:
    """Measure the decay at the centre of the image at every power, one run each. Returns the runs' uids in order."""
    return [spot_run(options, Excitation(power_nw=power_nw, rate_mhz=rate_mhz, nd_od=nd_od)) for power_nw in powers_nw]
