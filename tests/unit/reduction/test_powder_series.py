"""If these fail, the powder patterns have their lines elsewhere, and a phase is taken for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reduction.powder.diffraction import DetectorGeometry
from reduction.powder.phases import CUBIC, Phase
from reduction.powder.series import PowderImage, geometry_of, hot_pixels

START: dict[str, Any] = {
    "energy_ev": 12_900.0,
    "geometry": {"distance_m": 0.2410, "offset_m": [0.0453, 0.0], "pixel_m": 172e-6, "shape": [195, 487]},
}
GEOMETRY = geometry_of(START)
TRUE = replace(GEOMETRY, distance_m=0.2413)
HOT, GAP = (50, 300), 97


def scattering_vector(geometry: DetectorGeometry) -> NDArray[np.float64]:
    """Return q of every pixel by the paper's relations, without pyFAI."""
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
    mask = hot_pixels(image(CUBIC, 2).counts)
    assert mask[HOT]
    assert mask.sum() == 1
