"""If these fail, clicks on engine, queue, forms or history do not do what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QComboBox, QLineEdit, QMessageBox, QPushButton

from errors import InputError
from gui.control.control_panel import ControlPanel
from gui.control.engine import Action, Engine
from gui.control.entries import Limits, value_of
from gui.control.forecast import BeamStatistics, scan_exposures
from gui.control.parameters import EntryKind, Parameter
from gui.control.plan_panel import PlanPanel
from gui.control.plan_signature import PlanSignature
from gui.control.queue_client import QueueClient
from gui.control.settings import FormSettings
from gui.control.snapshot import Snapshot
from gui.theme import CONTROL_ROOM, DARK, LIGHT, apply_theme
from tests.support.fake_queue_server import FakeQueueServer
from tests.support.waiting import WAIT_MS

SETTINGS = FormSettings(
    limits={"delay_ps": Limits(-1e5, 152_800.0), "repeats": Limits(1, 10_000)},
    beam=BeamStatistics(
        photons_per_pulse=0.12, source="0.12 photons per pulse as configured", pulses_per_s=1.304e6, overhead_s=0.0
    ),
    exposures=lambda _plan, arguments, listed: scan_exposures(arguments, listed or 10),
)


def cell_text(table: Any, row: int, column: int) -> str:
    """Return the text of one cell of a table."""
    return str(table.item(row, column).text())


@pytest.fixture
def server() -> FakeQueueServer:
    return FakeQueueServer()


@pytest.fixture
def panel(server: FakeQueueServer, qtbot: QtBot) -> Iterator[ControlPanel]:
    client = QueueClient(server, poll_period_s=0.02)
    widget = ControlPanel(client, SETTINGS)
    qtbot.addWidget(widget)
    widget.resize(700, 800)
    widget.show()
    with qtbot.waitSignal(client.snapshot_changed, timeout=WAIT_MS):
        client.start()
    yield widget
    assert client.stop()


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isEnabled(), f"{button.text()} is disabled"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_message_moves_nothing(panel: ControlPanel, qtbot: QtBot) -> None:
    """Lost: the queue jumps under the mouse when the answer to a click arrives."""
    before = panel.tabs.geometry()
    panel.engine._report_done("Open the beamline")
    assert panel.engine.message.text().startswith("✓")
    panel.grab()
    assert panel.tabs.geometry() == before


def type_into(panel: ControlPanel, qtbot: QtBot, name: str, text: str) -> None:
    assert panel.plans.form is not None
    field = panel.plans.form.fields[name]
    if isinstance(field, QComboBox):
        field.setCurrentText(text)
    else:
        assert isinstance(field, QLineEdit)
        field.clear()
        qtbot.keyClicks(field, text)


def queue(panel: ControlPanel, qtbot: QtBot, server: FakeQueueServer, *delays: int) -> None:
    """Fill in the form and click, once per delay."""
    panel.tabs.setCurrentWidget(panel.plans)
    panel.plans.choose("measure")
    for delay in delays:
        before = len(server.queue)
        type_into(panel, qtbot, "edge", "Br K")
        type_into(panel, qtbot, "delay_ps", str(delay))
        click(qtbot, panel.plans.submit)
        qtbot.waitUntil(lambda before=before: len(server.queue) == before + 1, timeout=WAIT_MS)  # type: ignore[misc]
    panel.tabs.setCurrentWidget(panel.queue)
    qtbot.waitUntil(lambda: panel.queue.list.count() == len(server.queue), timeout=WAIT_MS)


def state(panel: ControlPanel) -> str:
    return panel.engine.state.text()


def wait_for(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=WAIT_MS)


def answer(qtbot: QtBot, panel: ControlPanel, text: str) -> None:
    """Click a button of the question that is asked."""
    qtbot.waitUntil(lambda: bool(panel.findChildren(QMessageBox)), timeout=WAIT_MS)
    (box,) = panel.findChildren(QMessageBox)
    (button,) = [one for one in box.buttons() if one.text().replace("&", "") == text]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.findChildren(QMessageBox), timeout=WAIT_MS)


def test_a_plan_that_refuses_its_values_cannot_be_queued(panel: ControlPanel, qtbot: QtBot) -> None:
    """Lost: fields that are right one by one and wrong together are found when the queue comes to the plan."""

    def refused(_plan: str, _arguments: Any, _listed: int | None) -> None:
        raise InputError("A sweep has one speed. Give one region.")

    panel.tabs.setCurrentWidget(panel.plans)
    panel.plans.choose("measure")
    type_into(panel, qtbot, "edge", "Br K")
    type_into(panel, qtbot, "delay_ps", "100")
    assert panel.plans.submit.isEnabled()
    panel.plans.set_settings(replace(SETTINGS, exposures=refused))
    assert panel.plans.problem.text() == "A sweep has one speed. Give one region."
    assert not panel.plans.submit.isEnabled()
    assert not panel.plans.forecast.isVisible()


def test_pause_resume_and_abort_by_buttons_that_follow_the_engine(
    panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot
) -> None:
    buttons = panel.engine.buttons
    queue(panel, qtbot, server, 100)
    assert "IDLE" in state(panel)
    assert not buttons[Action.PAUSE].isEnabled()
    click(qtbot, buttons[Action.START])
    wait_for(qtbot, lambda: "RUNNING" in state(panel))
    assert "Measure: edge Br K" in panel.engine.remark.text() or "Br K" in panel.engine.remark.text()
    click(qtbot, buttons[Action.PAUSE])
    wait_for(qtbot, lambda: "PAUSING" in state(panel))
    server.pause_takes_effect()
    wait_for(qtbot, lambda: "PAUSED" in state(panel))
    assert not buttons[Action.PAUSE_NOW].isEnabled()
    click(qtbot, buttons[Action.RESUME])
    wait_for(qtbot, lambda: "RUNNING" in state(panel))
    click(qtbot, buttons[Action.PAUSE_NOW])
    wait_for(qtbot, lambda: "PAUSED" in state(panel))
    click(qtbot, buttons[Action.ABORT])
    answer(qtbot, panel, "Cancel")
    assert "re_abort" not in [method for method, _ in server.requests]
    wait_for(qtbot, buttons[Action.ABORT].isEnabled)
    click(qtbot, buttons[Action.ABORT])
    answer(qtbot, panel, "Abort the plan")
    wait_for(qtbot, lambda: panel.history.table.rowCount() == 1)
    panel.tabs.setCurrentWidget(panel.history)
    assert "aborted" in cell_text(panel.history.table, 0, 1)
    assert "Run aborted by the user." in cell_text(panel.history.table, 0, 4)


def test_no_server_disables_every_button_and_reports_it(
    panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot
) -> None:
    queue(panel, qtbot, server, 100)
    server.silent = True
    wait_for(qtbot, lambda: "NO SERVER" in state(panel))
    assert "does not answer" in panel.engine.remark.text()
    assert not any(button.isEnabled() for button in panel.engine.buttons.values())


def test_engine_can_be_ended_and_started(panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot) -> None:
    click(qtbot, panel.engine.buttons[Action.CLOSE])
    wait_for(qtbot, lambda: "NOT CONNECTED" in state(panel))
    assert not server.opened
    click(qtbot, panel.engine.buttons[Action.OPEN])
    wait_for(qtbot, lambda: "IDLE" in state(panel))


def test_queue_stops_after_this_plan_and_can_change_its_mind(
    panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot
) -> None:
    buttons = panel.engine.buttons
    queue(panel, qtbot, server, 100, 200)
    click(qtbot, buttons[Action.START])
    wait_for(qtbot, buttons[Action.STOP_QUEUE].isEnabled)
    click(qtbot, buttons[Action.STOP_QUEUE])
    wait_for(qtbot, buttons[Action.KEEP_QUEUE].isVisible)
    assert "stops after this plan" in panel.engine.remark.text()
    click(qtbot, buttons[Action.KEEP_QUEUE])
    wait_for(qtbot, buttons[Action.STOP_QUEUE].isVisible)
    server.finish()
    wait_for(qtbot, lambda: server.running is not None and panel.queue.list.count() == 0)


def test_order_changes_by_buttons_and_by_dragging(panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot) -> None:
    queue(panel, qtbot, server, 100, 200, 300)
    panel.queue.list.setCurrentRow(2)
    click(qtbot, panel.queue.buttons["Up"])
    wait_for(qtbot, lambda: server.names == [100, 300, 200] and "300" in panel.queue.list.item(1).text())
    assert panel.queue.list.currentRow() == 1, "the selection follows the plan"
    panel.queue.list.setCurrentRow(0)
    click(qtbot, panel.queue.buttons["Down"])
    wait_for(qtbot, lambda: server.names == [300, 100, 200] and "100" in panel.queue.list.item(1).text())
    # What the view does when a row is dropped.
    model = panel.queue.list.model()
    assert model.moveRow(model.index(-1, 0), 0, model.index(-1, 0), 3)
    wait_for(qtbot, lambda: server.names == [100, 200, 300])
    assert model.moveRow(model.index(-1, 0), 2, model.index(-1, 0), 0)
    wait_for(qtbot, lambda: server.names == [300, 100, 200])


def test_refused_drag_goes_back_to_where_the_server_has_it(
    panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot
) -> None:
    queue(panel, qtbot, server, 100, 200)
    server.refuse_next = "The queue is locked"
    model = panel.queue.list.model()
    model.moveRow(model.index(-1, 0), 0, model.index(-1, 0), 2)
    wait_for(qtbot, lambda: "The queue is locked" in panel.engine.message.text())
    assert "100" in panel.queue.list.item(0).text()


def test_duplicate_edit_remove_and_clear(panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot) -> None:
    queue(panel, qtbot, server, 100, 200)
    panel.queue.list.setCurrentRow(0)
    click(qtbot, panel.queue.buttons["Duplicate"])
    wait_for(qtbot, lambda: server.names == [100, 100, 200] and panel.queue.list.count() == 3)
    panel.queue.list.setCurrentRow(1)
    click(qtbot, panel.queue.buttons["Edit"])
    assert panel.tabs.currentWidget() is panel.plans
    type_into(panel, qtbot, "delay_ps", "150")
    assert panel.plans.submit.text() == "Change the queued plan"
    click(qtbot, panel.plans.submit)
    wait_for(qtbot, lambda: server.names == [100, 150, 200])
    assert panel.plans.submit.text() == "Add to queue"
    panel.tabs.setCurrentWidget(panel.queue)
    wait_for(qtbot, lambda: "150" in panel.queue.list.item(1).text())
    panel.queue.list.setCurrentRow(0)
    click(qtbot, panel.queue.buttons["Remove"])
    wait_for(qtbot, lambda: server.names == [150, 200] and panel.queue.list.count() == 2)
    click(qtbot, panel.queue.buttons["Clear"])
    answer(qtbot, panel, "Clear the queue")
    wait_for(qtbot, lambda: server.names == [] and panel.queue.list.count() == 0)


def test_form_refuses_what_is_wrong_before_it_is_sent(
    panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot
) -> None:
    panel.tabs.setCurrentWidget(panel.plans)
    panel.plans.choose("measure")
    assert not panel.plans.submit.isEnabled()
    type_into(panel, qtbot, "edge", "Br K")
    assert "Enter the delay, in ps." in panel.plans.problem.text()
    type_into(panel, qtbot, "delay_ps", "1e9")
    assert "outside -100000 to 152800 ps" in panel.plans.problem.text()
    assert not panel.plans.submit.isEnabled()
    type_into(panel, qtbot, "delay_ps", "100")
    type_into(panel, qtbot, "delays_ps", "0:90:")
    assert "start:stop:step" in panel.plans.problem.text()
    type_into(panel, qtbot, "delays_ps", "0:90:30")
    type_into(panel, qtbot, "shutter_reference", "point")
    type_into(panel, qtbot, "md", "vial = 7")
    click(qtbot, panel.plans.submit)
    wait_for(qtbot, lambda: len(server.queue) == 1)
    assert server.queue[0]["kwargs"] == {
        "edge": "Br K",
        "delay_ps": 100.0,
        "delays_ps": [0.0, 30.0, 60.0, 90.0],
        "shutter_reference": "point",
        "md": {"vial": 7},
    }


def test_duration_and_error_follow_the_form(panel: ControlPanel, qtbot: QtBot) -> None:
    panel.tabs.setCurrentWidget(panel.plans)
    panel.plans.choose("measure")
    assert panel.plans.forecast.text() == ""
    type_into(panel, qtbot, "edge", "Br K")
    type_into(panel, qtbot, "delay_ps", "100")
    assert "1 min 00 s of beam time (10 exposures)" in panel.plans.forecast.text()
    assert "±0.15 %" in panel.plans.forecast.text()
    assert "0.12 photons per pulse as configured" in panel.plans.forecast.text()
    type_into(panel, qtbot, "repeats", "4")
    assert "4 min 00 s" in panel.plans.forecast.text()
    assert "±0.074 %" in panel.plans.forecast.text()
    panel.set_photons_per_pulse(0.06, "0.06 photons per pulse in run 7")
    assert "±0.1 %" in panel.plans.forecast.text()
    assert "in run 7" in panel.plans.forecast.text()


def test_what_was_typed_stays_when_another_plan_is_looked_at(panel: ControlPanel, qtbot: QtBot) -> None:
    panel.plans.choose("measure")
    type_into(panel, qtbot, "delay_ps", "77")
    panel.plans.choose("rest")
    assert panel.plans.submit.isEnabled(), "a plan without parameters needs nothing"
    panel.plans.choose("measure")
    assert panel.plans.form is not None
    field = panel.plans.form.fields["delay_ps"]
    assert isinstance(field, QLineEdit)
    assert field.text() == "77"


def test_history_queues_again_and_opens_the_run(panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot) -> None:
    queue(panel, qtbot, server, 100)
    click(qtbot, panel.engine.buttons[Action.START])
    wait_for(qtbot, lambda: server.running is not None)
    server.finish()
    wait_for(qtbot, lambda: panel.history.table.rowCount() == 1)
    panel.tabs.setCurrentWidget(panel.history)
    panel.history.table.selectRow(0)
    click(qtbot, panel.history.again)
    wait_for(qtbot, lambda: server.names == [100])
    with qtbot.waitSignal(panel.run_chosen, timeout=WAIT_MS) as chosen:
        panel.history.table.cellDoubleClicked.emit(0, 0)
    assert chosen.args == ["abc"]


def test_plan_that_vanishes_while_it_is_edited_is_no_longer_edited(
    panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot
) -> None:
    """Otherwise the change would be sent for a plan that already runs."""
    queue(panel, qtbot, server, 100)
    panel.queue.list.setCurrentRow(0)
    click(qtbot, panel.queue.buttons["Edit"])
    assert panel.plans.submit.text() == "Change the queued plan"
    click(qtbot, panel.engine.buttons[Action.START])
    wait_for(qtbot, lambda: panel.plans.submit.text() == "Add to queue")
    assert server.running is not None
    assert panel.engine.state.text().endswith(Engine.RUNNING.value)


def test_letters_and_colours_follow_the_theme(panel: ControlPanel, server: FakeQueueServer, qtbot: QtBot) -> None:
    """In the control-room look the state must be the largest word, not the smallest."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    queue(panel, qtbot, server, 100)
    click(qtbot, panel.engine.buttons[Action.START])
    wait_for(qtbot, lambda: server.running is not None)
    server.finish("failed", "no beam")
    wait_for(qtbot, lambda: panel.history.table.rowCount() == 1)

    def looks(size: object, colour: str) -> bool:
        item: Any = panel.history.table.item(0, 1)
        shown = item.foreground().color().name()
        return panel.engine.state.font().pointSizeF() == size and shown == colour

    try:
        for theme in (CONTROL_ROOM, DARK):
            apply_theme(application, theme)
            size, colour = pytest.approx(1.4 * theme.font_points), theme.bad.lower()
            qtbot.waitUntil(partial(looks, size, colour), timeout=WAIT_MS)
    finally:
        apply_theme(application, LIGHT)


def test_plans_are_offered_in_the_order_of_use_with_presets(qtbot: QtBot) -> None:
    """If this fails, the first plan that a new user meets is a calibration, and every required field is empty."""
    parameters = (
        Parameter(name="edge", kind=EntryKind.CHOICE, choices=("Br K", "Pb L3")),
        Parameter(name="delay_ps", kind=EntryKind.NUMBER),
    )
    scan = PlanSignature(name="energy_scan", description="", parameters=parameters, group="Pump and probe", order=1)
    calibration = PlanSignature(
        name="apply_energy_calibration", description="", parameters=(), group="Alignment", order=9
    )
    own = PlanSignature(name="a_plan_of_a_user", description="", parameters=())
    client = QueueClient(FakeQueueServer())
    panel = PlanPanel(client, FormSettings(presets={"edge": "Br K", "delay_ps": 100.0}))
    qtbot.addWidget(panel)
    panel.show_snapshot(Snapshot(engine=Engine.IDLE, plans={one.name: one for one in (own, calibration, scan)}))
    texts = [panel.chooser.itemText(row) for row in range(panel.chooser.count())]
    groups = ["Pump and probe:", "Energy scan", "Alignment:", "Apply energy calibration", "Other:", "A plan of a user"]
    assert texts == groups
    assert panel.chooser.currentText() == "Energy scan"
    assert not panel.chooser.model().flags(panel.chooser.model().index(0, 0)) & Qt.ItemFlag.ItemIsEnabled
    assert panel.form is not None
    assert panel.form.arguments() == {"edge": "Br K", "delay_ps": 100.0}
    assert panel.submit.isEnabled()


def test_an_empty_choice_is_asked_for_in_plain_words() -> None:
    with pytest.raises(InputError, match=r"^Choose an edge: Br K or Pb L3\.$"):
        value_of("", Parameter(name="edge", kind=EntryKind.CHOICE, choices=("Br K", "Pb L3")))
