"""Spectrum of the sample, pumped and unpumped, at one delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devices.beamline import Beamline
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.scanning import ScanPlan, scan
from plans.grids import Region, join_regions


def energy_scan(
    beamline: Beamline,
    edge: str,
    *,
    delay_ps: float,
    dwell_s: float = 6.0,
    repeats: int = 1,
    fluence_mj_cm2: float = 8.83,
    regions_ev: Sequence[Region] | None = None,
    shutter_reference: str = "none",
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the energy over an absorption edge with the laser at `delay_ps`.

    All five probes are recorded in both acquisition modes: probe n comes at `delay_ps` + n x 153.4 ns.

    Parameters
    ----------
    edge : "Br K" or "Pb L3"; sets the grid and the intervals that normalise the spectrum.
    delay_ps : pump to first probe, ps, positive when the X-rays come after the laser.
    dwell_s : beam time per point, pass and laser state, s.
    repeats : passes over the grid.
    fluence_mj_cm2 : pump fluence on the sample, mJ/cm2.
    regions_ev : (start, stop, step) in eV instead of the edge's own grid.
    shutter_reference : "none", or "point" / "scan" to repeat every point / pass with the laser blocked.
    sample, series, md : what goes into the run's metadata; runs of one series are combined.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Raises InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    preset = edge_preset(edge)
    request = check_request(
        beamline,
        plan_name="energy_scan",
        edge=preset,
        axis="energy_ev",
        points=join_regions(preset.regions_ev if regions_ev is None else regions_ev, "eV"),
        fixed={"delay_ps": delay_ps, "fluence_mj_cm2": fluence_mj_cm2},
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference=shutter_reference,
        sample=sample,
        series=series,
        md=md,
        approach=approach,
    )
    return (yield from scan(beamline, request))
