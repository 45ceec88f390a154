"""If these fail, the powder patterns have their lines elsewhere, and a phase is taken for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from errors import ReductionError
from reduction.powder.diffraction import DetectorGeometry
from reduction.powder.phases import CUBIC, ORTHORHOMBIC, TETRAGONAL, Phase
from reduction.powder.series import PowderImage, calibrate_in_powder, geometry_of, hot_pixels, reduce_powder_series

START: dict[str, Any] = {
    "energy_ev": 12_900.0,
    "geometry": {"distance_m": 0.2410, "offset_m": [0.0453, 0.0], "pixel_m": 172e-6, "shape": [195, 487]},
}
GEOMETRY = geometry_of(START)
TRUE = replace(GEOMETRY, distance_m=0.2413)
HOT, GAP = (50, 300), 97


def scattering_vector(geometry: DetectorGeometry) -> NDArray[np.float64]:
    """Written out once more from the paper's relations, without pyFAI."""
    rows, columns = geometry.shape
    x = (np.arange(columns) + 0.5 - columns / 2) * geometry.pixel_m + geometry.offset_m[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * geometry.pixel_m + geometry.offset_m[1]
    two_theta = np.arctan(np.hypot(x[None, :], y[:, None]) / geometry.distance_m)
    return np.asarray(4 * np.pi / (12.398419843 / 12.9) * np.sin(two_theta / 2))


def image(phase: Phase, seed: int, i0: float = 1e6) -> PowderImage:
    """Lines of a phase, one of them next to the graphite's, with a gap and a hot pixel; the sample is 0.3 mm off."""
    rng = np.random.default_rng(seed)
    q = scattering_vector(TRUE)
    expected = 60.0 - 5.0 * (q - 2.0) + 250.0 * np.exp(-(((q - 1.83) / 0.015) ** 2) / 2)
    cubic = CUBIC.lines_inv_angstrom(1.2, 2.9)
    for line in phase.lines_inv_angstrom(1.2, 3.1):
        main = np.abs(cubic - line).min() < 0.025
        expected += (200.0 if main else 25.0) * np.exp(-(((q - line) / 0.022) ** 2) / 2)
    counts = rng.poisson(expected * i0 / 1e6).astype(float)
    counts[GAP], counts[HOT] = -1.0, 1e6
    return PowderImage(counts, i0)


def test_graphite_beside_powder_gives_the_distance() -> None:
    """A line fitted alone would be pulled by its neighbour by 0.1 mm; 4.5 sigma, 1 in 150 000."""
    taken = image(ORTHORHOMBIC, 1)
    found = calibrate_in_powder(taken.counts, hot_pixels(taken.counts), GEOMETRY)
    assert abs(found.refined.value - 0.2413) < 4.5 * found.refined.sigma
    assert found.refined.sigma < 2e-5
    assert found.line_before_inv_angstrom.value - 1.83 == pytest.approx(1.83 * 0.3 / 241, rel=0.3)


def test_each_image_has_its_phase_and_the_graphite_its_place() -> None:
    """Errors of 4.5 sigma, 1 in 150 000."""
    images = [image(ORTHORHOMBIC, 3), image(TETRAGONAL, 4), image(CUBIC, 5)]
    series = reduce_powder_series(images, GEOMETRY)
    assert [found.phase for found in series.phases] == ["orthorhombic", "tetragonal", "cubic"]
    assert min(found.margin for found in series.phases) > 10
    for line in series.graphite:
        assert abs(line.value - 1.83) < 4.5 * np.hypot(line.sigma, series.graphite[0].sigma)


def test_patterns_are_per_incident_flux() -> None:
    """Half the flux, the same pattern: chi-square of some 300 bins within 5 errors, 1 in 10^6."""
    first, second = reduce_powder_series([image(CUBIC, 6), image(CUBIC, 7, i0=5e5)], GEOMETRY).patterns
    pulls = (first.intensity - second.intensity) / np.hypot(first.sigma, second.sigma)
    assert abs(np.sum(pulls**2) - pulls.size) < 5 * np.sqrt(2 * pulls.size)


def test_misuse_is_refused() -> None:
    with pytest.raises(ReductionError, match="at least one image"):
        reduce_powder_series([], GEOMETRY)
    with pytest.raises(ReductionError, match="no usable geometry"):
        geometry_of({"energy_ev": 12_900.0})
    flat = np.random.default_rng(6).poisson(20.0, GEOMETRY.shape).astype(float)
    with pytest.raises(ReductionError, match="no graphite line"):
        calibrate_in_powder(-flat * 0 + 20.0 * scattering_vector(GEOMETRY), hot_pixels(flat), GEOMETRY)
