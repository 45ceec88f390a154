"""Powder images at several temperatures: one calibration, one background, a phase for each (paper, SI 8)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.powder.diffraction import (
    DetectorGeometry,
    GeometryCalibration,
    LinearBackground,
    Pattern,
    common_background,
    integrate,
    refined_geometry,
)
from reduction.powder.phases import PhaseAssignment, assign_phase
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.types import BoolArray, FloatArray

Q_RANGE_INV_ANGSTROM = (1.3, 2.8)
"""Range that the paper shows, 1/Angstrom (Fig. S8)."""

LINE_FREE_INV_ANGSTROM = ((1.32, 1.42), (1.61, 1.70), (1.95, 2.04), (2.23, 2.30), (2.48, 2.53), (2.72, 2.78))
"""Intervals, 1/Angstrom, between the groups of lines of all phases, at 2 pi sqrt(n) / 5.87 Angstrom, n = 2 to 7."""

_CALIBRATIONS = 3
_NEIGHBOURS = 5
_HOT_FACTOR = 3.0
_HOT_SIGMAS = 8.0


class PowderImage(NamedTuple):
    """Counts (rows, columns), negative where masked, and the I0 counts behind them."""

    counts: FloatArray
    i0: float


class PowderSeries(NamedTuple):
    """Reduced images, in the order given.

    `calibration`: by the graphite line of the first image; `patterns`: per I0 relative to the mean I0, minus the common
    `background`; `graphite`: position of its line in each image, 1/Angstrom; `phases`: that of each image.
    """

    calibration: GeometryCalibration
    background: LinearBackground
    patterns: tuple[Pattern, ...]
    graphite: tuple[Value, ...]
    phases: tuple[PhaseAssignment, ...]


def geometry_of(start: Mapping[str, Any]) -> DetectorGeometry:
    """Return the geometry of a run of the plan `diffraction` from its start document.

    The document gives the horizontal offset of the detector's near edge, m, the geometry that of the centre. Raises
    ReductionError if a value is missing.
    """
    try:
        recorded = start["geometry"]
        energy_ev = float(start["energy_ev"])
        rows, columns = (int(number) for number in recorded["shape"])
        pixel_m = float(recorded["pixel_m"])
        edge_m, vertical_m = (float(offset) for offset in recorded["offset_m"])
        distance_m = float(recorded["distance_m"])
        # Runs of 0.2.0 and before do not record the polarisation, and were reduced without it.
        polarization = None if "polarization" not in recorded else float(recorded["polarization"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReductionError(
            f"The start document has no usable geometry: {error!r}. Give a run of the plan diffraction."
        ) from error
    offset_m = (edge_m + columns * pixel_m / 2.0, vertical_m)
    return DetectorGeometry(
        distance_m=distance_m,
        offset_m=offset_m,
        pixel_m=pixel_m,
        shape=(rows, columns),
        energy_ev=energy_ev,
        polarization=polarization,
    )


def hot_pixels(counts: FloatArray) -> BoolArray:
    """Return a mask of the pixels that exceed three times the median of 5 x 5 pixels by eight errors.

    `counts` and the mask have the shape (rows, columns). The factor of three protects the tops of bright rings, which
    are only some pixels wide; the eight errors protect noise at few counts. A weaker hot pixel does little harm among
    the hundreds of pixels of its ring.
    """
    seen = np.maximum(counts, 0.0)
    # The median of 25 pixels does not notice a single hot one.
    usual = scipy.ndimage.median_filter(seen, size=_NEIGHBOURS, mode="nearest")
    return np.asarray(counts > _HOT_FACTOR * usual + _HOT_SIGMAS * np.sqrt(np.maximum(usual, 1.0)))


def reduce_powder_series(images: Sequence[PowderImage], geometry: DetectorGeometry) -> PowderSeries:
    """Return patterns and phases: calibrated on the graphite line of the first image, minus the common background.

    Raises ReductionError without images, or if the graphite line is not seen.
    """
    if not images:
        raise ReductionError("A powder series needs at least one image. Give runs with images.")
    masks = [hot_pixels(image.counts) for image in images]
    calibration = calibrate_in_powder(images[0].counts, masks[0], geometry)
    # Divided by I0 relative to its mean, so that intensities stay near counts.
    mean_i0 = float(np.mean([image.i0 for image in images]))
    patterns = [
        integrate(image.counts, calibration.geometry, mask=mask, normalisation=image.i0 / mean_i0)
        for image, mask in zip(images, masks, strict=True)
    ]
    background = common_background(patterns, LINE_FREE_INV_ANGSTROM)
    reduced = tuple(background.subtract(pattern) for pattern in patterns)
    phases = tuple(assign_phase(pattern, q_range_inv_angstrom=Q_RANGE_INV_ANGSTROM) for pattern in reduced)
    graphite = tuple(phase.scores[0].graphite_inv_angstrom for phase in phases)
    return PowderSeries(calibration, background, reduced, graphite, phases)


def calibrate_in_powder(counts: FloatArray, mask: BoolArray, geometry: DetectorGeometry) -> GeometryCalibration:
    """Return the geometry with the distance, m, refined on the graphite line of an image that shows powder too.

    Graphite overlaps with the lines next to (111) of CsPbBr3, which would shift a single fitted line by 0.002
    1/Angstrom; so its position comes from the fit of the best phase, whose own cell may be strained. The distance is
    refined, because the detector stays beside the beam while cells are exchanged. The refinement is repeated, because
    the phase fits better in the right geometry. Raises ReductionError if the graphite line is not seen.
    """
    found = before = None
    # Each round: assign the phase in the present geometry, take the graphite line from that fit, and move the sample so
    # that the line is at its place. The result states the line of the first round, before any correction.
    for _ in range(_CALIBRATIONS):
        pattern = integrate(counts, geometry, mask=mask)
        line = assign_phase(pattern, q_range_inv_angstrom=Q_RANGE_INV_ANGSTROM).scores[0].graphite_inv_angstrom
        if not math.isfinite(line.sigma):
            raise ReductionError("The image shows no graphite line near 1.83 1/Angstrom. Check geometry and exposure.")
        before = before or line
        found = refined_geometry(geometry, line, refine="distance_m")
        geometry = found.geometry
    assert found is not None  # there is at least one round
    assert before is not None
    return found._replace(line_before_inv_angstrom=before)
