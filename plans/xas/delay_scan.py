"""Kinetics at one energy: pumped and unpumped signal against the laser delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devices.beamline import Beamline
from errors import InputError
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.scanning import ScanPlan, scan
from plans.grids import Region, join_regions, log_spaced

TIME_TRACE_LINEAR_PS: tuple[Region, ...] = ((-500, -200, 150), (-90, 90, 30), (120, 260, 35))
"""Linear part of the default time trace: a baseline, the rise, and the first decay."""

TIME_TRACE_LOG_PS = ((300.0, 2400.0, 14), (6_000.0, 130_000.0, 6))
"""Logarithmic parts (first, last, count): the second decay, and the offset to the paper's 130 ns (SI 2).

Densest where the lifetimes are decided. With 36 s per point tau1 comes out to 19 ps and tau2 to 230 ps, about as in the
paper (20 and 300 ps), and the pulls of all parameters are 0.9 to 1.2 wide (120 simulated traces).
"""


def time_trace_ps() -> list[float]:
    """Default delays of a time trace, ps."""
    tail = [delay for part in TIME_TRACE_LOG_PS for delay in log_spaced(*part)]
    return join_regions(TIME_TRACE_LINEAR_PS, "ps") + tail


def delay_scan(
    beamline: Beamline,
    edge: str,
    *,
    energy_ev: float | None = None,
    delays_ps: Sequence[float] | None = None,
    regions_ps: Sequence[Region] | None = None,
    dwell_s: float = 6.0,
    repeats: int = 1,
    fluence_mj_cm2: float = 8.83,
    shutter_reference: str = "none",
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the laser delay at one energy of an edge.

    Parameters
    ----------
    edge : "Br K" or "Pb L3".
    energy_ev : photon energy, eV; the edge's main feature by default (13472 or 13043 eV).
    delays_ps : delays of the first probe, ps, ascending; by default linear around zero and logarithmic to 130 ns.
    regions_ps : (start, stop, step) in ps, instead of `delays_ps`.
    dwell_s : beam time per point, pass and laser state, s.
    repeats : passes over the delays.
    fluence_mj_cm2 : pump fluence on the sample, mJ/cm2.
    shutter_reference : "none", or "point" / "scan" to repeat every point / pass with the laser blocked.
    sample, series, md : what goes into the run's metadata; runs of one series are combined.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Raises InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    preset = edge_preset(edge)
    if delays_ps is not None and regions_ps is not None:
        raise InputError("Give delays_ps or regions_ps, not both.")
    points = delays_ps if regions_ps is None else join_regions(regions_ps, "ps")
    request = check_request(
        beamline,
        plan_name="delay_scan",
        edge=preset,
        axis="delay_ps",
        points=time_trace_ps() if points is None else points,
        fixed={
            "energy_ev": preset.main_feature_ev if energy_ev is None else energy_ev,
            "fluence_mj_cm2": fluence_mj_cm2,
        },
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference=shutter_reference,
        sample=sample,
        series=series,
        md=md,
        approach=approach,
    )
    return (yield from scan(beamline, request))
