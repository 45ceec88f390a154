"""Spatial overlap: the transient against the laser pointing, and the Gaussian through it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeWarning, curve_fit

from devices.beamline import Beamline
from errors import InputError, ReductionError
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.safe_end import ending_safely
from plans.engine.scanning import ScanPlan, check_scan, scan
from plans.engine.suspending import Plan

DIRECTIONS = ("horizontal", "vertical")

POSITIONS_UM = tuple(float(position) for position in range(-80, 81, 10))
"""Default positions: both sides of a spot of 45 x 50 um, in steps of a fifth of it."""

LEAST_HEIGHT_SIGMAS = 5.0
"""A maximum smaller than this is none (one in 1.7 million by chance)."""


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

    `fit_overlap` finds the centre; `RE(bps.mv(pointing_horizontal, centre))` goes there. Returns the run's uid. Raises
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


@dataclass(frozen=True)
class OverlapFit:
    """Where the transient is largest and how wide it is (FWHM), um, with standard errors."""

    center_um: float
    center_sigma_um: float
    fwhm_um: float
    fwhm_sigma_um: float


def fit_overlap(position_um: ArrayLike, transient: ArrayLike, sigma: ArrayLike) -> OverlapFit:
    """Fit a Gaussian on a constant to the transient (n,) with errors (n,) at mirror positions (n,), n at least 6.

    The transient follows the laser intensity, as long as it does not saturate. Raises InputError for arrays that do
    not fit together, ReductionError if there is no maximum within the positions.
    """
    x, y, error = (np.asarray(values, dtype=float) for values in (position_um, transient, sigma))
    if x.ndim != 1 or not x.shape == y.shape == error.shape or x.size < 6 or not np.all(np.isfinite([x, y, error])):
        raise InputError(f"An overlap fit needs 6 or more positions, transients and errors, not {x.shape}, {y.shape}.")
    if not np.all(error > 0):
        raise InputError("The errors of an overlap fit must be above 0.")
    baseline = float(np.median(y))
    peak = int(np.argmax(np.abs(y - baseline)))
    guess = (baseline, y[peak] - baseline, x[peak], np.ptp(x) / 3)
    try:
        with warnings.catch_warnings(action="error", category=OptimizeWarning):
            found, covariance = curve_fit(_gaussian, x, y, guess, error, absolute_sigma=True)
    except (RuntimeError, OptimizeWarning) as failure:
        raise ReductionError(f"No maximum of the transient: {failure}. Widen the scan, or count longer.") from failure
    errors = np.sqrt(np.diag(covariance))
    if not abs(found[1]) > LEAST_HEIGHT_SIGMAS * errors[1] or not x.min() <= found[2] <= x.max():
        raise ReductionError(
            f"No maximum of the transient within {x.min():g} to {x.max():g} um: height {found[1]:.3g} +- "
            f"{errors[1]:.1g} at {found[2]:.3g} um. Widen the scan, count longer, or look at time zero first."
        )
    return OverlapFit(float(found[2]), float(errors[2]), abs(float(found[3])), float(errors[3]))


def _gaussian(x: Any, baseline: float, height: float, center: float, fwhm: float) -> Any:
    return baseline + height * np.exp(-4 * np.log(2) * ((x - center) / fwhm) ** 2)
