"""Plans that align the microscope: centre of the image, focus, and both at every temperature of a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from devices.beamline import Beamline
from plans.argument import Arg
from plans.engine.scanning import measure_runs
from plans.engine.spec import ScanSpec, as_list
from plans.plan_entry import PlanEntry
from plans.registry import scan_plan
from plans.tplm.centring import (
    COARSE_UM,
    FINE_UM,
    announce_runs,
    centre_line,
    in_one_series,
    search_centre,
    with_centre,
)
from plans.tplm.focusing import NEAREST_UM, SEARCH, focus_grid, search_focus
from plans.tplm.histograms import COMMON_KEYS, histograms, timing_of
from plans.tplm.map_points import MAP_KEYS, Excitation, map_run
from plans.tplm.parameters import (
    GROUP,
    BriefOptions,
    Density,
    LineAxis,
    MapOptions,
    PowerNw,
    RateMhz,
    SpotOptions,
    TemperatureK,
    TemperaturesK,
    numbers,
)
from plans.types import AnyPlan

TEMPERATURES_K = (5.0, 30.0, 60.0, 100.0, 150.0, 200.0, 250.0, 296.0)
"""Temperatures of a series: first cold, then warmer (chosen; the paper's points are only in a figure)."""

REACH_PER_K_UM = 0.03
"""Distance that a search for the focus covers for every K since the last one, um: the sample moves by tens of nm."""

SEARCH_DWELL_S = 1.0
SEARCH_POWER_NW = 5.0

ReachUm = Annotated[
    float,
    Arg(
        "distance above and below the present height within which the focus is searched for",
        unit="um",
        low=0.5,
        high=50.0,
    ),
]
Refocus = Annotated[bool, Arg("search for the focus and the centre of the image at every temperature before its map")]


def _centre_course(beamline: Beamline, entry: PlanEntry, arguments: Mapping[str, Any]) -> AnyPlan:
    arguments = with_centre(timing_of(beamline), arguments)
    specs = as_list(entry.specs(beamline.configuration, **arguments))
    yield from announce_runs(beamline, specs, allow_dose=arguments["allow_dose"])
    options, excitation = _of_search(arguments, BriefOptions)
    return (yield from search_centre(beamline, in_one_series(options), excitation))


@scan_plan(
    group=GROUP, order=2, detection=histograms, own_keys=MAP_KEYS,
    course=_centre_course,
)  # fmt: skip
def tplm_centre(
    power_nw: PowerNw = 1.0,
    rate_mhz: RateMhz = 2.5,
    *,
    options: BriefOptions,
    temperature_k: TemperatureK | None = None,
) -> list[ScanSpec]:
    """Find the centre of the image: lines along x and y in turn, until both centres stay within 0.02 um.

    The centre is saved, and the plans that follow measure there unless they are given another one. Returns the uids of
    the lines in their order.
    """
    excitation = Excitation(power_nw=power_nw, rate_mhz=rate_mhz, temperature_k=temperature_k)
    return [centre_line(options, excitation, axis, step) for step in (COARSE_UM, FINE_UM) for axis in LineAxis]


def _focus_course(
    beamline: Beamline,
    entry: PlanEntry,  # noqa: ARG001  # of every course
    arguments: Mapping[str, Any],
) -> AnyPlan:
    arguments = with_centre(timing_of(beamline), arguments)
    options, excitation = _of_search(arguments, BriefOptions)
    middle_um = float(beamline.axes["piezo_z_um"].position)
    reach_um = arguments["reach_um"]
    grid = focus_grid(options, excitation, middle_um, reach_um)
    yield from announce_runs(beamline, [grid], allow_dose=arguments["allow_dose"])
    return (yield from search_focus(beamline, in_one_series(options), excitation, reach_um))


@scan_plan(
    group=GROUP, order=13, detection=histograms, resumable=False,
    own_keys=COMMON_KEYS, course=_focus_course,
)  # fmt: skip
def tplm_focus(
    power_nw: PowerNw = SEARCH.power_nw,
    rate_mhz: RateMhz = SEARCH.rate_mhz,
    *,
    options: BriefOptions,
    reach_um: ReachUm = 1.5,
    temperature_k: TemperatureK | None = None,
) -> list[ScanSpec]:
    """Find the height at which the image is narrowest, and move the sample there.

    Lines along x at several heights, nearer to the focus in every round, until it stays within 0.1 um. The focus is
    saved. Returns the uids of the rounds in their order.
    """
    excitation = Excitation(power_nw=power_nw, rate_mhz=rate_mhz, temperature_k=temperature_k)
    return [focus_grid(options, excitation, 0.0, reach) for reach in (reach_um, NEAREST_UM)]


def _temperature_course(beamline: Beamline, entry: PlanEntry, arguments: Mapping[str, Any]) -> AnyPlan:
    timing = timing_of(beamline)
    arguments = with_centre(timing, arguments)
    specs = as_list(entry.specs(beamline.configuration, **arguments))
    yield from announce_runs(beamline, specs, allow_dose=arguments["allow_dose"])
    # Everything that is aligned at one temperature is wrong at the next: the sample has moved along the beam, and the
    # image across it. So the order is temperature, focus, centre, map; each needs its predecessor. The first run at
    # a temperature settles it, with the laser shutter closed, and all others find it settled.
    options: MapOptions = in_one_series(_options_of(arguments, MapOptions))  # type: ignore[assignment]  # of the same class
    uids: list[str] = []
    for kelvin in arguments["temperatures_k"]:
        held = Excitation(
            power_nw=arguments["power_nw"], rate_mhz=arguments["rate_mhz"], nd_od=arguments["nd_od"],
            temperature_k=kelvin,
        )  # fmt: skip
        if arguments["refocus"]:
            uids += yield from _aligned(beamline, _brief(options), kelvin)
            found = timing.centre_um
            options = replace(options, centre_x_um=found["x_um"], centre_y_um=found["y_um"])
        uids += yield from measure_runs(beamline, [map_run(options, held)])
    return uids


def _aligned(beamline: Beamline, brief: BriefOptions, kelvin: float) -> AnyPlan:
    """Bring the sample into focus at a temperature, K, and find the centre of its image."""
    # The sample moves with the temperature, so a large change needs a wide search and a small one does not.
    change_k = abs(kelvin - float(beamline.axes["temperature_k"].position))
    reach_um = max(NEAREST_UM, REACH_PER_K_UM * change_k)
    focused = yield from search_focus(beamline, brief, replace(SEARCH, temperature_k=kelvin), reach_um)
    bright = Excitation(power_nw=SEARCH_POWER_NW, rate_mhz=SEARCH.rate_mhz, temperature_k=kelvin)
    centred = yield from search_centre(beamline, brief, bright)
    return focused + centred


@scan_plan(
    group=GROUP, order=12, detection=histograms, resumable=False, own_keys=MAP_KEYS,
    course=_temperature_course,
)  # fmt: skip
def tplm_temperature_series(
    temperatures_k: TemperaturesK = TEMPERATURES_K,
    *,
    options: MapOptions,
    power_nw: PowerNw = 1.0,
    rate_mhz: RateMhz = 2.5,
    nd_od: Density = 0.0,
    refocus: Refocus = True,
) -> list[ScanSpec]:
    """Make one map at every temperature, in the order given: first cooled, then warmed from each to the next.

    The temperature settles with the laser shutter closed; then the focus and the centre of the image are searched for,
    as the sample moves by tens of nm per K. All runs share `series`. Returns their uids in order, those of searches
    too.
    """
    specs: list[ScanSpec] = []
    for kelvin in numbers(temperatures_k, "temperatures_k"):
        if refocus:
            held = replace(SEARCH, temperature_k=kelvin)
            specs.append(focus_grid(_brief(options), held, 0.0, NEAREST_UM))
            specs += [centre_line(_brief(options), held, axis, FINE_UM) for axis in LineAxis]
        excitation = Excitation(power_nw=power_nw, rate_mhz=rate_mhz, nd_od=nd_od, temperature_k=kelvin)
        specs.append(map_run(options, excitation))
    return specs


def _brief(options: MapOptions) -> BriefOptions:
    """Return the options of the searches that belong to a map: the same centre, sample and series."""
    shared = {name: getattr(options, name) for name in ("centre_x_um", "centre_y_um", "sample", "series", "md")}
    return BriefOptions(**shared, dwell_s=SEARCH_DWELL_S)


def _options_of(arguments: Mapping[str, Any], kind: type[SpotOptions]) -> SpotOptions:
    return kind(**{name: arguments[name] for name in vars(kind())})


def _of_search(arguments: Mapping[str, Any], kind: type[SpotOptions]) -> tuple[SpotOptions, Excitation]:
    excitation = Excitation(
        power_nw=arguments["power_nw"], rate_mhz=arguments["rate_mhz"], temperature_k=arguments["temperature_k"]
    )
    return _options_of(arguments, kind), excitation
