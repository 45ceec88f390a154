"""Tables of absorption edges: settings of a beamline that differ from the defaults, which follow from the element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.absorption_edges import absorption_edge
from devices.configuration.axis_settings import EnergySettings
from devices.configuration.fields import SETTINGS, Fault, optional_quantity, table_name
from errors import InputError

Region = tuple[float, float, float]
"""Start, stop and step of a part of a grid."""

Interval = tuple[float, float]
"""Lowest and highest energy, eV."""

WINDOWS = ("pre_edge_ev", "edge_integral_ev", "post_edge_ev")


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class EdgeSettings:
    """One absorption edge, `[edges."Fe K"]`: its name selects the element and its edge; every key may be left out.

    `regions_ev` and `regions_k` are the default grid, rows of start, stop and step. The three intervals normalise a
    spectrum: `pre_edge_ev` gives its offset, `edge_integral_ev` its scale, and `post_edge_ev` the level that counts
    as 1. Delay scans stay at `main_feature_ev`.
    """

    edge_ev: Annotated[
        float | None, optional_quantity("energy of the edge, where k is 0", "eV", low=1000.0, high=200_000.0)
    ] = None
    core_hole_ev: Annotated[
        float | None, optional_quantity("width of the core hole, which sets the steps", "eV", low=0.05, high=200.0)
    ] = None
    regions_ev: Annotated[
        tuple[Region, ...] | None, optional_quantity("grid below and at the edge: rows [start, stop, step]", "eV")
    ] = None
    regions_k: Annotated[
        tuple[Region, ...] | None, optional_quantity("grid above the edge: rows [start, stop, step]", "1/A")
    ] = None
    pre_edge_ev: Annotated[Interval | None, optional_quantity("interval [low, high] of the flat offset", "eV")] = None
    edge_integral_ev: Annotated[Interval | None, optional_quantity("interval [low, high] of the scale", "eV")] = None
    post_edge_ev: Annotated[
        Interval | None, optional_quantity("interval [low, high] of the level that counts as 1", "eV")
    ] = None
    main_feature_ev: Annotated[
        float | None, optional_quantity("energy at which delay scans stay", "eV", low=1000.0, high=200_000.0)
    ] = None

    def faults(self, table: str = "edges") -> Iterable[Fault]:
        """Yield a fault for all keys of the table named `table` that contradict each other, in eV or 1/A."""
        for key in WINDOWS:
            interval = getattr(self, key)
            if interval is not None and not interval[0] < interval[1]:
                yield Fault(
                    table=table,
                    key=key,
                    message=f"= {list(interval)} eV: is reversed or empty. Give the lower energy first.",
                )
        if self.pre_edge_ev and self.post_edge_ev and not self.pre_edge_ev[1] < self.post_edge_ev[0]:
            yield Fault(
                table=table,
                key="pre_edge_ev",
                message=f"= {list(self.pre_edge_ev)} eV: must end below post_edge_ev = {list(self.post_edge_ev)} eV. "
                "Correct one of them.",
            )
        yield from _region_faults(table, "regions_ev", self.regions_ev, "eV")
        yield from _region_faults(table, "regions_k", self.regions_k, "1/A")


def _region_faults(table: str, key: str, regions: Sequence[Region] | None, unit: str) -> Iterable[Fault]:
    """Yield a fault for every invalid region, and for every region that begins before the previous one ends."""
    if regions is None:
        return
    if not regions and key == "regions_ev":
        yield Fault(table=table, key=key, message="is empty. Give at least one row [start, stop, step], or no key.")
    for start, stop, step in regions:
        if not (start < stop and step > 0 and start >= 0):
            yield Fault(
                table=table,
                key=key,
                message=f"row [{start:g}, {stop:g}, {step:g}] {unit}: start must be at least 0 and below stop, step "
                f"above 0 {unit}.",
            )
    # Regions may touch, and then share a point; a region that begins inside the previous one would repeat its points.
    for before, after in pairwise(regions):
        if after[0] < before[1]:
            yield Fault(
                table=table,
                key=key,
                message=f"row [{after[0]:g}, ...] {unit}: starts below {before[1]:g} {unit}, where the row before it "
                "ends. Sort the rows.",
            )


def edge_name_faults(names: Iterable[str]) -> Iterable[Fault]:
    """Yield a fault for every table `[edges.NAME]` whose name is not that of an edge."""
    for name in names:
        try:
            absorption_edge(name)
        except InputError as error:
            yield Fault(table=table_name("edges", name), key="", message=f"is not the name of an edge. {error}")


def edge_faults(energy: EnergySettings | None, edges: Mapping[str, EdgeSettings]) -> Iterable[Fault]:
    """Yield a fault for every edge beyond the limits of the monochromator, eV; unknown edges are left out."""
    for name, settings in edges.items():
        table = table_name("edges", name)
        try:
            known = absorption_edge(name)
        except InputError:
            continue  # reported by `edge_name_faults`, also where the table has other faults
        edge_ev = settings.edge_ev or known.energy_ev
        if energy is not None and not energy.low_ev <= edge_ev <= energy.high_ev:
            yield Fault(
                table=table,
                key="edge_ev",
                message=f"= {edge_ev:g} eV: is out of the monochromator's reach, {energy.low_ev:g} to "
                f"{energy.high_ev:g} eV in [energy]. Remove the table, or correct those limits.",
            )
        yield from _energies_out_of_reach(table, settings, energy)


def _energies_out_of_reach(table: str, settings: EdgeSettings, energy: EnergySettings | None) -> Iterable[Fault]:
    given: dict[str, Sequence[float]] = {}
    if settings.main_feature_ev is not None:
        given["main_feature_ev"] = [settings.main_feature_ev]
    if settings.regions_ev is not None:
        given["regions_ev"] = [end for region in settings.regions_ev for end in region[:2]]
    for key, values in given.items():
        beyond = [] if energy is None else [one for one in values if not energy.low_ev <= one <= energy.high_ev]
        if beyond and energy is not None:
            kev = " It looks like keV; give eV." if energy.low_ev <= 1e3 * beyond[0] <= energy.high_ev else ""
            yield Fault(
                table=table,
                key=key,
                message=f"{beyond[0]:g} eV: must be within {energy.low_ev:g} to {energy.high_ev:g} eV, the limits in "
                f"[energy].{kev}",
            )
