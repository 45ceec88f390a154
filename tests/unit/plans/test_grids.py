"""If these fail, scans measure other points than the user wrote down."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from errors import InputError, OutOfRangeError
from plans.edges import BR_K, PAPER_EDGES
from plans.grids import check_points, join_regions, log_spaced
from plans.xas.delay_scan import default_delays_ps, time_trace_ps
from tests.support.scheme_files import scheme_file
from trxas.configuration import load_configuration


def test_regions_join_without_double_points_and_keep_both_ends() -> None:
    assert join_regions([(0, 2, 1), (2, 3, 0.5)], "eV") == [0, 1, 2, 2.5, 3]
    assert join_regions([(0, 1, 0.4)], "eV") == [0, 0.4, 0.8, 1]


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([], "empty"),
        ([(1, 0, 0.1)], "reversed or empty"),
        ([(0, 0, 0.1)], "reversed or empty"),
        ([(0, 1, 0)], "above 0 eV"),
        ([(0, 1, -0.1)], "above 0 eV"),
        ([(0, math.nan, 0.1)], "finite"),
        ([(0, math.inf, 0.1)], "finite"),
        ([(0, 1)], "three finite numbers"),
        ([("a", 1, 0.1)], "finite"),
        ([(0, 1, 1e-9)], "at most 10000"),
        ([(0, 2, 1), (1, 3, 1)], "where the previous one ends"),
    ],
)
def test_a_bad_region_is_refused_with_its_reason(regions: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        join_regions(regions, "eV")


@pytest.mark.parametrize(
    ("points", "error", "message"),
    [
        ([], InputError, "empty"),
        ([2, 1], InputError, "ascend"),
        ([1, 1], InputError, "ascend"),
        ([0, 2e-16], InputError, "ascend"),
        ([1, math.nan], InputError, "not a finite number"),
        ([1, 11], OutOfRangeError, "0 to 10 ps"),
        (list(range(10_001)), InputError, "at most 10000"),
    ],
)
def test_bad_points_are_refused_with_their_reason(points: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_points(points, name="delay", low=0, high=10, unit="ps")


def test_edge_grids_are_fine_at_the_edge_and_feed_the_reduction() -> None:
    for edge in PAPER_EDGES.values():
        points = join_regions(edge.regions_ev, "eV")
        for low, high in (edge.pre_edge_ev, edge.edge_integral_ev, edge.post_edge_ev):
            assert sum(low <= point <= high for point in points) >= 3
        assert edge.main_feature_ev in points
    bromine = join_regions(BR_K.regions_ev, "eV")
    near = [point for point in bromine if 13_462 <= point <= 13_480]
    assert max(later - earlier for earlier, later in pairwise(near)) <= 0.5


def test_time_trace_has_a_baseline_resolves_the_response_and_ends_at_130_ns() -> None:
    delays = time_trace_ps()
    assert sum(delay < -180 for delay in delays) >= 3
    assert sum(-90 <= delay <= 260 for delay in delays) >= 12
    assert delays[-1] == 130_000.0


def test_default_delays_keep_the_references_unpumped(tmp_path: Path) -> None:
    """Lost: a delay scan without delays, refused on a ring whose reference comes 11 ns before the next pump."""
    near = load_configuration(scheme_file(tmp_path, "aps-324-bunches")).beamline
    assert max(default_delays_ps(near)) == 6_000.0
    assert default_delays_ps(load_configuration().beamline) == time_trace_ps()


@pytest.mark.parametrize("part", [(0, 100, 5), (100, 100, 5), (100, 10, 5), (1, 10, 1), (1, math.nan, 5)])
def test_an_empty_logarithmic_part_is_refused(part: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="logarithmic"):
        log_spaced(*part)
