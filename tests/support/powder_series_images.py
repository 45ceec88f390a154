"""Images of a powder beside graphite, taken with a sample that is 0.3 mm off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from reduction.powder.phases import CUBIC, Phase
from reduction.powder.series import PowderImage, geometry_of
from tests.support.powder_images import scattering_vector

START: dict[str, Any] = {
    "energy_ev": 12_900.0,
    "geometry": {"distance_m": 0.2410, "offset_m": [0.0453, 0.0], "pixel_m": 172e-6, "shape": [195, 487]},
}
GEOMETRY = geometry_of(START)
TRUE = replace(GEOMETRY, distance_m=0.2413)
HOT, GAP = (50, 300), 97


def powder_image(phase: Phase, seed: int, i0: float = 1e6) -> PowderImage:
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
