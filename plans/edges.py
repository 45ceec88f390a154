"""Absorption edges of the experiment: their grids and the regions that normalise a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from devices.numbers import is_finite_number
from errors import InputError
from plans.grids import Region, join_regions

Interval = tuple[float, float]


class EdgeName(StrEnum):
    """Known absorption edges."""

    BR_K = "Br K"
    PB_L3 = "Pb L3"


@dataclass(frozen=True, kw_only=True)
class EdgePreset:
    """One edge: its default grid and the intervals that the reduction uses, all in eV.

    `pre_edge_ev` gives the flat offset, `edge_integral_ev` the scale, and `post_edge_ev` the level that counts as 1.
    Delay scans stay at `main_feature_ev`.
    """

    name: EdgeName
    absorber: str
    regions_ev: tuple[Region, ...]
    pre_edge_ev: Interval
    edge_integral_ev: Interval
    post_edge_ev: Interval
    main_feature_ev: float


BR_K = EdgePreset(
    name=EdgeName.BR_K,
    absorber="Br",
    # 13.450-13.570 keV, finer than 0.5 eV at the edge and wider above (paper, SI 2).
    regions_ev=((13450, 13462, 2), (13462, 13480, 0.5), (13480, 13516, 1.5), (13516, 13570, 4.5)),
    pre_edge_ev=(13450, 13461),
    edge_integral_ev=(13462, 13570),
    post_edge_ev=(13530, 13570),
    main_feature_ev=13472.0,
)

PB_L3 = EdgePreset(
    name=EdgeName.PB_L3,
    absorber="Pb",
    # 13.000-13.140 keV (paper, SI 2); the core hole of Pb is 6 eV wide, so 0.5 eV would only cost time.
    regions_ev=((13000, 13024, 4), (13024, 13072, 1), (13072, 13140, 4)),
    pre_edge_ev=(13000, 13021),
    edge_integral_ev=(13022, 13140),
    post_edge_ev=(13105, 13140),
    main_feature_ev=13043.0,
)

EDGES = {edge.name: edge for edge in (BR_K, PB_L3)}
"""Known edges by name."""


def edge_preset(name: str) -> EdgePreset:
    """Return the edge called `name`; raise InputError naming the known ones if it is none of them."""
    if not isinstance(name, str) or name not in EDGES:
        raise InputError(f"Unknown edge {name!r}. Known edges: {', '.join(EDGES)}.")
    return EDGES[EdgeName(name)]


def edge_points(edge: EdgePreset, regions_ev: Sequence[Region] | None) -> list[float]:
    """Return the energies of `regions_ev`, eV, by default those of the edge; raise InputError if they are no grid."""
    return join_regions(edge.regions_ev if regions_ev is None else regions_ev, "eV")


def feature_energy(edge: EdgePreset, energy_ev: float | None) -> float:
    """Return `energy_ev`, by default that of the edge's main feature, eV.

    Raises InputError if the energy belongs to another edge.
    """
    if energy_ev is None:
        return edge.main_feature_ev
    check_belongs(edge, [energy_ev])
    return energy_ev


def check_belongs(edge: EdgePreset, energies_ev: Sequence[float]) -> None:
    """Raise InputError if every energy (eV) lies nearer to another edge than to `edge`."""
    energies_ev = [energy_ev for energy_ev in energies_ev if is_finite_number(energy_ev)]
    if not energies_ev:
        return
    others = {min(EDGES.values(), key=lambda one: _distance_ev(one, energy_ev)) for energy_ev in energies_ev}
    if edge in others:
        return
    other = others.pop()
    low, high = edge.regions_ev[0][0], edge.regions_ev[-1][1]
    given = f"{energies_ev[0]:g}" + (f" to {energies_ev[-1]:g}" if len(energies_ev) > 1 else "")
    raise InputError(
        f"{given} eV belongs to {other.name}, not to {edge.name} ({low:g} to {high:g} eV). Give edge = "
        f"{str(other.name)!r}, or energies near {edge.name}."
    )


def check_reducible(edge: EdgePreset, energies_ev: Sequence[float], *, allow_unreducible: bool) -> None:
    """Raise InputError if energies (eV) have no point before or behind the edge, unless `allow_unreducible`."""
    intervals = {"before": edge.pre_edge_ev, "behind": edge.post_edge_ev}
    missing = {
        where: interval
        for where, interval in intervals.items()
        if not any(interval[0] <= energy_ev <= interval[1] for energy_ev in energies_ev)
    }
    if missing and not allow_unreducible:
        needed = " and ".join(f"{where} it ({low:g} to {high:g} eV)" for where, (low, high) in missing.items())
        raise InputError(
            f"The spectrum of {edge.name} could not be normalised, as there is no point {needed}. Add one, or give "
            "allow_unreducible=True to measure it all the same."
        )


def _distance_ev(edge: EdgePreset, energy_ev: float) -> float:
    """Return how far an energy lies outside the edge's default grid, eV; 0 within it."""
    return max(edge.regions_ev[0][0] - energy_ev, energy_ev - edge.regions_ev[-1][1], 0.0)
