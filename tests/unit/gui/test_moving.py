"""If these fail, a click in a plot moves the beamline during a run, to a wrong place, or without a question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from errors import OutOfRangeError
from gui.control.engine import Engine
from gui.control.entries import Limits
from gui.control.mover import PLAN, Mover
from gui.control.plan_signature import PlanSignature
from gui.control.snapshot import QueueItem, Snapshot
from gui.panels.xas.kinetics import KineticsPanel
from gui.panels.xas.spectra import SpectraPanel
from gui.plots.axis import DELAY, TIME
from gui.plots.line_plot import LinePlot
from gui.plots.move_menu import FoundPlace, MoveMenu
from gui.plots.scales import DelayScale
from gui.plots.styles import TRANSIENT
from trxas.serve.upkeep_plans import upkeep_plans

MOVES = {PLAN: PlanSignature(name=PLAN, description="", parameters=())}
LIMITS = {"energy_ev": Limits(5000.0, 20_000.0)}


@dataclass
class Client:
    """A client of a queue server or a session in the state that a test chooses."""

    snapshot: Snapshot
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def run_now(self, name: str, arguments: Mapping[str, Any], _what: str) -> None:
        self.asked.append((name, arguments))


def make_mover(qtbot: QtBot, queue: Client, session: Client | None = None) -> Mover:
    parent = QWidget()
    qtbot.addWidget(parent)
    return Mover(queue, session, LIMITS, parent)  # type: ignore[arg-type]  # a snapshot and `run_now` are enough


def click(qtbot: QtBot, box: QMessageBox, text: str) -> None:
    (button,) = [one for one in box.buttons() if one.text().replace("&", "") == text]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_move_is_asked_once_and_goes_through_the_queue_server(qtbot: QtBot) -> None:
    queue = Client(Snapshot(engine=Engine.IDLE, plans=MOVES))
    mover = make_mover(qtbot, queue)
    box = mover.ask("energy_ev", 13472.0)
    assert box.text() == "Move the energy to 13472.00 eV?"
    click(qtbot, box, "Cancel")
    assert queue.asked == []
    click(qtbot, mover.ask("energy_ev", 13472.0), "Move")
    assert queue.asked == [("move_axis", {"axis": "energy_ev", "value": 13472.0})]


@pytest.mark.parametrize(
    ("queue", "session", "reason"),
    [
        (Snapshot(engine=Engine.IDLE, plans=MOVES), None, ""),
        (Snapshot(engine=Engine.NO_SERVER, remark="No queue server."), None, "No queue server."),
        (Snapshot(engine=Engine.CLOSED), None, "Click Connect beamline first"),
        (
            Snapshot(engine=Engine.RUNNING, running=QueueItem(uid="1", name="energy_scan", arguments={})),
            None,
            r"Energy scan holds the beamline \(RUNNING\). Wait until it has ended",
        ),
        (
            Snapshot(engine=Engine.IDLE, plans=MOVES),
            Snapshot(engine=Engine.NO_PLAN, remark="The session of anna holds the beamline; start plans there."),
            r"anna holds the beamline.*type RE\(bps.mv\(energy, 13472\)\)",
        ),
        (
            Snapshot(engine=Engine.IDLE, plans=MOVES),
            Snapshot(engine=Engine.RUNNING, remark="The plan runs in the session of anna."),
            "A run holds the beamline. The plan runs in the session of anna. Wait",
        ),
    ],
)
def test_a_move_is_refused_with_a_reason_while_a_run_holds_the_beamline(
    queue: Snapshot, session: Snapshot | None, reason: str, qtbot: QtBot
) -> None:
    client = Client(queue)
    mover = make_mover(qtbot, client, None if session is None else Client(session))
    problem = mover.problem("energy_ev", 13472.0)
    if not reason:
        assert problem == ""
        return
    box = mover.ask("energy_ev", 13472.0)
    assert box.informativeText() == problem
    assert re.search(reason, problem)
    click(qtbot, box, "OK")
    assert client.asked == []


def test_limits_are_checked_before_the_question_and_again_by_the_plan(qtbot: QtBot) -> None:
    mover = make_mover(qtbot, Client(Snapshot(engine=Engine.IDLE, plans=MOVES)))
    assert "outside 5000 to 20000 eV" in mover.problem("energy_ev", 1e9)

    def check_value(value: float) -> None:
        raise OutOfRangeError("energy_ev", value, 5000.0, 20_000.0, "eV")

    axis = SimpleNamespace(check_value=check_value)
    session = SimpleNamespace(beamline=SimpleNamespace(axes={"energy_ev": axis}, safety=None))
    move = upkeep_plans(session)["move_axis"]  # type: ignore[arg-type]  # its axes are enough
    with pytest.raises(OutOfRangeError, match="5000"):
        next(move("energy_ev", 1e9))


def test_the_menu_offers_the_nearest_point_and_the_places_of_a_fit(qtbot: QtBot) -> None:
    plot = LinePlot(DELAY, TIME, x_scale=DelayScale())
    qtbot.addWidget(plot)
    plot.set_curve("t", np.array([0.0, 50.0, 100.0]), np.array([0.0, 1.0, 0.5]), style=TRANSIENT)
    plot.show_all()
    menu = MoveMenu(plot, "delay_ps", lambda: [FoundPlace(name="the fitted time zero", value=3.0)])
    menu.offset = 10.0
    place = float(DelayScale().to_axis(np.array([50.3]))[0])
    here, zero = menu.menu_at(place).actions()
    assert here.text() == "Move the delay here: 40.0 ps…"
    assert zero.text() == "Go to the fitted time zero: 3.0 ps…"
    with qtbot.waitSignal(menu.asked) as asked:
        here.trigger()
    assert asked.args == ["delay_ps", pytest.approx(40.0)]


def test_panels_of_spectra_and_kinetics_offer_to_move(qtbot: QtBot) -> None:
    for panel, axis in ((SpectraPanel(), "energy_ev"), (KineticsPanel(), "delay_ps")):
        qtbot.addWidget(panel)
        menus = list(panel.move_menus())
        assert {menu.axis for menu in menus} == {axis}
        # Without a run there is only the place of the click.
        assert len(menus[0].menu_at(1.0).actions()) == 1
