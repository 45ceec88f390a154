"""If these fail, a pattern is assigned to a wrong crystal phase."""

from __future__ import annotations

import numpy as np
import pytest

from reduction.powder.diffraction import Pattern
from reduction.powder.phases import CSPBBR3, CUBIC, Phase, assign_phase

Q = np.linspace(1.3, 2.8, 300)


def pattern(phase: Phase, seed: int, strain: float, width: float = 0.012) -> Pattern:
    """Lines with random heights, a tenth of them for lines that the cubic phase lacks, on graphite and background."""
    rng = np.random.default_rng(seed)
    cubic = CUBIC.lines_inv_angstrom(1.2, 2.9)
    expected = 300.0 - 30.0 * (Q - 2.0) + 800.0 * np.exp(-(((Q - 1.83) / 0.01) ** 2) / 2)
    for line in phase.lines_inv_angstrom(1.2, 2.9):
        main = np.abs(cubic - line).min() < 0.025
        height = rng.uniform(300.0, 900.0) * (1.0 if main else 0.15)
        expected += height * np.exp(-(((Q - line / (1 + strain)) / width) ** 2) / 2)
    return Pattern(Q, expected + np.sqrt(expected) * rng.standard_normal(Q.size), np.sqrt(expected))


@pytest.mark.parametrize("phase", CSPBBR3, ids=lambda phase: phase.name)
@pytest.mark.parametrize("seed", [1, 2])
def test_phase_is_recognised_by_its_lines(phase: Phase, seed: int) -> None:
    found = assign_phase(pattern(phase, seed, strain=0.002))
    assert found.phase == phase.name
    assert found.margin > 10
    assert found.scores[0].strain == pytest.approx(0.002, abs=1e-3)
    assert found.scores[0].width_inv_angstrom == pytest.approx(0.012, abs=2e-3)
