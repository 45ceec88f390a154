"""If these fail, scans measure other points than the user wrote down."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.grids import join_regions


@given(
    start=st.floats(12_800, 13_600),
    width=st.floats(0.1, 100),
    step=st.floats(0.05, 50),
)
def test_every_region_ascends_and_covers_its_limits(start: float, width: float, step: float) -> None:
    points = join_regions([(start, start + width, step)], "eV")
    assert points[0] == pytest.approx(start, abs=1e-5)
    assert points[-1] == pytest.approx(start + width, abs=1e-5)
    assert all(0 < later - earlier <= step + 1e-5 for earlier, later in pairwise(points))
