"""Powder patterns from a flat detector beside the beam (paper, SI 2 and SI 8)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy

from errors import ReductionError
from reduction.values import Value

if TYPE_CHECKING:
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator  # type: ignore[import-untyped]

    from reduction.types import BoolArray, FloatArray

HC_EV_ANGSTROM = 12_398.419_843
"""Planck's constant times the speed of light, eV Angstrom."""

GRAPHITE_INV_ANGSTROM = 1.83
"""Line of the graphite sheets of the cell, 1/Angstrom (SI 8)."""

_GRAPHITE_HALF_WIDTH = 0.10


@dataclass(frozen=True, kw_only=True)
class DetectorGeometry:
    """A flat detector perpendicular to the beam, beside it.

    `distance_m`: sample to detector plane. `offset_m`: (horizontal, vertical) displacement of the detector's centre
    from the transmitted beam, horizontal along the columns. `shape`: (rows, columns). The defaults are the paper's: a
    Pilatus 100k at 24.10 cm, displaced 4.53 cm sideways, 12.9 keV. `polarization` of the X-rays: 1 horizontal, -1
    vertical, 0 none; None, as for runs that do not record it, leaves the intensities without that correction. Raises
    ReductionError for impossible values.
    """

    distance_m: float = 0.2410
    offset_m: tuple[float, float] = (0.0453, 0.0)
    pixel_m: float = 172e-6
    shape: tuple[int, int] = (195, 487)
    energy_ev: float = 12_900.0
    polarization: float | None = None

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if min(self.distance_m, self.pixel_m, self.energy_ev, *self.shape) <= 0:
            raise ReductionError("distance_m, pixel_m, energy_ev and shape must be above 0. Correct the geometry.")
        if self.polarization is not None and not -1 <= self.polarization <= 1:
            raise ReductionError(f"polarization = {self.polarization}: must be within -1 (vertical) to 1 (horizontal).")

    @property
    def wavelength_m(self) -> float:
        """X-ray wavelength, m."""
        return HC_EV_ANGSTROM / self.energy_ev * 1e-10

    def integrator(self) -> AzimuthalIntegrator:
        """Return the integrator of pyFAI; its point of normal incidence (PONI) is measured from the first pixel, m."""
        # pyFAI takes half as long to import as a whole window, most of which never show a powder pattern.
        from pyFAI.integrator.azimuthal import AzimuthalIntegrator

        rows, columns = self.shape
        return AzimuthalIntegrator(
            dist=self.distance_m,
            poni1=rows * self.pixel_m / 2.0 - self.offset_m[1],
            poni2=columns * self.pixel_m / 2.0 - self.offset_m[0],
            pixel1=self.pixel_m,
            pixel2=self.pixel_m,
            wavelength=self.wavelength_m,
        )

    def q_at(self, radius_m: float) -> float:
        """Return q = 4 pi sin(theta) / wavelength, 1/Angstrom, at `radius_m` from the beam in the detector plane."""
        return float(4e-10 * np.pi / self.wavelength_m * np.sin(np.arctan(radius_m / self.distance_m) / 2.0))

    def radius_at(self, q_inv_angstrom: float) -> float:
        """Return the distance from the beam in the detector plane, m, at which `q_at` is `q_inv_angstrom`."""
        half_angle = np.arcsin(q_inv_angstrom * 1e10 * self.wavelength_m / (4.0 * np.pi))
        return float(self.distance_m * np.tan(2.0 * half_angle))


class Pattern(NamedTuple):
    """Intensity per pixel and its counting error against the scattering vector, 1/Angstrom; (points,) each."""

    q_inv_angstrom: FloatArray
    intensity: FloatArray
    sigma: FloatArray


class GeometryCalibration(NamedTuple):
    """Refined geometry, line position before, 1/Angstrom, and the refined value ("distance_m" or "offset_m"), m."""

    geometry: DetectorGeometry
    line_before_inv_angstrom: Value
    refined: Value


class LinearBackground(NamedTuple):
    """Background constant + slope x q, common to all patterns; q in 1/Angstrom."""

    constant: float
    slope: float

    def subtract(self, pattern: Pattern) -> Pattern:
        """Return the pattern minus the background, (points,); its errors do not change."""
        line = self.constant + self.slope * pattern.q_inv_angstrom
        return pattern._replace(intensity=pattern.intensity - line)


def valid_pixels(image: FloatArray, mask: BoolArray | None = None) -> BoolArray:
    """Return a mask of the usable pixels of an image in counts, both of shape (rows, columns).

    A usable pixel is finite, not negative (a Pilatus has -1 in its gaps), and not True in `mask`.
    """
    good = np.isfinite(image) & (image >= 0)
    return np.asarray(good if mask is None else good & ~mask)


def integrate(
    image: FloatArray,
    geometry: DetectorGeometry,
    *,
    mask: BoolArray | None = None,
    normalisation: float = 1.0,
    points: int = 400,
    q_range_inv_angstrom: tuple[float, float] | None = None,
) -> Pattern:
    """Return the azimuthal integral of counts (rows, columns) in `points` bins, by pyFAI; empty bins are left out.

    Pixels are not split between bins, so that the counts of the bins are independent and their errors are sqrt(counts),
    at least 1. Solid angles are corrected, and the polarisation if it is known: at 30 degrees to the side a horizontal
    one leaves 75 % of the intensity. Intensities are divided by `normalisation` (I0). Raises ReductionError if shape or
    normalisation do not fit or no pixel is left.
    """
    _require_shape(geometry, image, mask)
    good = valid_pixels(image, mask)
    if not good.any() or not normalisation > 0:
        raise ReductionError("No valid pixel, or a normalisation that is not above 0. Check the mask and I0.")
    # Poisson: the variance of a pixel is its counts. Pixels are not split, so the counts of the bins are independent.
    counts = np.where(good, image, 0.0)
    result = _cached_integrator(geometry, threading.get_ident()).integrate1d(
        counts,
        points,
        mask=~good,
        variance=counts,
        unit="q_A^-1",
        radial_range=q_range_inv_angstrom,
        method=("no", "histogram", "cython"),
        correctSolidAngle=True,
        polarization_factor=geometry.polarization,
        normalization_factor=normalisation,
    )
    return _pattern(result, normalisation)


def _require_shape(geometry: DetectorGeometry, image: FloatArray, mask: BoolArray | None) -> None:
    if image.shape != geometry.shape or (mask is not None and mask.shape != geometry.shape):
        raise ReductionError(
            f"The image has the shape {image.shape}, the detector {geometry.shape}. Check the geometry of the run."
        )


def _pattern(result: Any, normalisation: float) -> Pattern:
    """Return the bins of pyFAI's result that hold pixels."""
    pixels = np.asarray(result.count, dtype=float)
    filled = pixels > 0
    # A bin without counts would have no error and an infinite weight: it gets the error of one count.
    least = 1.0 / (pixels[filled] * normalisation)
    return Pattern(
        np.asarray(result.radial, dtype=float)[filled],
        np.asarray(result.intensity, dtype=float)[filled],
        np.maximum(np.asarray(result.sigma, dtype=float)[filled], least),
    )


@lru_cache(maxsize=8)
def _cached_integrator(geometry: DetectorGeometry, _thread: int) -> AzimuthalIntegrator:
    """Return the integrator of a geometry, as computing q of all pixels takes time; one per thread, as it has state."""
    return geometry.integrator()


def fit_line(pattern: Pattern, near_inv_angstrom: float, half_width: float = _GRAPHITE_HALF_WIDTH) -> Value:
    """Return the position of a line, 1/Angstrom: Gaussian on a linear background within `half_width`.

    The error comes from the counts. Raises ReductionError without enough points, or without a line above three errors.
    """
    inside = np.abs(pattern.q_inv_angstrom - near_inv_angstrom) <= half_width
    if inside.sum() < 8:
        raise ReductionError(
            f"{inside.sum()} bins lie within {half_width:g} of {near_inv_angstrom:g} 1/Angstrom; a line needs 8. Use "
            "more bins."
        )
    q, y, sigma = (part[inside] for part in pattern)
    start = [float(y.max() - y.min()), float(q[np.argmax(y)]), half_width / 5.0, float(y.min()), 0.0]
    try:
        values, covariance = scipy.optimize.curve_fit(_line, q, y, start, sigma, absolute_sigma=True)
    except RuntimeError as error:
        raise ReductionError(
            f"No line is seen near {near_inv_angstrom:g} 1/Angstrom: the fit does not converge. Check geometry and "
            "exposure."
        ) from error
    # A fit to noise converges too, and may leave the window.
    if not (values[0] > 3 * np.sqrt(covariance[0, 0]) and abs(values[1] - near_inv_angstrom) < half_width):
        raise ReductionError(f"No line is seen near {near_inv_angstrom:g} 1/Angstrom. Check geometry and exposure.")
    return Value(float(values[1]), float(np.sqrt(covariance[1, 1])))


def calibrate(
    image: FloatArray,
    geometry: DetectorGeometry,
    *,
    mask: BoolArray | None = None,
    refine: str = "offset_m",
    line_inv_angstrom: float = GRAPHITE_INV_ANGSTROM,
) -> GeometryCalibration:
    """Return the geometry whose distance or horizontal offset puts the graphite line at `line_inv_angstrom`.

    One line determines one of the two: with the default geometry an error of 1 mm in the distance has the same effect
    as an error of 0.4 mm in the offset. The line must lie within 0.1 1/Angstrom of its place. Raises ReductionError for
    any other parameter, or if the line is not found.
    """
    before = fit_line(integrate(image, geometry, mask=mask), line_inv_angstrom)
    return refined_geometry(geometry, before, refine=refine, line_inv_angstrom=line_inv_angstrom)


def refined_geometry(
    geometry: DetectorGeometry,
    before: Value,
    *,
    refine: str = "offset_m",
    line_inv_angstrom: float = GRAPHITE_INV_ANGSTROM,
) -> GeometryCalibration:
    """Return the geometry in which a line that was found at `before` lies at `line_inv_angstrom`.

    `refine` is "distance_m" or "offset_m"; raises ReductionError for any other parameter.
    """
    if refine not in ("distance_m", "offset_m"):
        raise ReductionError(f"One line cannot refine {refine!r}. Choose 'distance_m' or 'offset_m'.")
    # The line lies at a fixed pixel. A change of the distance leaves its radius; a change of the offset moves the
    # detector, and the radius with it. The derivative of q with respect to the change turns the error of the line into
    # that of the parameter.
    radius = geometry.radius_at(before.value)

    def refined(change: float) -> DetectorGeometry:
        """Return the geometry with the distance, or the first offset, changed by `change`, m."""
        if refine == "distance_m":
            return replace(geometry, distance_m=geometry.distance_m + change)
        return replace(geometry, offset_m=(geometry.offset_m[0] + change, geometry.offset_m[1]))

    def moved(change: float) -> float:
        """Return q of the line, 1/Angstrom, in a geometry changed by `change`, m."""
        return refined(change).q_at(radius + (change if refine == "offset_m" else 0.0))

    limit = 0.2 * geometry.distance_m
    change = float(scipy.optimize.brentq(lambda c: moved(c) - line_inv_angstrom, -limit, limit))
    step = 1e-5
    sigma = before.sigma / abs((moved(change + step) - moved(change - step)) / (2 * step))
    started = geometry.distance_m if refine == "distance_m" else geometry.offset_m[0]
    return GeometryCalibration(refined(change), before, Value(started + change, sigma))


def common_background(
    patterns: Sequence[Pattern], line_free_inv_angstrom: Sequence[tuple[float, float]]
) -> LinearBackground:
    """Return the weighted line through all patterns in the intervals without lines, 1/Angstrom; one for all (SI 8).

    Raises ReductionError with fewer than two bins.
    """
    # One line for all patterns, because the background is that of the cell and the air, not of the powder. All bins of
    # all patterns weigh by their errors.
    parts = [
        np.array([part[(pattern.q_inv_angstrom >= low) & (pattern.q_inv_angstrom <= high)] for part in pattern])
        for pattern in patterns
        for low, high in line_free_inv_angstrom
    ]
    joined = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))
    if joined.shape[1] < 2:
        raise ReductionError("The line-free intervals hold fewer than two bins. Widen them.")
    slope, constant = np.polyfit(joined[0], joined[1], 1, w=1.0 / joined[2])
    return LinearBackground(float(constant), float(slope))


def _line(q: FloatArray, height: float, centre: float, width: float, constant: float, slope: float) -> FloatArray:
    return np.asarray(height * np.exp(-(((q - centre) / width) ** 2) / 2.0) + constant + slope * (q - centre))
