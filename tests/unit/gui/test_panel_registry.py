"""If these fail, a new panel needs more than one new module."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import gui.panels
from gui.panels.context import PanelContext
from gui.panels.registry import panel_classes, panel_docks

IN_ORDER = [
    "spectra", "kinetics", "fluence", "map", "excited", "static", "pilatus", "bunches", "checks", "trends",
    "devices", "log",
]  # fmt: skip

NEW_PANEL = '''
from gui.live.frame import LiveFrame
from gui.panels.panel import Panel


class SparePanel(Panel):
    """A panel for a test."""

    title = "Spare"
    key = "spare"
    position = 45

    def draw(self, frame: LiveFrame) -> None:
        """Draw nothing."""
'''


def test_all_panels_are_found_in_their_order() -> None:
    keys = [panel.key for panel in panel_classes()]
    assert [key for key in keys if key in IN_ORDER] == IN_ORDER
    assert len(keys) == len(set(keys)), "two panels with one key would share a place in saved layouts"


def test_the_title_of_a_panel_is_in_words() -> None:
    """Lost: a dock that is called by the name of a class."""
    for panel in panel_classes():
        assert panel.title
        assert not re.search("[a-z][A-Z]", panel.title), panel.title


def test_only_panels_of_the_beamline_are_offered(qtbot: QtBot) -> None:
    """Lost: a window at the microscope that begins with empty spectra, and one at the X-rays with maps of photons."""
    own = [dock.key for dock in panel_docks(PanelContext(techniques=["tplm"])) if dock.group == "curves"]
    assert own[:3] == ["photon map", "diffusion", "power"]
    at_x_rays = [dock.key for dock in panel_docks(PanelContext(techniques=["xas", "powder"])) if dock.group == "curves"]
    assert at_x_rays[0] == "spectra"
    assert not set(own) & set(at_x_rays)
    both = {dock.key for dock in panel_docks(PanelContext()) if dock.group == "curves"}
    assert both == {*own, *at_x_rays}


@pytest.fixture
def folder_of_panels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(gui.panels, "__path__", [*gui.panels.__path__, str(tmp_path)])
    yield tmp_path
    sys.modules.pop("gui.panels.spare", None)


def test_a_new_module_is_a_new_panel(folder_of_panels: Path) -> None:
    """If this fails, adding a panel means editing a list that nobody remembers."""
    (folder_of_panels / "spare.py").write_text(NEW_PANEL, encoding="utf-8")
    keys = [panel.key for panel in panel_classes()]
    assert keys.index("spare") == keys.index("excited") + 1
