"""If these fail, buttons in the window do not start, pause, resume or abort plans of a real queue server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLineEdit, QMessageBox, QPushButton

from gui.control.control_panel import ControlPanel
from gui.control.engine import Action, Engine
from gui.control.manager_link import ServerAddress, ZmqManagerLink
from gui.control.queue_client import QueueClient
from tests.support.waiting import WAIT_MS, WAIT_S

pytestmark = pytest.mark.channel_access

STARTUP = '''
import time
import typing
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import ophyd.sim
from bluesky import RunEngine

RE = RunEngine({})
detector = ophyd.sim.SynGauss("detector", ophyd.sim.motor1, "motor1", center=0, Imax=1)


def count_points(sample: typing.Literal["water", "toluene"], *, points: int = 3, dwell_s: float = 0.05):
    """Count a few times."""

    @bpp.run_decorator(md={"sample": sample})
    def run():
        for _ in range(points):
            yield from bps.checkpoint()
            yield from bps.sleep(dwell_s)
            yield from bps.trigger_and_read([detector])

    return (yield from run())
'''

PERMISSIONS = """
user_groups:
  root:
    allowed_plans: [null]
    forbidden_plans: [":^_"]
    allowed_devices: [null]
    forbidden_devices: [":^_:?.*"]
    allowed_functions: [null]
    forbidden_functions: [":^_"]
  primary:
    allowed_plans: [":.*"]
    forbidden_plans: [null]
    allowed_devices: [":?.*:depth=5"]
    forbidden_devices: [null]
    allowed_functions: [null]
    forbidden_functions: [null]
"""


def cell_text(table: Any, row: int, column: int) -> str:
    """Return the text of one cell of a table."""
    return str(table.item(row, column).text())


@pytest.fixture
def redis_address() -> Iterator[str]:
    """The stand-in of `trxas serve`, in its own process: it cannot serve in one with over 1024 open files."""
    command = [sys.executable, "-m", "trxas.serve.redis_stand_in"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("redis ready: ").strip()
        process.kill()


@pytest.fixture
def manager_address(tmp_path: Path, redis_address: str, free_port: Callable[[], int]) -> Iterator[str]:
    """A queue server with one plan, in its own process."""
    (tmp_path / "startup.py").write_text(STARTUP)
    (tmp_path / "permissions.yaml").write_text(PERMISSIONS)
    control, info = free_port(), free_port()
    command = [
        *(str(Path(sys.executable).with_name("start-re-manager")), "--startup-script", str(tmp_path / "startup.py")),
        *("--existing-plans-devices", str(tmp_path / "existing.yaml"), "--redis-addr", redis_address),
        *("--user-group-permissions", str(tmp_path / "permissions.yaml"), "--zmq-publish-console", "OFF"),
        *("--zmq-control-addr", f"tcp://127.0.0.1:{control}", "--zmq-info-addr", f"tcp://127.0.0.1:{info}"),
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=log, stderr=log, env=os.environ, start_new_session=True
        )
        try:
            yield f"tcp://127.0.0.1:{control}"
        finally:
            process.terminate()
            process.wait(WAIT_S)


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def panel(manager_address: str, qtbot: QtBot) -> Iterator[ControlPanel]:
    client = QueueClient(ZmqManagerLink(manager_address), poll_period_s=0.1)
    widget = ControlPanel(client)
    qtbot.addWidget(widget)
    widget.resize(700, 800)
    widget.show()
    client.start()
    yield widget
    assert client.stop(), "the client's thread did not end"


def click(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.waitUntil(button.isEnabled, timeout=WAIT_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def fill_in(panel: ControlPanel, qtbot: QtBot, sample: str, points: int, dwell_s: float) -> None:
    form = panel.plans.form
    assert form is not None
    box = form.fields["sample"]
    assert isinstance(box, QComboBox)
    box.setCurrentText(sample)
    for name, value in (("points", points), ("dwell_s", dwell_s)):
        field = form.fields[name]
        assert isinstance(field, QLineEdit)
        field.clear()
        qtbot.keyClicks(field, str(value))


def test_a_morning_by_clicks(panel: ControlPanel, qtbot: QtBot) -> None:
    """Nobody could run an experiment from the window otherwise."""
    engine, queue, history = panel.engine, panel.queue, panel.history

    def wait_for(condition: Callable[[], bool]) -> None:
        qtbot.waitUntil(condition, timeout=WAIT_MS)

    def state(wanted: Engine) -> Callable[[], bool]:
        return lambda: engine.state.text().endswith(wanted.value)

    wait_for(state(Engine.CLOSED))
    click(qtbot, engine.buttons[Action.OPEN])
    wait_for(state(Engine.IDLE))

    panel.tabs.setCurrentWidget(panel.plans)
    wait_for(lambda: panel.plans.form is not None)
    for number, (sample, points, dwell_s) in enumerate([("water", 2, 0.01), ("toluene", 2000, 0.05)]):
        fill_in(panel, qtbot, sample, points, dwell_s)
        click(qtbot, panel.plans.submit)
        wait_for(lambda number=number: queue.list.count() == number + 1)  # type: ignore[misc]

    panel.tabs.setCurrentWidget(queue)
    queue.list.setCurrentRow(1)
    click(qtbot, queue.buttons["Up"])
    wait_for(lambda: "toluene" in queue.list.item(0).text())

    click(qtbot, engine.buttons[Action.START])
    wait_for(state(Engine.RUNNING))
    wait_for(lambda: "toluene" in engine.remark.text())
    click(qtbot, engine.buttons[Action.PAUSE])
    wait_for(state(Engine.PAUSED))
    click(qtbot, engine.buttons[Action.RESUME])
    wait_for(state(Engine.RUNNING))
    click(qtbot, engine.buttons[Action.ABORT])
    qtbot.waitUntil(lambda: bool(panel.findChildren(QMessageBox)), timeout=WAIT_MS)
    (agree,) = [one for one in panel.findChildren(QMessageBox)[0].buttons() if "Abort" in one.text()]
    qtbot.mouseClick(agree, Qt.MouseButton.LeftButton)

    panel.tabs.setCurrentWidget(history)
    wait_for(lambda: history.table.rowCount() == 1)
    assert "aborted" in cell_text(history.table, 0, 1)
    assert "toluene" in cell_text(history.table, 0, 4)
    wait_for(state(Engine.IDLE))

    panel.tabs.setCurrentWidget(queue)
    wait_for(lambda: queue.list.count() == 2)
    assert "toluene" in queue.list.item(0).text(), "an aborted plan returns to the top of the queue"
    queue.list.setCurrentRow(0)
    click(qtbot, queue.buttons["Remove"])
    wait_for(lambda: queue.list.count() == 1)
    click(qtbot, engine.buttons[Action.START])
    wait_for(lambda: history.table.rowCount() == 2)
    assert "completed" in cell_text(history.table, 0, 1)
    assert cell_text(history.table, 0, 3) == "2"
    wait_for(state(Engine.IDLE))
    click(qtbot, engine.buttons[Action.CLOSE])
    wait_for(state(Engine.CLOSED))


def test_server_that_comes_back_elsewhere_is_found(
    manager_address: str, free_port: Callable[[], int], qtbot: QtBot
) -> None:
    """`trxas serve` takes new ports when it is started again; the window stays open."""
    addresses = [None, ServerAddress(f"tcp://127.0.0.1:{free_port()}"), ServerAddress(manager_address)]
    link = ZmqManagerLink(lambda: addresses.pop(0) if len(addresses) > 1 else addresses[0], timeout_s=2.0)
    client = QueueClient(link, poll_period_s=0.1)
    with qtbot.waitSignal(client.snapshot_changed, timeout=WAIT_MS):
        client.start()
    assert client.snapshot.remark == "No queue server runs for this data folder. Start one with `trxas serve`."
    qtbot.waitUntil(lambda: client.snapshot.engine is Engine.CLOSED, timeout=WAIT_MS)
    assert client.stop()


def test_no_server_is_said_and_nothing_hangs(free_port: Callable[[], int], qtbot: QtBot) -> None:
    client = QueueClient(ZmqManagerLink(f"tcp://127.0.0.1:{free_port()}", timeout_s=0.2), poll_period_s=0.1)
    widget = ControlPanel(client)
    qtbot.addWidget(widget)
    with qtbot.waitSignal(client.snapshot_changed, timeout=WAIT_MS):
        client.start()
    assert widget.engine.state.text().endswith("NO SERVER")
    assert "does not answer" in widget.engine.remark.text()
    assert client.stop()
