"""The window's tests need no screen, and leave nothing behind."""

from __future__ import annotations

import gc
import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QApplication

from gui.theme import LIGHT, apply_theme
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

SEED = 20_240_117

MOST_WIDGETS = 200
"""Menus that pyqtgraph makes for every plot wait for Python's collector; a thousand make a change of theme slow."""


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A widget that outlives its window keeps its data, its timers and at worst its threads."""
    yield
    application = QApplication.instance()
    if isinstance(application, QApplication) and "qtbot" in request.fixturenames:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert [widget for widget in application.topLevelWidgets() if widget.isVisible()] == []
        if len(application.allWidgets()) > MOST_WIDGETS:
            gc.collect()
        apply_theme(application, LIGHT)


@pytest.fixture
def energy_run() -> list[Document]:
    """A Br K energy scan, three passes, pumped and blocked at every point."""
    return energy_documents()


def energy_documents(uid: str = "energy-run", **settings: object) -> list[Document]:
    energy = energy_points()
    run = BeamTime(energy, br_static(energy), br_signal(energy), shutter_reference="point", **settings)  # type: ignore[arg-type]
    return named(run.documents(np.random.default_rng(SEED)), uid)


@pytest.fixture
def delay_run() -> list[Document]:
    """A delay scan with a fast and a slow decay, enough photons for a fit."""
    delays = np.concatenate([np.arange(-300, 300, 30.0), np.geomspace(300, 20_000, 14)])
    decay = 0.6 * np.exp(-delays / 120) + 0.21 * np.exp(-delays / 900) + 0.19
    signal = np.outer(np.where(delays > 0, -0.05 * decay, 0.0), [1.0, 0.0, 0.0, 0.0, 0.0])
    run = BeamTime(delays, np.ones(delays.size), signal, axis="delay_ps", dwell_s=30.0, shutter_reference="point")
    return named(run.documents(np.random.default_rng(SEED)), "delay-run")


@pytest.fixture
def fluence_run() -> list[Document]:
    """A fluence scan with a linear response."""
    fluence = np.linspace(0.5, 12.4, 13)
    signal = np.outer(-0.002 * fluence, [1.0, 0.0, 0.0, 0.0, 0.0])
    run = BeamTime(fluence, np.ones(fluence.size), signal, axis="fluence_mj_cm2", scans=4)
    return named(run.documents(np.random.default_rng(SEED)), "fluence-run")


def named(documents: list[Document], uid: str) -> list[Document]:
    """The run under another uid, with the fields the window shows."""
    found = []
    for name, doc in documents:
        doc = dict(doc)
        if name == "start":
            doc |= {"uid": uid, "time": 1000.0, "scan_id": 7}
        elif "run_start" in doc:
            doc["run_start"] = uid
        if name == "descriptor":
            doc["uid"] = f"{uid}-d"
        if name == "event":
            doc |= {"descriptor": f"{uid}-d", "time": 1000.0 + doc["seq_num"]}
            doc["data"] = doc["data"] | {"jet_flow_ml_min": 240.0, "ring_current_ma": 102.0, "temperature_c": 24.0}
        found.append((name, doc))
    return found


@pytest.fixture
def another_energy_run() -> Callable[..., list[Document]]:
    """Makes more energy runs: `make("uid", scans=1)`."""
    return energy_documents
