"""If these fail, the window shows a map that is not the one that is reduced, or nothing of it until the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from errors import ReductionError
from gui.live.feed import QueueFeed
from gui.live.run_state import RunState
from gui.live.worker import LiveWorker
from gui.panels.xas.transient_map import MapPanel
from gui.plots.axis import DELAY, ENERGY
from gui.plots.map_plot import MapPlot, colour_limit, coloured
from gui.plots.scales import CellScale
from gui.requests.xas.transient_map import MapRequest
from reduction.kinds import reduce_run
from reduction.xas.transient_map import change_by_pump
from tests.support.transient_maps import DELAY_PS, ENERGY_EV, TIMING, map_run
from tests.support.waiting import WAIT_MS


@pytest.fixture
def live(qtbot: QtBot) -> Iterator[Any]:
    """A panel that shows what arrives, by a function that takes documents and waits for all answers."""
    feed = QueueFeed("test")
    worker, panel = LiveWorker(feed), MapPanel()
    qtbot.addWidget(panel)
    panel.model.setCurrentText("1 lifetime, offset")
    worker.want(panel, panel.requests())
    worker.start()

    def show(documents: list[tuple[str, dict[str, Any]]]) -> MapPanel:
        events = sum(name == "event" for name, _ in documents)
        for name, doc in documents:
            feed.put(name, doc)

        def answered() -> bool:
            answers = [worker.frame.answer(request) for request in panel.requests()]
            return all(answer is not None and answer.events == events for answer in answers)

        qtbot.waitUntil(answered, timeout=WAIT_MS)
        panel.show_frame(worker.frame)
        return panel

    yield show
    worker.stop()


def test_map_and_spectra_are_those_of_the_reduction(live: Any) -> None:
    documents = map_run(0)
    panel = live(documents)
    results: Any = reduce_run(documents, kinetics="1+offset")
    wanted = 100.0 * change_by_pump(results.map, TIMING)
    np.testing.assert_allclose(panel.map.values, wanted.T)
    assert abs(float(wanted[:, :2].mean())) < 0.05, "the gates' efficiencies look like a signal"
    curve = panel.spectra.curves["offset"]
    np.testing.assert_allclose(curve.y, 100.0 * results.fit.spectra[1])
    np.testing.assert_allclose(curve.sigma, 100.0 * results.fit.spectra_sigma[1])
    assert panel.table.text(0, 0) == "τ1"
    assert panel.table.text(0, 1).endswith(" ps")


def test_cells_carry_the_values_of_their_axes(live: Any) -> None:
    """If this fails, somebody reads the wrong delay from the map."""
    panel = live(map_run(0))
    assert panel.map.text_at(3, 2).startswith(f"{ENERGY_EV[2]:.2f} eV, {DELAY_PS[3]:.1f} ps: ")
    assert panel.map.text_at(99, 0) == ""
    assert panel.map.canvas.bottom.quantity.unit == "eV"
    assert panel.map.canvas.left.quantity.unit == "ps"


def test_a_growing_map_is_shown_from_the_first_points(live: Any) -> None:
    panel = live(map_run(1, rows=3))
    assert np.isfinite(panel.map.values[:, :3]).all()
    assert np.isnan(panel.map.values[:, 3:]).all()
    assert "not measured yet" in panel.map.text_at(0, 5)
    assert len(panel.spectra.curves["offset"].x) == 3


def test_another_run_leaves_the_panel_empty(live: Any, energy_run: list[tuple[str, dict[str, Any]]]) -> None:
    panel = live(energy_run)
    assert panel.map.values.size == 0
    assert "not a map of two axes" in panel.map.canvas._message.text()


def test_a_snapshot_does_not_change_with_later_documents() -> None:
    """Lost: spectra of a fit whose data changed while it ran."""
    documents = map_run(2)
    run = RunState()
    for name, doc in documents[:30]:
        run(name, doc)
    snapshot = run.snapshot()
    for name, doc in documents[30:]:
        run(name, doc)
    assert MapRequest().compute(snapshot).map.measured == 28
    assert MapRequest().compute(run).map.measured == len(ENERGY_EV) * len(DELAY_PS)
    with pytest.raises(ReductionError, match="not a map"):
        MapRequest().compute(RunState())


def test_colours_end_where_nearly_all_cells_do() -> None:
    values = np.concatenate([np.linspace(-2.0, 2.0, 99), [50.0, np.nan]]).reshape(1, -1)
    limit = colour_limit(values)
    assert 1.9 < limit < 2.1
    colours = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = coloured(np.array([[-9.0, 0.0, 9.0, np.nan]]), 1.0, colours)
    np.testing.assert_array_equal(found[0], [*colours, [0, 0, 0, 0]])
    assert colour_limit(np.full((2, 2), np.nan)) == 1.0


def test_cells_of_any_distance_have_equal_size() -> None:
    scale = CellScale([-200.0, 0.0, 50.0, 1_000.0])
    np.testing.assert_allclose(scale.to_axis([0.0, 525.0]), [1.0, 2.5])
    np.testing.assert_allclose(scale.from_axis([0.0, 3.0]), [-200.0, 1_000.0])
    assert scale.ticks(0.5, 3.5) == [0.0, 50.0, 1_000.0]


@pytest.mark.parametrize(("columns", "shown"), [(4, 4), (9, 5), (40, 6)])
def test_an_axis_of_cells_has_as_many_ticks_as_have_room(qtbot: QtBot, columns: int, shown: int) -> None:
    """Lost: the energies of a map, of which only the ends and one between had a number."""
    plot = MapPlot(ENERGY, DELAY)
    qtbot.addWidget(plot)
    energies = np.linspace(13_460.0, 13_459.0 + columns, columns)
    plot.show_map((ENERGY, energies), (DELAY, np.array([0.0, 100.0])), np.ones((2, columns)))
    ((_, places),) = plot.canvas.bottom.tickValues(-0.5, columns - 0.5, 300.0)
    assert len(places) == shown
    assert len(set(np.diff(places))) == 1
