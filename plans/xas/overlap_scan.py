"""Spatial overlap: the transient against the laser pointing, and the Gaussian through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from devices.beamline import Beamline
from errors import InputError
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.safe_end import ending_safely
from plans.engine.scanning import ScanPlan, check_scan, scan
from plans.engine.suspending import Plan

DIRECTIONS = ("horizontal", "vertical")

POSITIONS_UM = tuple(float(position) for position in range(-80, 81, 10))
"""Default positions: both sides of a spot of 45 x 50 um, in steps of a fifth of it."""


def overlap_scan(
    beamline: Beamline,
    direction: str,
    edge: str = "Br K",
    *,
    positions_um: Sequence[float] = POSITIONS_UM,
    energy_ev: float | None = None,
    delay_ps: float = 100.0,
    dwell_s: float = 6.0,
    repeats: int = 1,
    fluence_mj_cm2: float = 8.83,
    shutter_reference: str = "none",
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the laser over the X-ray spot in one direction; the mirror returns to where it was.

    Parameters
    ----------
    direction : "horizontal" or "vertical"; the other mirror stays.
    edge : "Br K" or "Pb L3"; Br shows a five times larger transient.
    positions_um : mirror positions, um on the sample, ascending.
    energy_ev : photon energy, eV; the edge's main feature by default.
    delay_ps, dwell_s, repeats, fluence_mj_cm2, shutter_reference, sample, series, md, approach : as of `energy_scan`.
        Keep the fluence below the saturation at 10 mJ/cm2, which would flatten the top.

    `reduce(-1)` gives the centre; `RE(bps.mv(pointing_horizontal, centre))` goes there. Returns the run's uid. Raises
    InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction = {direction!r}: give one of {DIRECTIONS}.")
    preset, geometry = edge_preset(edge), beamline.configuration.geometry
    axis = f"pointing_{direction}_um"
    gates = {"pumped_probe": geometry.pumped_probe, "unpumped_probe": geometry.unpumped_probe}
    request = check_request(
        beamline,
        plan_name="overlap_scan",
        edge=preset,
        axis=axis,
        points=positions_um,
        fixed={
            "energy_ev": preset.main_feature_ev if energy_ev is None else energy_ev,
            "delay_ps": delay_ps,
            "fluence_mj_cm2": fluence_mj_cm2,
        },
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference=shutter_reference,
        sample=sample,
        series=series,
        md=md,
        own_md={**gates, "direction": direction},
        approach=approach,
    )
    check_scan(beamline, request)
    mirror = beamline.axes[axis]
    home = mirror.position
    request = replace(request, md={**request.md, "home_um": home})

    def go_home() -> Plan:
        yield from bps.abs_set(mirror, home, wait=True)

    # The way home has to end safely as well.
    return str((yield from ending_safely(beamline, bpp.finalize_wrapper(scan(beamline, request), go_home))))
