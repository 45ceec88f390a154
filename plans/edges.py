"""Settings of scans at an absorption edge: the default grid, and the intervals that normalise a spectrum.

The two edges of the paper have their own grids. Those of every other K or L edge follow from the energy and the
core-hole width of the element; a table `[edges."Fe K"]` of the configuration overrides any of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from devices.absorption_edges import AbsorptionEdge, absorption_edge, edges_between, next_edge_ev
from devices.configuration import BeamlineConfiguration, EdgeSettings
from devices.numbers import is_finite_number
from errors import InputError
from plans.grids import Region
from plans.photoelectron import energy_of_k, k_of_energy

Interval = tuple[float, float]

PRE_EDGE_EV = (-100.0, -20.0)
"""Default offset window and first part of the grid, from the edge: far enough from any shift of it (chosen)."""

PRE_EDGE_STEP_EV = 10.0

WINDOW_MARGIN_EV = 0.5
"""Margin of windows beyond the points at their ends, eV, whose read-backs differ a little from the grid."""

XANES_END_EV = 30.0
"""End of the fine steps, eV from the edge: above the main peak of nearly all spectra, including oxides (chosen)."""

SHAPE_STEP_EV = 2.0
"""Largest step between the fine part and the equidistant wave numbers: features there are about 10 eV wide."""

STEPS_EV = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Steps of the fine part: the largest of these within half the core-hole width, so that no feature is missed."""

K_GRID = (4.0, 10.0, 0.1)
"""Default EXAFS part, 1/A: from 61 eV above the edge, in steps that show shells to 8 A (chosen)."""

POST_EDGE_EV = (50.0, 150.0)
"""Default post-edge window, from the edge; spectra that end within it are normalised by what there is."""

MAIN_FEATURE_EV = 10.0
"""Default energy of delay scans, from the edge: compounds have the middle of their rise 5 to 15 eV above the metal's
edge that is tabulated. An energy scan shows where the transient really is."""

NEXT_EDGE_MARGIN_EV = 20.0
"""Distance, eV, at which a grid ends before the same element's next edge."""

SMALLEST_RANGE_EV = 60.0
"""Smallest range that the monochromator must reach on both sides of an edge, for an offset and a level."""

ELSEWHERE_EV = 1000.0
"""Distance from a grid, eV, beyond which energies belong to another edge: EXAFS to k = 16 A^-1 is still nearer."""


RARE_EDGE_EV = 100.0
"""Factor by which an L1 or L2 edge must be nearer than a K or L3 edge to be chosen."""


@dataclass(frozen=True, kw_only=True)
class EdgePreset:
    """One edge: its default grid and the intervals that the reduction uses, in eV.

    `regions_ev` is the part of the grid in eV, `regions_k` the one in 1/A above it, counted from `zero_ev`.
    `pre_edge_ev` gives the flat offset, `edge_integral_ev` the scale, and `post_edge_ev` the level that counts as 1.
    Delay scans stay at `main_feature_ev`.
    """

    name: str
    absorber: str
    regions_ev: tuple[Region, ...]
    regions_k: tuple[Region, ...] = ()
    pre_edge_ev: Interval
    edge_integral_ev: Interval
    post_edge_ev: Interval
    main_feature_ev: float
    edge_ev: float | None = None

    @property
    def zero_ev(self) -> float:
        """Energy at which k is 0, eV: that of the free atom or metal unless it is configured."""
        return absorption_edge(self.name).energy_ev if self.edge_ev is None else self.edge_ev

    @property
    def range_ev(self) -> Interval:
        """First and last energy of the default grid, eV."""
        last_ev = energy_of_k(self.regions_k[-1][1], self.zero_ev) if self.regions_k else self.regions_ev[-1][1]
        return self.regions_ev[0][0], last_ev


BR_K = EdgePreset(
    name="Br K",
    absorber="Br",
    # 13.450-13.570 keV, finer than 0.5 eV at the edge and wider above (paper, SI 2).
    regions_ev=((13450, 13462, 2), (13462, 13480, 0.5), (13480, 13516, 1.5), (13516, 13570, 4.5)),
    pre_edge_ev=(13450, 13461),
    edge_integral_ev=(13462, 13570),
    post_edge_ev=(13530, 13570),
    main_feature_ev=13472.0,
)

PB_L3 = EdgePreset(
    name="Pb L3",
    absorber="Pb",
    # 13.000-13.140 keV (paper, SI 2); the core hole of Pb is 6 eV wide, so 0.5 eV would only cost time.
    regions_ev=((13000, 13024, 4), (13024, 13072, 1), (13072, 13140, 4)),
    pre_edge_ev=(13000, 13021),
    edge_integral_ev=(13022, 13140),
    post_edge_ev=(13105, 13140),
    main_feature_ev=13043.0,
)

PAPER_EDGES = {edge.name: edge for edge in (BR_K, PB_L3)}
"""Edges of the paper by name."""


def edge_name(value: Any) -> str:
    """Return the name of an edge; raise InputError, suggesting the edge probably meant, if `value` is not one."""
    if isinstance(value, str) and value in PAPER_EDGES:
        return str(value)
    return absorption_edge(value).name


def edge_preset(name: str, configuration: BeamlineConfiguration) -> EdgePreset:
    """Return the edge called `name` as this beamline measures it.

    Raises InputError, before anything moves, if it is not an edge, lies outside the range of the monochromator, or
    is configured with intervals that contradict each other.
    """
    name = edge_name(name)
    low_ev, high_ev = configuration.energy.low_ev, configuration.energy.high_ev
    settings = configuration.edges.get(name, EdgeSettings())
    preset = PAPER_EDGES.get(name) or _derived(name, settings.edge_ev, settings.core_hole_ev, low_ev, high_ev)
    given = {one.name: getattr(settings, one.name) for one in fields(settings) if one.name != "core_hole_ev"}
    preset = replace(preset, **{key: value for key, value in given.items() if value is not None})
    if not low_ev <= preset.main_feature_ev <= high_ev:
        raise InputError(_out_of_reach(name, preset.zero_ev, low_ev, high_ev))
    _check_consistent(preset)
    return preset


def suggested_edges(configuration: BeamlineConfiguration) -> tuple[str, ...]:
    """Return the edges that a form offers, where any other can be typed: the configured ones and the paper's."""
    return tuple(dict.fromkeys([*configuration.edges, *PAPER_EDGES]))


@cache
def _derived(name: str, edge_ev: float | None, core_hole_ev: float | None, low_ev: float, high_ev: float) -> EdgePreset:
    """Return the default grid and intervals of an edge, within the monochromator's limits; all in eV."""
    tabulated = absorption_edge(name)
    zero_ev = tabulated.energy_ev if edge_ev is None else edge_ev
    if not low_ev + SMALLEST_RANGE_EV <= zero_ev <= high_ev - SMALLEST_RANGE_EV:
        raise InputError(_out_of_reach(name, zero_ev, low_ev, high_ev))
    fine_ev = fine_step_ev(tabulated.core_hole_ev if core_hole_ev is None else core_hole_ev)
    end_ev = _last_energy_ev(tabulated, zero_ev, high_ev)
    first_ev = max(zero_ev + PRE_EDGE_EV[0], math.ceil(low_ev))
    exafs_ev = energy_of_k(K_GRID[0], zero_ev)
    shape_end_ev = min(exafs_ev, end_ev)
    last_k = math.floor(k_of_energy(end_ev, zero_ev) / K_GRID[2] + 1e-6) * K_GRID[2]
    exafs = ((K_GRID[0], round(last_k, 6), K_GRID[2]),) if last_k > K_GRID[0] else ()
    return EdgePreset(
        name=name,
        absorber=tabulated.element,
        edge_ev=zero_ev,
        regions_ev=(
            (first_ev, zero_ev + PRE_EDGE_EV[1], PRE_EDGE_STEP_EV),
            (zero_ev + PRE_EDGE_EV[1], zero_ev + XANES_END_EV, fine_ev),
            (zero_ev + XANES_END_EV, shape_end_ev, max(SHAPE_STEP_EV, fine_ev)),
        ),
        regions_k=exafs,
        pre_edge_ev=(first_ev - WINDOW_MARGIN_EV, zero_ev + PRE_EDGE_EV[1] + WINDOW_MARGIN_EV),
        edge_integral_ev=(zero_ev + PRE_EDGE_EV[1] - WINDOW_MARGIN_EV, zero_ev + POST_EDGE_EV[1]),
        post_edge_ev=(zero_ev + POST_EDGE_EV[0], zero_ev + POST_EDGE_EV[1]),
        main_feature_ev=zero_ev + MAIN_FEATURE_EV,
    )


def fine_step_ev(core_hole_ev: float) -> float:
    """Return the step of the fine part of a grid, eV: a round number, at most half the core-hole width (eV)."""
    return max((step for step in STEPS_EV if step <= core_hole_ev / 2), default=STEPS_EV[0])


def feature_energy(edge: EdgePreset, energy_ev: float | None) -> float:
    """Return `energy_ev`, by default that of the edge's main feature, eV.

    Raises InputError if the energy belongs to another edge.
    """
    if energy_ev is None:
        return edge.main_feature_ev
    check_belongs(edge, [energy_ev])
    return energy_ev


def check_belongs(edge: EdgePreset, energies_ev: Sequence[float]) -> None:
    """Raise InputError if every energy (eV) lies nearer to another edge than to `edge`, or far from its grid."""
    energies_ev = [energy_ev for energy_ev in energies_ev if is_finite_number(energy_ev)]
    if not energies_ev:
        return
    known = {**PAPER_EDGES, edge.name: edge}
    # Grids of neighbouring edges overlap, so an energy belongs to the edge whose grid is nearest, and a scan is refused
    # only if no point of it is nearest to its edge, or all points are far from any grid of it.
    others = {min(known.values(), key=lambda one: _distance_ev(one, energy_ev)).name for energy_ev in energies_ev}
    far = all(_distance_ev(edge, energy_ev) > ELSEWHERE_EV for energy_ev in energies_ev)
    if edge.name in others and not far:
        return
    other = _nearest_edge(energies_ev[0]) if far else others.pop()
    low, high = edge.range_ev
    given = f"{energies_ev[0]:g}" + (f" to {energies_ev[-1]:g}" if len(energies_ev) > 1 else "")
    raise InputError(
        f"{given} eV belongs to {other}, not to {edge.name} ({low:g} to {high:g} eV). Give edge = "
        f"{other!r}, or energies near {edge.name}."
    )


def check_reducible(edge: EdgePreset, energies_ev: Sequence[float], *, allow_unreducible: bool) -> None:
    """Raise InputError if energies (eV) have no point below or above the edge, unless `allow_unreducible`."""
    intervals = {"below": edge.pre_edge_ev, "above": edge.post_edge_ev}
    missing = {
        where: interval
        for where, interval in intervals.items()
        if not any(interval[0] <= energy_ev <= interval[1] for energy_ev in energies_ev)
    }
    if missing and not allow_unreducible:
        needed = " and ".join(f"{where} it ({low:g} to {high:g} eV)" for where, (low, high) in missing.items())
        raise InputError(
            f"The spectrum of {edge.name} could not be normalised, as there is no point {needed}. Add one, or give "
            "allow_unreducible=True to measure it anyway."
        )


def _distance_ev(edge: EdgePreset, energy_ev: float) -> float:
    """Return how far an energy lies outside the edge's default grid, eV; 0 within it."""
    low_ev, high_ev = edge.range_ev
    return max(low_ev - energy_ev, energy_ev - high_ev, 0.0)


def _nearest_edge(energy_ev: float) -> str:
    """Return the name of the edge that an energy, eV, was probably meant for: the nearest one, preferring K and L3."""

    def unlikely(one: AbsorptionEdge) -> float:
        """Return the distance of an edge from `energy_ev`, eV, with a surcharge for edges that are rarely measured."""
        return abs(one.energy_ev - energy_ev) + (0.0 if one.level in ("K", "L3") else RARE_EDGE_EV)

    around = edges_between(energy_ev - ELSEWHERE_EV, energy_ev + ELSEWHERE_EV)
    return min(around, key=unlikely).name if around else "no edge"


def _last_energy_ev(edge: AbsorptionEdge, zero_ev: float, high_ev: float) -> float:
    """Return where the default grid ends, eV: at its last k, the monochromator's limit, or before the next edge."""
    ends = [energy_of_k(K_GRID[1], zero_ev), high_ev]
    following_ev = next_edge_ev(edge)
    if following_ev is not None:
        ends.append(max(following_ev - NEXT_EDGE_MARGIN_EV, zero_ev + SMALLEST_RANGE_EV))
    return min(ends)


def _out_of_reach(name: str, edge_ev: float, low_ev: float, high_ev: float) -> str:
    return (
        f"{name} ({edge_ev:g} eV) is out of the monochromator's reach: edges from {low_ev + SMALLEST_RANGE_EV:g} to "
        f"{high_ev - SMALLEST_RANGE_EV:g} eV can be measured. Choose another edge of the element, or correct low_ev "
        "and high_ev in [energy] of the configuration file."
    )


def _check_consistent(edge: EdgePreset) -> None:
    """Raise InputError if a configured interval contradicts a default one: the offset must end below the level."""
    if not edge.pre_edge_ev[1] < edge.post_edge_ev[0]:
        raise InputError(
            f'[edges."{edge.name}"] of the configuration file: pre_edge_ev = {list(edge.pre_edge_ev)} eV must end '
            f"below post_edge_ev = {list(edge.post_edge_ev)} eV. Give both."
        )
