"""If these fail, a pattern is assigned to a wrong crystal phase."""

from __future__ import annotations

import numpy as np
import pytest

from errors import ReductionError
from reduction.powder.diffraction import Pattern
from reduction.powder.phases import CUBIC, ORTHORHOMBIC, TETRAGONAL, assign_phase

Q = np.linspace(1.3, 2.8, 300)


def test_reflections_are_those_of_the_cells() -> None:
    """Cubic 110, 111, 200, 210, 211; superstructure lines between them only where the cell is larger."""
    a = 5.874
    cubic = 2 * np.pi / a * np.sqrt(np.array([2, 3, 4, 5, 6]))
    assert pytest.approx(cubic) == CUBIC.lines_inv_angstrom(1.3, 2.8)
    for phase in (TETRAGONAL, ORTHORHOMBIC):
        lines = phase.lines_inv_angstrom(1.3, 2.8)
        assert all(np.abs(lines - line).min() < 0.015 for line in cubic)
    assert len(ORTHORHOMBIC.lines_inv_angstrom(1.3, 2.8)) > len(TETRAGONAL.lines_inv_angstrom(1.3, 2.8)) > 5


def test_pattern_with_few_bins_is_refused() -> None:
    with pytest.raises(ReductionError, match="needs 50"):
        assign_phase(Pattern(Q[:10], Q[:10], Q[:10]))
