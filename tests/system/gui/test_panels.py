"""If these fail, a panel shows other numbers than the reduction gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.application import make_window
from gui.live.feed import QueueFeed
from gui.panels.panel import Panel
from gui.window import MainWindow
from reduction.accumulator import accumulate
from reduction.number_text import with_error
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.spc_time import spc_trace
from tests.support.beam_time import Document
from tests.support.waiting import WAIT_MS


@pytest.fixture
def feed() -> QueueFeed:
    return QueueFeed("test")


@pytest.fixture
def window(qtbot: QtBot, feed: QueueFeed, tmp_path: Path) -> Iterator[MainWindow]:
    made = make_window(feed, settings=tmp_path / "window.ini")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "live worker"]


def shown(window: MainWindow, key: str, documents: list[Document], qtbot: QtBot) -> Panel:
    """The panel in front, with all documents taken."""
    window.show_panel(key)
    put(window, documents)
    events = sum(name == "event" for name, _ in documents)
    qtbot.waitUntil(lambda: window.worker.frame.events == events, timeout=WAIT_MS)
    panel = window.docks[key].widget()
    assert isinstance(panel, Panel)
    qtbot.waitUntil(lambda: complete(window, panel, events), timeout=WAIT_MS)
    window.refresh()
    return panel


def put(window: MainWindow, documents: list[Document]) -> None:
    feed = window.worker._feed
    assert isinstance(feed, QueueFeed)
    for name, doc in documents:
        feed.put(name, doc)


def complete(window: MainWindow, panel: Panel, events: int) -> bool:
    """Whether all its questions are answered from all events."""
    answers = [window.worker.frame.answer(request) for request in panel.requests()]
    return all(answer is not None and answer.events == events for answer in answers)


def test_kinetics_are_those_of_the_fit(window: MainWindow, delay_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "kinetics", delay_run, qtbot)
    run = accumulate(delay_run)
    trace, fit = spc_trace(run), fit_kinetics(gate_rates(run), run.metadata.timing)
    curve = panel.trace.curves["transient"]  # type: ignore[attr-defined]
    assert np.array_equal(curve.y, trace.transient)
    assert np.array_equal(curve.sigma, trace.sigma)
    assert "fit" in panel.trace.curves  # type: ignore[attr-defined]
    assert panel.residuals.curves["residual"].y.size == trace.delay_ps.size  # type: ignore[attr-defined]
    table = {panel.table.text(row, 0): panel.table.text(row, 1) for row in range(panel.table.rowCount())}  # type: ignore[attr-defined]
    # This short decay is not determined by the points of the run, which must not hide its number.
    assert "tau1_ps" in fit.undetermined
    assert "tau2_ps" not in fit.undetermined
    assert table["τ1"].startswith(f"▲ {with_error(*fit.tau1_ps, 'ps')} [0 to ")
    assert table["τ1"].endswith("NOT DETERMINED")
    assert table["τ2"].startswith(with_error(*fit.tau2_ps, "ps"))
    assert str(fit.degrees_of_freedom) in table["χ² / degrees of freedom"]
