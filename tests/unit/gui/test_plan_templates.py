"""If these fail, everybody types the same values again every night."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QLineEdit

from errors import StorageError
from gui.control.forecast import BeamStatistics
from gui.control.memory import PlanMemory
from gui.control.parameters import EntryKind, Parameter
from gui.control.past_run import item_of_run
from gui.control.plan_panel import PlanPanel
from gui.control.plan_signature import PlanSignature
from gui.control.queue_client import QueueClient
from gui.control.settings import FormSettings
from gui.control.snapshot import QueueItem, Snapshot
from tests.support.fake_queue_server import FakeQueueServer

SCAN = PlanSignature(
    name="energy_scan",
    description="",
    parameters=(
        Parameter(name="edge", kind=EntryKind.TEXT, suggestions=("Br K",)),
        Parameter(name="regions_ev", kind=EntryKind.REGIONS, required=False, optional=True),
        Parameter(name="dwell_s", kind=EntryKind.NUMBER, required=False, default=6.0),
        Parameter(
            name="order", kind=EntryKind.CHOICE, required=False, optional=True, choices=("up", "snake"), rare=True
        ),
        Parameter(name="sample", kind=EntryKind.TEXT, required=False, default=""),
        Parameter(name="series", kind=EntryKind.TEXT, required=False, default=""),
    ),
)
REZERO = PlanSignature(
    name="rezero", description="", parameters=(Parameter(name="t0_ps", kind=EntryKind.NUMBER),), group="Calibration"
)
SETTINGS = FormSettings(
    presets={"edge": "Br K"}, beam=BeamStatistics(photons_per_pulse=0.1, source="a test", pulses_per_s=1e6)
)


def make_panel(qtbot: QtBot, memory: PlanMemory) -> PlanPanel:
    panel = PlanPanel(QueueClient(FakeQueueServer()), SETTINGS, memory=memory)
    qtbot.addWidget(panel)
    panel.show_snapshot(Snapshot(plans={one.name: one for one in (SCAN, REZERO)}))
    panel.choose("energy_scan")
    return panel


def type_in(panel: PlanPanel, name: str, text: str) -> None:
    assert panel.form is not None
    field = panel.form.fields[name]
    assert isinstance(field, QLineEdit)
    field.setText(text)


def test_a_template_is_saved_by_name_offered_in_every_window_and_deleted(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "templates.json"
    panel = make_panel(qtbot, PlanMemory(file))
    type_in(panel, "edge", "Fe K")
    type_in(panel, "regions_ev", "7000:7100:10")
    panel.templates.ask_name = lambda: " iron "
    panel.templates.refresh()
    panel.templates.menu().actions()[-1].trigger()
    other = make_panel(qtbot, PlanMemory(file))
    assert other.form is not None
    assert other.form.arguments() == {"edge": "Br K"}
    other.templates.refresh()
    other.templates.menu().actions()[0].trigger()
    assert other.form.arguments() == {"edge": "Fe K", "regions_ev": [[7000.0, 7100.0, 10.0]]}
    PlanMemory(file).delete("energy_scan", "iron")
    panel.templates.refresh()
    assert [action.text() for action in panel.templates.menu().actions()] == ["Save as template…"]


def test_forms_start_with_the_sample_and_edge_that_were_queued_last(qtbot: QtBot, tmp_path: Path) -> None:
    """Of a calibration nothing is remembered: a shift of time zero that is offered again would be applied twice."""
    file = tmp_path / "templates.json"
    panel = make_panel(qtbot, PlanMemory(file))
    type_in(panel, "edge", "Fe K")
    type_in(panel, "sample", "ferrocene")
    type_in(panel, "regions_ev", "7000:7100:10")
    panel.submit.click()
    panel.choose("rezero")
    type_in(panel, "t0_ps", "12")
    panel.submit.click()
    assert json.loads(file.read_text())["last"] == {"edge": "Fe K", "sample": "ferrocene"}
    later = make_panel(qtbot, PlanMemory(file))
    assert later.form is not None
    assert later.form.arguments() == {"edge": "Fe K", "sample": "ferrocene"}


def test_a_damaged_or_read_only_file_is_no_reason_to_have_no_forms(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "templates.json"
    file.write_text("{")
    panel = make_panel(qtbot, PlanMemory(file))
    assert panel.form is not None
    with pytest.raises(StorageError, match="Check that the data folder"):
        PlanMemory(file / "inside").save("energy_scan", "iron", {})


def test_a_copy_of_a_queued_plan_is_a_new_plan(qtbot: QtBot) -> None:
    panel = make_panel(qtbot, PlanMemory())
    item = QueueItem(uid="1", name="energy_scan", arguments={"dwell_s": 2.0}, args=("Pb L3",))
    assert panel.copy(item)
    assert panel.form is not None
    assert panel.form.arguments() == {"edge": "Pb L3", "dwell_s": 2.0}
    assert panel.submit.text() == "Add to queue"
    assert not panel.copy(QueueItem(uid="2", name="another", arguments={}))


def test_a_rare_setting_is_hidden_until_it_is_wanted_or_used(qtbot: QtBot) -> None:
    """Otherwise the form is longer than the screen, or hides a setting that makes the scan another one."""
    panel = make_panel(qtbot, PlanMemory())
    assert panel.form is not None
    assert panel.form.fields["order"].isHidden()
    assert "(1)" in panel.form.more.text()
    panel.form.more.click()
    assert not panel.form.fields["order"].isHidden()
    panel.form.more.click()
    panel.form.fill({"edge": "Br K", "order": "snake"})
    assert not panel.form.fields["order"].isHidden()


def test_a_stored_run_fills_its_form_in() -> None:
    start = {
        "plan_name": "energy_scan",
        "edge": "Br K",
        "dwell_s": 2.0,
        "sample": "CsPbBr3",
        "series": "night 1",
        "grid": {"axis": "energy_ev", "points": [13450.0, 13452.0, 13454.0, 13454.5, 13455.0]},
    }
    item = item_of_run(start, SCAN)
    assert item.arguments == {
        "edge": "Br K",
        "dwell_s": 2.0,
        "sample": "CsPbBr3",
        "regions_ev": [[13450.0, 13454.0, 2.0], [13454.0, 13455.0, 0.5]],
    }
    assert item_of_run(start, None).arguments == {}
