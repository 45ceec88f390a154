"""Energies of a scan over an edge: regions in eV, then regions in the wave number of the photoelectron."""

from __future__ import annotations

from collections.abc import Sequence

from errors import InputError
from plans.edges import EdgePreset
from plans.grids import Region, join_points, join_regions
from plans.photoelectron import energy_of_k, k_of_energy


def edge_points(
    edge: EdgePreset, regions_ev: Sequence[Region] | None, regions_k: Sequence[Region] | None = None
) -> list[float]:
    """Return the energies of a scan, eV, ascending: regions in eV, followed by regions in k, 1/A.

    Without regions the default energies of the edge; with `regions_k` alone, its regions in eV up to where those begin.
    Raises InputError if they do not form a grid.
    """
    if regions_k is None and regions_ev is not None:
        return join_regions(regions_ev, "eV")
    regions_k = _regions_k(edge, regions_ev, regions_k)
    behind = [energy_of_k(k, edge.zero_ev) for k in join_regions(regions_k, "1/A")] if regions_k else []
    if behind and regions_k[0][0] <= 0:
        raise InputError(f"regions_k = {regions_k!r}: k must start above 0 1/A, which is the edge itself. Raise it.")
    before = join_regions(edge.regions_ev if regions_ev is None else regions_ev, "eV")
    # Default regions in eV stop where those in k begin; regions that the user gives must fit together by themselves.
    if regions_ev is None and behind:
        before = [point for point in before if point < behind[0]]
    return join_points(before, behind, edge.name)


def dwell_factors(
    edge: EdgePreset,
    points_ev: Sequence[float],
    power: float,
    regions_ev: Sequence[Region] | None,
    regions_k: Sequence[Region] | None,
) -> tuple[float, ...]:
    """Return the factors of the dwell at the energies `points_ev`, eV: (k / first k)^power in the regions in k.

    Empty for a `power` of 0. EXAFS falls with k, so a power of 1 to 2 keeps it above the noise. Raises InputError if
    the scan has no regions in k.
    """
    if power == 0:
        return ()
    used = _regions_k(edge, regions_ev, regions_k)
    if not used:
        raise InputError(
            f"dwell_power = {power:g}: the scan has no regions in k, where the dwell could grow. Give regions_k, or "
            "leave dwell_power out."
        )
    first_k = used[0][0]
    first_ev = energy_of_k(first_k, edge.zero_ev)
    return tuple(
        1.0 if point < first_ev else max((k_of_energy(point, edge.zero_ev) / first_k) ** power, 1.0)
        for point in points_ev
    )


def region_ends(
    edge: EdgePreset, regions_ev: Sequence[Region] | None, regions_k: Sequence[Region] | None = None
) -> list[float]:
    """Return where the regions of the grid of `edge_points` end, eV, those in eV first."""
    ends = [float(stop) for _, stop, _ in (edge.regions_ev if regions_ev is None else regions_ev)]
    return ends + [energy_of_k(stop, edge.zero_ev) for _, stop, _ in _regions_k(edge, regions_ev, regions_k)]


def _regions_k(
    edge: EdgePreset, regions_ev: Sequence[Region] | None, regions_k: Sequence[Region] | None
) -> Sequence[Region]:
    """Return the regions in k of a grid: those of the edge unless the user gives regions of either kind."""
    if regions_k is not None:
        return regions_k
    return edge.regions_k if regions_ev is None else ()
