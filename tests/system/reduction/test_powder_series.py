"""If these fail, the powder patterns have their lines elsewhere, and a phase is taken for another."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.powder.phases import CUBIC, ORTHORHOMBIC, TETRAGONAL
from reduction.powder.series import calibrate_in_powder, geometry_of, hot_pixels, reduce_powder_series
from tests.support.powder_images import scattering_vector
from tests.support.powder_series_images import GEOMETRY, powder_image


def test_graphite_beside_powder_gives_the_distance() -> None:
    """A line fitted alone would be pulled by its neighbour by 0.1 mm; 4.5 sigma, 1 in 150 000."""
    taken = powder_image(ORTHORHOMBIC, 1)
    found = calibrate_in_powder(taken.counts, hot_pixels(taken.counts), GEOMETRY)
    assert abs(found.refined.value - 0.2413) < 4.5 * found.refined.sigma
    assert found.refined.sigma < 2e-5
    assert found.line_before_inv_angstrom.value - 1.83 == pytest.approx(1.83 * 0.3 / 241, rel=0.3)


def test_each_image_has_its_phase_and_the_graphite_its_place() -> None:
    """Errors of 4.5 sigma, 1 in 150 000."""
    images = [powder_image(ORTHORHOMBIC, 3), powder_image(TETRAGONAL, 4), powder_image(CUBIC, 5)]
    series = reduce_powder_series(images, GEOMETRY)
    assert [found.phase for found in series.phases] == ["orthorhombic", "tetragonal", "cubic"]
    assert min(found.margin for found in series.phases) > 10
    for line in series.graphite:
        assert abs(line.value - 1.83) < 4.5 * np.hypot(line.sigma, series.graphite[0].sigma)


def test_patterns_are_per_incident_flux() -> None:
    """Half the flux, the same pattern: chi-square of some 300 bins within 5 errors, 1 in 10^6."""
    first, second = reduce_powder_series([powder_image(CUBIC, 6), powder_image(CUBIC, 7, i0=5e5)], GEOMETRY).patterns
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
