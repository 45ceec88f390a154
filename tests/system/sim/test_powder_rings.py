"""If these fail, the simulated powder patterns are not those of CsPbBr3 on this detector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.physics.diffraction import (
    Diffraction,
    PowderScene,
)
from sim.physics.sample import Phases

PHASES = Phases()
DETECTOR = Diffraction(phases=PHASES, seed=1)


def scene(**changes: float) -> PowderScene:
    usual: dict[str, Any] = {"energy_ev": 12_900.0, "temperature_c": 25.0, "flux": 1.0, "powder_in_beam": True}
    return PowderScene(**(usual | changes))


def test_counts_are_poisson_around_the_expected_rings() -> None:
    """Variance over mean of 40 images, averaged over 90 000 pixels: sigma 7e-4; 5 sigma, once in a million."""
    rng, expected = np.random.default_rng(2), DETECTOR.expected(scene())
    images = np.array([DETECTOR.image(scene(), 10.0, rng) for _ in range(40)])
    good = (images[0] >= 0) & ~DETECTOR.faulty[1]
    ratio = images[:, good].var(axis=0, ddof=1) / (10.0 * expected[good])
    assert ratio.mean() == pytest.approx(1, abs=5 * np.sqrt(2 / 39 / good.sum()))
    pull = (images[:, good].sum() - 400 * expected[good].sum()) / np.sqrt(400 * expected[good].sum())
    assert abs(pull) < 4.5
