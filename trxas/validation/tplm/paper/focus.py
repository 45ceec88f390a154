"""Focus on the sample, which moves by tens of nm per K: the height at which the image is narrowest."""

from __future__ import annotations

import math
from collections.abc import Mapping

import bluesky.plan_stubs as bps
import numpy as np

from errors import ReductionError
from reduction.kinds import summed
from reduction.tplm.calibrations import image_centre
from reduction.tplm.map_sums import MapSums
from storage import load_dataset
from trxas.session.session import Session

AXIS = "piezo_z_um"

COARSE_UM = (-8.0, -6.0, -4.0, -2.0, 0.0, 2.0)
"""Heights of the first search, um: the sample has come down since it was focused at room temperature."""

REACHES_UM = (1.2, 0.6)
"""Distances of the three heights of each round, um."""

SEARCH = {"power_nw": 20.0, "rate_mhz": 5.0, "positions": 15, "step_um": 0.6, "centre_every": 0, "dwell_s": 1.0}
"""Brief lines that reach over the image, however blurred."""


def refocus(session: Session, options: Mapping[str, float], near_um: float | None) -> float:
    """Move the sample into focus, and return its height, um; `options` are those of the maps that follow.

    The variance of an image grows with the square of the distance from the focus, so three heights determine it; the
    search begins at `near_um`, or with coarse steps if that is None. Raises ReductionError if no height shows an image.
    """
    if near_um is None:
        # Far out of focus the image is lost in the background, which is as good as very wide.
        near_um = min(COARSE_UM, key=lambda height: _variance_nm2(session, options, height))
    height_um = near_um
    for reach_um in REACHES_UM:
        heights = height_um + reach_um * np.array([-1.0, 0.0, 1.0])
        variances = np.array([_variance_nm2(session, options, float(one)) for one in heights])
        if not np.isfinite(variances).all():
            raise ReductionError(f"No image is seen around a height of {height_um:.1f} um. Check laser and filters.")
        curvature, slope, _ = np.polyfit(heights - height_um, variances, 2)
        # Noise may bend the parabola the wrong way; the narrowest height is then the next start.
        step = -slope / (2 * curvature) if curvature > 0 else float(heights[np.argmin(variances)]) - height_um
        height_um += float(np.clip(step, -2 * reach_um, 2 * reach_um))
    session.run_engine(bps.mv(session.beamline.axes[AXIS], height_um))
    return height_um


def _variance_nm2(session: Session, options: Mapping[str, float], height_um: float) -> float:
    """Return the squared full width of the image at a height, nm2; infinite if no image is seen."""
    session.run_engine(bps.mv(session.beamline.axes[AXIS], height_um))
    uid = session.measure(session.plans()["tplm_map"](**{**options, **SEARCH}))
    sums = summed(list(load_dataset(session.store, uid))).sums
    try:
        found = image_centre(sums.exposures(), "x_um") if isinstance(sums, MapSums) else None
    except ReductionError:
        return math.inf
    return math.inf if found is None else found.fwhm_nm.value**2
