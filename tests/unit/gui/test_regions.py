"""If these fail, the grid that a form draws is not the one that is measured."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QDialogButtonBox, QTableWidgetItem

from gui.control.entries import Limits
from gui.control.parameters import EntryKind, Parameter
from gui.control.regions import points_of_regions, regions_of_points
from gui.control.regions_dialog import RegionsDialog
from plans.edges import edge_preset
from plans.energy_points import edge_points
from trxas.configuration import load_configuration
from trxas.window.plan_forms import edge_outlines

CONFIGURATION = load_configuration().beamline
REGIONS = Parameter(name="regions_ev", kind=EntryKind.REGIONS, required=False, optional=True)
LIMITS = Limits(5000.0, 20_000.0)


def make_dialog(qtbot: QtBot, text: str, edge: str = "Br K") -> RegionsDialog:
    dialog = RegionsDialog(REGIONS, text, limits=LIMITS, outline=edge_outlines(CONFIGURATION)(edge))
    qtbot.addWidget(dialog)
    return dialog


def cell(dialog: RegionsDialog, row: int, column: int) -> QTableWidgetItem:
    found = dialog.table.item(row, column)
    assert found is not None
    return found


def can_be_accepted(dialog: RegionsDialog) -> bool:
    return bool(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled())


def test_points_are_those_that_the_plan_measures() -> None:
    edge = edge_preset("Br K", CONFIGURATION)
    for regions in (edge.regions_ev, ((13450.0, 13461.0, 2.0), (13461.0, 13470.0, 0.7))):
        assert points_of_regions(regions) == pytest.approx(edge_points(edge, regions))
        assert points_of_regions(regions_of_points(edge_points(edge, regions))) == pytest.approx(
            edge_points(edge, regions)
        )


def test_an_empty_field_starts_with_the_usual_grid_drawn_over_its_edge(qtbot: QtBot) -> None:
    dialog = make_dialog(qtbot, "")
    assert dialog.text.startswith("13450:13462:2, 13462:13480:0.5")
    assert dialog.total.text() == "79 points."
    curves = dialog.plot.curves
    assert curves["points"].x.size == 79
    at_edge = np.argmin(np.abs(curves["edge"].x - 13474.0))
    assert curves["edge"].y[0] < 0.1 < 0.4 < curves["edge"].y[at_edge] < curves["edge"].y[-1]


def test_rows_are_added_removed_and_checked(qtbot: QtBot) -> None:
    dialog = make_dialog(qtbot, "13450:13460:2")
    dialog.add.click()
    assert dialog.text == "13450:13460:2, 13460:13480:2"
    assert cell(dialog, 1, 3).text() == "11"
    cell(dialog, 1, 0).setText("13455")
    assert "begins before the one above it ends" in dialog.problem.text()
    assert not can_be_accepted(dialog)
    cell(dialog, 1, 0).setText("13460")
    cell(dialog, 1, 1).setText("1e9")
    assert "outside 5000 to 20000 eV" in dialog.problem.text()
    dialog.remove.click()
    assert dialog.text == "13450:13460:2"
    assert can_be_accepted(dialog)
    assert dialog.usual.isVisibleTo(dialog)


def test_an_edge_that_cannot_be_measured_has_no_outline(qtbot: QtBot) -> None:
    outline = edge_outlines(CONFIGURATION)
    assert outline("Xy Z") is None
    iron = outline("Fe K")
    assert iron is not None
    assert "wave numbers" in iron.remark
    dialog = make_dialog(qtbot, "", edge="Xy Z")
    assert dialog.text == ""
    assert can_be_accepted(dialog)


def test_a_region_that_cannot_be_measured_has_no_number_of_points(qtbot: QtBot) -> None:
    dialog = make_dialog(qtbot, "13450:13462:2, 13462:13480:0.5")
    assert cell(dialog, 0, 3).text() == "7"
    cell(dialog, 0, 1).setText("13440")
    assert not can_be_accepted(dialog)
    assert cell(dialog, 0, 3).text() == ""
    assert dialog.size() == dialog.sizeHint(), "the picture needs its height"
