"""If these fail, a diffraction line has a wrong position or error bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from errors import ReductionError
from reduction.powder.diffraction import (
    DetectorGeometry,
    Pattern,
    calibrate,
    common_background,
    fit_line,
    integrate,
)
from tests.support.powder_images import GEOMETRY, LINES, image, profile


def test_pattern_has_the_lines_where_they_are_and_counting_errors() -> None:
    """Lost: every ring, put elsewhere by a swapped axis or a wrong sign of the displacement.

    The paper shows 1.3 to 2.8 1/Angstrom. Chi-square of some 300 bins within 5 sigma of its expectation.
    """
    pattern = integrate(image(np.random.default_rng(1)), GEOMETRY, points=350, q_range_inv_angstrom=(0.2, 2.8))
    smooth = integrate(image(None), GEOMETRY, points=350, q_range_inv_angstrom=(0.2, 2.8))
    assert np.array_equal(pattern.q_inv_angstrom, smooth.q_inv_angstrom)
    flat = np.abs(pattern.q_inv_angstrom - 2.4) < 0.15
    assert smooth.intensity[flat] == pytest.approx(profile(pattern.q_inv_angstrom[flat]), rel=2e-3)
    pulls = (pattern.intensity - smooth.intensity) / pattern.sigma
    assert abs(np.sum(pulls**2) - pulls.size) < 5 * np.sqrt(2 * pulls.size)
    for centre, _ in LINES:
        found = fit_line(pattern, centre)
        assert abs(found.value - centre) < 4.5 * found.sigma + 2e-4


def test_a_horizontal_polarisation_is_corrected() -> None:
    """Lost: 7 to 30 % of the lines beside the beam, more the farther out, which looks like heat."""
    rows, columns = GEOMETRY.shape
    x = (np.arange(columns) + 0.5 - columns / 2) * GEOMETRY.pixel_m + GEOMETRY.offset_m[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * GEOMETRY.pixel_m + GEOMETRY.offset_m[1]
    # Of a linear polarisation what is left is 1 - (component of the direction along the field)^2.
    along = x[None, :] / np.sqrt(GEOMETRY.distance_m**2 + x[None, :] ** 2 + y[:, None] ** 2)
    polarized = image(None) * (1 - along**2)
    plain, known = (
        integrate(polarized, replace(GEOMETRY, polarization=value), q_range_inv_angstrom=(0.2, 2.8))
        for value in (None, 1.0)
    )
    flat = np.abs(known.q_inv_angstrom - 2.4) < 0.15
    assert known.intensity[flat] == pytest.approx(profile(known.q_inv_angstrom[flat]), rel=2e-3)
    assert (plain.intensity[flat] / known.intensity[flat]).mean() < 0.9
    with pytest.raises(ReductionError, match="horizontal"):
        replace(GEOMETRY, polarization=1.5)


def test_gaps_and_masked_pixels_do_not_count() -> None:
    counts = image(np.random.default_rng(2))
    mask = np.zeros(counts.shape, dtype=bool)
    spoiled = counts.copy()
    mask[50:60] = True
    spoiled[50:60], spoiled[:, 60] = 1e6, -1.0
    clean = integrate(np.where(spoiled < 0, np.nan, counts), GEOMETRY, mask=mask)
    assert integrate(spoiled, GEOMETRY, mask=mask).intensity == pytest.approx(clean.intensity)
    halved = integrate(counts, GEOMETRY, normalisation=2.0)
    assert halved.intensity == pytest.approx(integrate(counts, GEOMETRY).intensity / 2)
    assert halved.sigma == pytest.approx(integrate(counts, GEOMETRY).sigma / 2)


@pytest.mark.parametrize(
    ("refine", "true"),
    [
        ("distance_m", replace(GEOMETRY, distance_m=0.2423)),
        ("offset_m", replace(GEOMETRY, offset_m=(0.0447, 0.0))),
    ],
)
def test_graphite_brings_the_geometry_back(refine: str, true: DetectorGeometry) -> None:
    """Without calibration all lines would be off; 4.5 sigma plus a hundredth of a pixel."""
    found = calibrate(image(np.random.default_rng(3), true), GEOMETRY, refine=refine)
    assert abs(found.line_before_inv_angstrom.value - 1.83) > 5 * found.line_before_inv_angstrom.sigma
    expected = true.distance_m if refine == "distance_m" else true.offset_m[0]
    assert abs(found.refined.value - expected) < 4.5 * found.refined.sigma + 2e-5
    assert found.refined.sigma < 1e-4
    after = fit_line(integrate(image(np.random.default_rng(3), true), found.geometry), 1.83)
    assert after.value == pytest.approx(1.83, abs=3e-4)


def test_background_is_common_to_all_patterns() -> None:
    q = np.linspace(1.3, 2.8, 300)
    rng = np.random.default_rng(4)
    patterns = [Pattern(q, profile(q) + rng.standard_normal(300), np.ones(300)) for _ in range(4)]
    background = common_background(patterns, [(1.3, 1.45), (1.6, 1.75), (1.95, 2.05), (2.25, 2.8)])
    assert background.slope == pytest.approx(5.0, abs=0.4)
    assert background.constant == pytest.approx(10.0, abs=0.9)
    left = background.subtract(patterns[0])
    assert left.intensity[q > 2.25].mean() == pytest.approx(0.0, abs=0.4)
    assert left.intensity.max() > 350


def test_misuse_is_refused() -> None:
    counts = image(None)
    with pytest.raises(ReductionError, match="shape"):
        integrate(counts.T, GEOMETRY)
    with pytest.raises(ReductionError, match="No valid pixel"):
        integrate(counts, GEOMETRY, mask=np.ones(counts.shape, dtype=bool))
    with pytest.raises(ReductionError, match="cannot refine"):
        calibrate(counts, GEOMETRY, refine="energy_ev")
    with pytest.raises(ReductionError, match="above 0"):
        replace(GEOMETRY, distance_m=0.0)
    with pytest.raises(ReductionError, match="No line is seen"):
        fit_line(integrate(image(np.random.default_rng(5), shape=lambda q: 20.0 + 0.0 * q), GEOMETRY), 1.83)
    with pytest.raises(ReductionError, match="a line needs 8"):
        fit_line(integrate(counts, GEOMETRY), 9.0)
    with pytest.raises(ReductionError, match="fewer than two"):
        common_background([], [(1.3, 2.8)])


def test_geometries_do_not_mix_when_images_alternate() -> None:
    """Lost: a pattern, integrated with the cached geometry of another run or the mask of another image."""
    other = replace(GEOMETRY, distance_m=0.25)
    one, two = image(None), image(None, other)
    hidden = np.zeros(GEOMETRY.shape, dtype=bool)
    hidden[:100] = True
    first = [integrate(one, GEOMETRY), integrate(two, other), integrate(one, GEOMETRY, mask=hidden)]
    again = [integrate(one, GEOMETRY), integrate(two, other), integrate(one, GEOMETRY, mask=hidden)]
    for pattern, repeated in zip(first, again, strict=True):
        assert all(np.array_equal(part, same) for part, same in zip(pattern, repeated, strict=True))
    assert fit_line(first[0], 1.83).value == pytest.approx(fit_line(first[1], 1.83).value, abs=2e-4)
    assert not np.array_equal(first[0].intensity, first[2].intensity)
