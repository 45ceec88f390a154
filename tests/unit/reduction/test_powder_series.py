"""If these fail, the powder patterns have their lines elsewhere, and a phase is taken for another."""

from __future__ import annotations

import pytest

from reduction.powder.phases import CUBIC
from reduction.powder.series import geometry_of, hot_pixels
from tests.support.powder_series_images import GEOMETRY, HOT, powder_image


def test_offset_of_the_near_edge_becomes_that_of_the_centre() -> None:
    """Lost: every line, moved by half a detector, 4 cm, if the offset of the edge were taken for that of the centre."""
    assert GEOMETRY.offset_m[0] == pytest.approx(0.0453 + 487 * 172e-6 / 2)
    assert GEOMETRY.shape == (195, 487)


def test_runs_that_record_no_polarisation_are_reduced_without_it() -> None:
    """They reduce to the numbers of their time; later ones are corrected."""
    recorded = {"distance_m": 0.24, "offset_m": [0.0453, 0.0], "pixel_m": 172e-6, "shape": [195, 487]}
    assert geometry_of({"energy_ev": 12_900.0, "geometry": recorded}).polarization is None
    assert geometry_of({"energy_ev": 12_900.0, "geometry": {**recorded, "polarization": 0.99}}).polarization == 0.99


def test_only_the_hot_pixel_is_masked() -> None:
    mask = hot_pixels(powder_image(CUBIC, 2).counts)
    assert mask[HOT]
    assert mask.sum() == 1
