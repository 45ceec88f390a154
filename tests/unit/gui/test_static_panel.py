"""If these fail, powder spectra on the screen differ from those of the reduction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.application import make_window
from gui.live.feed import QueueFeed
from gui.live.run_state import RunState
from gui.requests.xas.static import TemperatureSeriesRequest
from gui.window import MainWindow
from reduction.xas.static_sums import joined_static
from reduction.xas.static_xas import accumulate_static, measured_points, static_spectrum
from reduction.xas.thermal_difference import thermal_difference
from tests.support.static_runs import static_run
from tests.support.types import NamedDocument
from tests.support.waiting import WAIT_MS

REQUEST = TemperatureSeriesRequest()


def fed(*runs: list[NamedDocument]) -> RunState:
    state = RunState()
    for documents in runs:
        for name, doc in documents:
            state(name, doc)
    return state


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    made = make_window(QueueFeed("test"), settings=tmp_path / "window.ini")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def test_runs_at_one_temperature_are_averaged_and_compared_with_the_first() -> None:
    cold, hot, again = static_run("a", 25.0), static_run("b", 100.0, seed=2), static_run("c", 100.0, seed=3)
    series = REQUEST.compute(fed(cold, hot, again))
    mean = joined_static([accumulate_static(hot), accumulate_static(again)])
    wanted = thermal_difference(static_spectrum(mean), static_spectrum(accumulate_static(cold)))
    first, second = series.temperatures
    assert (first.setpoint_c, second.setpoint_c, second.runs) == (25.0, 100.0, ("b", "c"))
    assert first.difference is None
    assert second.difference is not None
    assert np.array_equal(second.difference.difference.intensity, wanted.difference.intensity)
    assert np.array_equal(second.measured.intensity, measured_points(mean).intensity)
    single = static_spectrum(accumulate_static(hot)).measured
    np.testing.assert_allclose(second.measured.sigma, single.sigma / np.sqrt(2.0), rtol=0.05)


def test_a_scan_under_way_is_drawn_but_not_compared() -> None:
    """A part of the edge has an integral too, and a difference normalised by it is nonsense with small errors."""
    series = REQUEST.compute(fed(static_run("a", 25.0), static_run("b", 100.0)[:20]))
    under_way = series.temperatures[1]
    assert under_way.measured.energy_ev.size == 18
    assert under_way.difference is None
    assert "still lacks" in under_way.problem


def test_another_series_begins_from_nothing() -> None:
    series = REQUEST.compute(fed(static_run("a", 25.0), static_run("b", 60.0, series="cooling")))
    assert [one.setpoint_c for one in series.temperatures] == [60.0]


def test_the_panel_keeps_the_series_while_images_are_taken(window: MainWindow, qtbot: QtBot) -> None:
    """A temperature series takes images between its spectra; the spectra must not vanish with each."""
    images: list[NamedDocument] = [
        ("start", {"uid": "i", "time": 2000.0, "plan_name": "diffraction", "scan_id": 9, "series": "heating"})
    ]
    runs = [static_run("a", 25.0), static_run("b", 100.0, seed=2), images]
    window.show_panel("static")
    feed = window.worker._feed
    assert isinstance(feed, QueueFeed)
    for name, doc in [pair for run in runs for pair in run]:
        feed.put(name, doc)
    panel: Any = window.docks["static"].widget()
    qtbot.waitUntil(
        lambda: panel.heading.run.text().endswith("0 exposures") and bool(panel.differences.curves), timeout=WAIT_MS
    )
    wanted = REQUEST.compute(fed(*runs)).temperatures[1].difference
    assert wanted is not None
    assert list(panel.spectra.curves) == ["25 °C", "100 °C"]
    curve = panel.differences.curves["100 °C"]
    assert np.array_equal(curve.y, wanted.difference.intensity)
    assert np.array_equal(curve.sigma, wanted.difference.sigma)
    assert curve.label == "100 °C - 25 °C"
