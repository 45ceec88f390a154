"""Spectrum of the powder in the thermostated cell, without pump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devices.beamline import Beamline
from plans.edges import edge_preset
from plans.engine.detection import powder
from plans.engine.request import ScanRequest, check_request
from plans.engine.scanning import ScanPlan, scan
from plans.grids import Region, join_regions


def static_energy_scan(
    beamline: Beamline,
    edge: str,
    *,
    temperature_c: float | None = None,
    grid: Sequence[Region] | None = None,
    dwell_s: float = 6.0,
    repeats: int = 1,
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the energy over an edge of the powder in the cell; the drift detector counts, the laser stays blocked.

    The cell is put into the beam and brought to its temperature first. Neither laser nor jet is needed.

    Parameters
    ----------
    edge : "Br K" or "Pb L3"; sets the grid and the intervals that normalise the spectrum.
    temperature_c : of the powder, C: the scan begins when it has settled there. Without it the cell stays as it is.
    grid : (start, stop, step) in eV instead of the edge's own grid.
    dwell_s : beam time per point and pass, s.
    repeats : passes over the grid.
    sample, series, md : what goes into the run's metadata; runs of one series are combined.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Returns the run's uid. Raises InputError, ConfigurationError, NotConnectedError or AcquisitionError before anything
    has moved, NotSettledError if the temperature does not settle.
    """
    request = static_request(
        beamline,
        edge,
        temperature_c=temperature_c,
        grid=grid,
        dwell_s=dwell_s,
        repeats=repeats,
        sample=sample,
        series=series,
        md=md,
        approach=approach,
    )
    return (yield from scan(beamline, request))


def static_request(
    beamline: Beamline, edge: str, *, temperature_c: float | None, grid: Sequence[Region] | None, **options: Any
) -> ScanRequest:
    """Arguments of `static_energy_scan`, checked; raises as that does for what is wrong with them."""
    preset = edge_preset(edge)
    return check_request(
        beamline,
        plan_name="static_energy_scan",
        edge=preset,
        axis="energy_ev",
        points=join_regions(preset.regions_ev if grid is None else grid, "eV"),
        fixed={},
        shutter_reference="none",
        laser="closed",
        detection=powder(beamline),
        temperature_c=temperature_c,
        **options,
    )
