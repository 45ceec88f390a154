"""Absorption edges of the experiment: their grids and the regions that normalise a spectrum."""

from __future__ import annotations

from dataclasses import dataclass

from errors import InputError
from plans.grids import Region

Interval = tuple[float, float]


@dataclass(frozen=True)
class EdgePreset:
    """One edge: default grid and the intervals the reduction uses, all in eV.

    `pre_edge_ev` gives the flat offset, `edge_integral_ev` the scale, `post_edge_ev` the level that counts as 1;
    `main_feature_ev` is where delay scans sit.
    """

    name: str
    absorber: str
    regions_ev: tuple[Region, ...]
    pre_edge_ev: Interval
    edge_integral_ev: Interval
    post_edge_ev: Interval
    main_feature_ev: float


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

EDGES = {edge.name: edge for edge in (BR_K, PB_L3)}
"""Known edges by name."""


def edge_preset(name: str) -> EdgePreset:
    """The edge called `name`; raises InputError naming the known ones."""
    if not isinstance(name, str) or name not in EDGES:
        raise InputError(f"Unknown edge {name!r}. Known edges: {', '.join(EDGES)}.")
    return EDGES[name]
