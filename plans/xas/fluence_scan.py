"""Transient at one energy and delay against the pump fluence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devices.beamline import Beamline
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.scanning import ScanPlan, scan

FLUENCES_MJ_CM2 = (0.5, *(float(fluence) for fluence in range(1, 13)), 12.4)
"""Default fluences: the paper's range (SI 3) in equal steps, a line and the knee above 10 mJ/cm2."""


def fluence_scan(
    beamline: Beamline,
    edge: str,
    *,
    fluences_mj_cm2: Sequence[float] = FLUENCES_MJ_CM2,
    energy_ev: float | None = None,
    delay_ps: float = 100.0,
    dwell_s: float = 6.0,
    repeats: int = 1,
    shutter_reference: str = "none",
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the pump fluence at one energy of an edge and one delay.

    Parameters
    ----------
    edge : "Br K" or "Pb L3".
    fluences_mj_cm2 : fluences on the sample, mJ/cm2, ascending; 0.5 to 12.4 mJ/cm2 by default.
    energy_ev : photon energy, eV; the edge's main feature by default (13472 or 13043 eV).
    delay_ps : pump to first probe, ps.
    dwell_s : beam time per point, pass and laser state, s.
    repeats : passes over the fluences.
    shutter_reference : "none", or "point" / "scan" to repeat every point / pass with the laser blocked.
    sample, series, md : what goes into the run's metadata; runs of one series are combined.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Returns the run's uid. Raises InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    preset = edge_preset(edge)
    request = check_request(
        beamline,
        plan_name="fluence_scan",
        edge=preset,
        axis="fluence_mj_cm2",
        points=fluences_mj_cm2,
        fixed={"energy_ev": preset.main_feature_ev if energy_ev is None else energy_ev, "delay_ps": delay_ps},
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference=shutter_reference,
        sample=sample,
        series=series,
        md=md,
        approach=approach,
    )
    for fluence in request.points:
        beamline.fluence.check_value(fluence)
    return (yield from scan(beamline, request))
