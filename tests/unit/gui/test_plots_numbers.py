"""If these fail, plots show wrong ranges, scales or numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from errors import StorageError
from gui.plots.export import ExportedCurve, write_table
from gui.plots.scales import DelayScale, WholeNumberScale
from gui.plots.strokes import dashed
from gui.plots.view.history import View, ZoomHistory
from gui.plots.view.ranges import joint_range, next_range, value_bounds
from gui.quantity_text import age_text
from reduction.number_text import delay_text, with_error

NEAR, FAR = View((0, 1), (0, 1)), View((0, 9), (0, 9))


def test_ranges_stay_while_points_come_in() -> None:
    """If this fails, the axes twitch at every point and nobody can read them."""
    first = next_range(None, 0.0, 10.0)
    assert next_range(first, 0.1, 9.9) == first
    assert next_range(first, 0.0, 10.4) == first


def test_ranges_follow_data_that_leave_or_shrink() -> None:
    first = next_range(None, 0.0, 10.0)
    assert next_range(first, 0.0, 12.0)[1] > 12.0
    assert next_range(first, 0.0, 2.0)[1] < 3.0


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0])
def test_a_single_value_has_a_range(value: float) -> None:
    low, high = next_range(None, value, value)
    assert low < value < high


def test_a_hopeless_point_does_not_hide_the_others() -> None:
    """If this fails, one point without counts presses the whole transient into a line."""
    values, sigma = np.zeros(9), np.full(9, 0.1)
    sigma[4] = 1e6
    bounds = value_bounds(values, sigma)
    assert bounds is not None
    assert bounds[1] <= 0.31


def test_values_that_are_not_finite_are_left_out() -> None:
    assert value_bounds(np.array([np.nan, 1.0, 2.0]), None) == (1.0, 2.0)
    assert value_bounds(np.array([np.nan]), None) is None
    assert value_bounds(np.array([1e308, -1e308, 1.0, 2.0]), None) == (1.0, 2.0), "a record that was never set"
    assert joint_range([None, (1.0, 2.0), (0.0, 1.5)]) == (0.0, 2.0)
    assert joint_range([None]) is None


def test_dashes_continue_around_points_and_stop_at_gaps() -> None:
    """Lost: a dashed curve that looks solid where points are close, or one that is drawn across missing points."""
    x = np.array([0.0, 3.0, 3.0, 10.0])
    y = np.array([0.0, 0.0, 4.0, 4.0])
    cut_x, cut_y, drawn = dashed(x, y, (4.0, 2.0))
    lengths = np.hypot(np.diff(cut_x), np.diff(cut_y))
    assert lengths.sum() == pytest.approx(14.0), "the cuts lie on the line"
    assert lengths[drawn].sum() == pytest.approx(10.0), "0 to 4, 6 to 10, and 12 to the end"
    assert (3.0, 1.0) in list(zip(cut_x, cut_y, strict=True)), "the first dash ends behind the first corner"
    gap = np.array([0.0, 0.0, np.nan, 4.0, 4.0])
    cut_x, cut_y, drawn = dashed(np.array([0.0, 3.0, 5.0, 7.0, 10.0]), gap, (4.0, 2.0))
    seen = drawn & np.isfinite(np.diff(cut_x) + np.diff(cut_y))
    assert not ((cut_x[:-1][seen] < 7.0) & (cut_x[1:][seen] > 3.0)).any()
    assert seen.sum() >= 2


def test_zoom_goes_back_forward_and_to_the_whole() -> None:
    history = ZoomHistory()
    history.choose(FAR)
    history.choose(NEAR)
    assert history.back() == FAR
    assert history.back() is None
    assert not history.can_go_back
    assert history.forward() == FAR
    history.choose(None)
    assert not history.can_go_forward
    assert history.back() == FAR


def test_delay_scale_is_monotonous_and_returns() -> None:
    """If this fails, the crosshair reads another delay than the one under the mouse."""
    scale = DelayScale()
    delays = np.array([-1e5, -2000.0, -500.0, -20.0, 0.0, 13.0, 499.0, 501.0, 1e4, 1.3e5])
    places = scale.to_axis(delays)
    assert (np.diff(places) > 0).all()
    assert scale.from_axis(places) == pytest.approx(delays, rel=1e-12)


def test_delay_ticks_hold_time_zero_first_and_lie_within() -> None:
    scale = DelayScale()
    low, high = (float(place) for place in scale.to_axis([-500.0, 1.3e5]))
    ticks = scale.ticks(low, high)
    assert ticks[0] == 0.0
    assert {1e3, 1e4, 1e5} <= set(ticks)
    assert all(-500.0 - 1e-6 <= tick <= 1.3e5 for tick in ticks)
    assert WholeNumberScale().ticks(-0.3, 4.2) == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (1.02347, 0.00123, "1.0235 ± 0.0012"),
        (-0.0214, 0.0009, "-0.02140 ± 0.00090"),
        (812.3, 163.0, "810 ± 160"),
        (13472.0131, 0.042, "13472.013 ± 0.042"),
        (5.36e-6, 1.4e-7, "(5.36 ± 0.14)e-06"),
        (-7e-8, 1.1e-7, "(-0.7 ± 1.1)e-07"),
        (22_942.6, 2.2e9, "2.3e+04 ± 2.2e+09"),
        (1.23456e9, 1.2e7, "1.235e+09 ± 1.2e+07"),
        (3.5, None, "3.5"),
        (3.5, 0.0, "3.5"),
        (3.5, float("inf"), "3.5"),
    ],
)
def test_values_are_written_with_their_errors(value: float, sigma: float | None, text: str) -> None:
    """If this fails, people copy digits that mean nothing, or lose some that do."""
    assert with_error(value, sigma) == text


def test_delays_and_ages_have_one_unit() -> None:
    assert (delay_text(100.0), delay_text(163_500.0)) == ("100 ps", "163.5 ns")
    assert [age_text(age) for age in (0.44, 42.0, 600.0, 8000.0)] == ["0.4 s", "42 s", "10 min", "2 h"]


def test_table_keeps_every_digit_and_the_errors(tmp_path: Path) -> None:
    """If this fails, an exported spectrum is not the one that was shown."""
    energy, value, sigma = np.array([13450.1, 13472.3]), np.array([1 / 3, -2 / 7]), np.array([1e-3 / 3, 2e-3])
    path = tmp_path / "table.csv"
    write_table(
        path,
        "energy_ev",
        [
            ExportedCurve(name="on", x=energy, y=value, sigma=sigma),
            ExportedCurve(name="fit", x=energy, y=value, sigma=None),
        ],
        ["run 1"],
    )
    lines = path.read_text().splitlines()
    assert lines[0] == "# run 1"
    header, *rows = csv.reader(lines[1:])
    assert header == ["energy_ev", "on", "on_sigma", "fit"]
    assert [[float(cell) for cell in row] for row in rows] == [
        [13450.1, 1 / 3, 1e-3 / 3, 1 / 3], [13472.3, -2 / 7, 2e-3, -2 / 7],
    ]  # fmt: skip


def test_curves_on_different_grids_are_written_one_below_the_other(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    short, long = np.array([1.0]), np.array([1.0, 2.0])
    write_table(
        path,
        "delay_ps",
        [
            ExportedCurve(name="data", x=short, y=short, sigma=short),
            ExportedCurve(name="fit", x=long, y=long, sigma=None),
        ],
    )
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["curve", "delay_ps", "value", "sigma"]
    assert rows[1] == ["data", "1.0", "1.0", "1.0"]
    assert rows[3] == ["fit", "2.0", "2.0", ""]


def test_a_table_that_cannot_be_written_reports_it(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Choose another folder"):
        write_table(tmp_path / "missing" / "table.csv", "x", [])
