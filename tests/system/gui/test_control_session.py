"""If these fail, a colleague at the window cannot pause, resume or end a run of the session at the prompt."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from gui.control.control_panel import ControlPanel
from gui.control.engine import Action, Engine
from gui.control.manager_link import ZmqManagerLink
from gui.control.queue_client import QueueClient
from storage import load_run, open_store
from storage.runs import list_runs
from tests.support.fake_queue_server import FakeQueueServer
from tests.support.waiting import WAIT_MS, WAIT_S
from trxas.configuration import load_configuration
from trxas.window.docks import session_server

MACRO = "ses:"
SCAN = "delay_scan('Br K', delays_ps=[0.0, 100.0, 200.0], dwell_s=20.0, repeats=2000)"
SCRIPT = f"""
import sys
from pathlib import Path
from bluesky.utils import RunEngineInterrupted
import plans
from devices.assembly import build_beamline
from trxas.session.remote_control import RemotelyPausableEngine, EndedFromWindowError
from trxas.session.listener import Listener
from trxas.configuration import load_configuration

beamline = build_beamline(load_configuration(prefix=sys.argv[1]).beamline)
beamline.connect(timeout_s=120)
engine = RemotelyPausableEngine({{}})
engine.subscribe(lambda name, doc: print("exit_status", doc["exit_status"], flush=True), "stop")
listener = Listener(engine, "script", Path(sys.argv[2]))
try:
    engine(plans.{SCAN.replace("(", "(beamline, ", 1)})
except RunEngineInterrupted:
    print("PROMPT", flush=True)
    sys.stdin.readline()
    try:
        engine.resume()
    except EndedFromWindowError as error:
        print(error)
listener.close()
"""
"""A session without a store, which takes long to open."""


class Fixed:
    """A session's listener in this process, with a state that the test chooses."""

    address = "tcp://fixed"

    def __init__(self) -> None:
        self.status: dict[str, Any] = {}
        self.asked: list[str] = []
        self.report(manager_state="idle", re_state="idle")

    def report(self, **status: Any) -> None:
        version = self.status.get("plan_queue_uid", 0) + 1
        self.status = {"session": "anna@hutch:1", "worker_environment_exists": True, "plan_queue_uid": version} | status

    def request(self, method: str, _parameters: Any) -> Any:
        running = {} if self.status["manager_state"] == "idle" else {"name": "energy_scan", "item_uid": "1"}
        answers = {
            "status": self.status,
            "queue_get": {"items": [], "running_item": running},
            "history_get": {"items": []},
            "plans_allowed": {"plans_allowed": {}},
        }
        if method not in answers:
            self.asked.append(method)
        return answers.get(method, {})

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def clients() -> Iterator[Callable[[Any], QueueClient]]:
    made: list[QueueClient] = []

    def start(link: Any) -> QueueClient:
        made.append(QueueClient(link, poll_period_s=0.05))
        made[-1].start()
        return made[-1]

    yield start
    for client in made:
        assert client.stop()


def make_panel(queue: QueueClient, session: QueueClient, qtbot: QtBot) -> ControlPanel:
    panel = ControlPanel(queue, session=session)
    qtbot.addWidget(panel)
    panel.resize(700, 800)
    panel.show()
    return panel


def shows(panel: ControlPanel, state: Engine, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.engine.state.text().endswith(f"  {state.value}"), timeout=WAIT_MS)


def click(panel: ControlPanel, action: Action, qtbot: QtBot) -> None:
    button = panel.engine.buttons[action]
    qtbot.waitUntil(button.isEnabled, timeout=WAIT_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def agree(panel: ControlPanel, qtbot: QtBot) -> str:
    """Click Abort in the question, and return what it said."""
    qtbot.waitUntil(lambda: bool(panel.findChildren(QMessageBox)), timeout=WAIT_MS)
    (box,) = panel.findChildren(QMessageBox)
    (button,) = [one for one in box.buttons() if "Abort" in one.text()]
    said = str(box.informativeText())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    return said


def offered(panel: ControlPanel) -> set[Action]:
    return {action for action, button in panel.engine.buttons.items() if button.isEnabled()}


def test_buttons_are_those_of_whoever_runs(clients: Callable[[Any], QueueClient], qtbot: QtBot) -> None:
    """Otherwise someone aborts the wrong thing, or cannot stop what runs."""
    server, session = FakeQueueServer(opened=False), Fixed()
    panel = make_panel(clients(server), clients(session), qtbot)
    shows(panel, Engine.CLOSED, qtbot)
    qtbot.waitUntil(lambda: "anna@hutch:1 holds the beamline" in panel.engine.remark.text(), timeout=WAIT_MS)
    session.report(manager_state="executing_queue", re_state="running")
    shows(panel, Engine.RUNNING, qtbot)
    qtbot.waitUntil(lambda: Action.PAUSE in offered(panel), timeout=WAIT_MS)
    assert Action.OPEN not in offered(panel)
    assert "Energy scan\nThe plan runs in the session of anna@hutch:1." in panel.engine.remark.text()
    click(panel, Action.PAUSE_NOW, qtbot)
    qtbot.waitUntil(lambda: session.asked == ["re_pause"], timeout=WAIT_MS)
    session.report(manager_state="paused", re_state="paused")
    shows(panel, Engine.PAUSED, qtbot)
    click(panel, Action.ABORT, qtbot)
    assert "a script that runs the plan ends too" in agree(panel, qtbot)
    qtbot.waitUntil(lambda: session.asked == ["re_pause", "re_abort"], timeout=WAIT_MS)
    session.report(manager_state="idle", re_state="idle")
    shows(panel, Engine.CLOSED, qtbot)
    assert server.requests == []


def test_a_plan_paused_at_its_prompt_is_left_to_the_one_who_sits_there(
    clients: Callable[[Any], QueueClient], qtbot: QtBot
) -> None:
    session = Fixed()
    panel = make_panel(clients(FakeQueueServer()), clients(session), qtbot)
    session.report(manager_state="paused", re_state="paused", at_prompt=True)
    shows(panel, Engine.AT_PROMPT, qtbot)
    assert offered(panel) == set()
    assert "with RE.resume() or RE.abort()" in panel.engine.remark.text()


def test_a_session_without_a_queue_server_is_no_missing_server(
    clients: Callable[[Any], QueueClient], qtbot: QtBot
) -> None:
    server = FakeQueueServer()
    server.silent = True
    panel = make_panel(clients(server), clients(Fixed()), qtbot)
    shows(panel, Engine.NO_PLAN, qtbot)
    assert offered(panel) == set()
    assert "start plans there" in panel.engine.remark.text()


@pytest.fixture(scope="module")
def shutters(start_ioc: Any) -> Iterator[Callable[[], tuple[int, int]]]:
    """Read-backs of laser and X-ray shutter of a simulated beamline, 1 for open."""
    import epics

    line = load_configuration(prefix=MACRO).beamline
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "200"):
        names = (line.laser.shutter_readback, line.surroundings.xray_shutter_readback)
        pvs = [epics.PV(MACRO + name) for name in names]
        assert all(pv.wait_for_connection(WAIT_S) for pv in pvs)

        def now() -> tuple[int, int]:
            laser, xray = (int(pv.get(use_monitor=False, timeout=WAIT_S)) for pv in pvs)
            return laser, xray

        yield now


@pytest.fixture
def panel(tmp_path: Path, clients: Callable[[Any], QueueClient], qtbot: QtBot) -> ControlPanel:
    """Control as the window makes it, of a data folder that nobody serves."""
    server = FakeQueueServer()
    server.silent = True
    return make_panel(clients(server), clients(ZmqManagerLink(lambda: session_server(tmp_path))), qtbot)


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a session as a process."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(
                [sys.executable, *command], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, bufsize=1
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stored_run(data: Path) -> list[tuple[str, dict[str, Any]]]:
    with open_store(data, recover_runs=False) as store:
        (run,) = list_runs(store)
        return list(load_run(store, run.uid))


def places(documents: list[tuple[str, dict[str, Any]]]) -> list[tuple[int, int]]:
    good = [doc["data"] for name, doc in documents if name == "event" and not doc["data"]["quality"]]
    return [(data["scan_index"], data["point_index"]) for data in good]


@pytest.mark.long
@pytest.mark.channel_access
def test_a_run_of_an_ipython_session_by_clicks(
    shutters: Callable[[], tuple[int, int]],
    panel: ControlPanel,
    child: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    """If this fails, the window can watch what people run, but not stop it."""
    shows(panel, Engine.NO_SERVER, qtbot)
    command = ["-m", "trxas.commands.main", "ipython", "--prefix", MACRO, "--data", str(tmp_path), "-c", f"RE({SCAN})"]
    process = child(*command)
    # Opening a store for the first time takes long.
    qtbot.waitUntil(lambda: panel.engine.state.text().endswith(Engine.RUNNING.value), timeout=4 * WAIT_MS)
    qtbot.waitUntil(lambda: shutters() == (1, 1), timeout=WAIT_MS)
    click(panel, Action.PAUSE, qtbot)
    shows(panel, Engine.PAUSED, qtbot)
    assert shutters() == (0, 0), "nothing shines on the sample while it waits"
    assert "Delay scan" in panel.engine.remark.text()
    click(panel, Action.RESUME, qtbot)
    shows(panel, Engine.RUNNING, qtbot)
    qtbot.waitUntil(lambda: shutters() == (1, 1), timeout=WAIT_MS)
    click(panel, Action.ABORT, qtbot)
    agree(panel, qtbot)
    said, _ = process.communicate(timeout=2 * WAIT_S)
    assert "Paused from a window" in said
    assert "EndedFromWindowError: The plan was aborted from a window." in said
    assert shutters() == (0, 0)
    shows(panel, Engine.NO_SERVER, qtbot)
    documents = stored_run(tmp_path)
    assert documents[-1][1]["exit_status"] == "abort"
    assert len(places(documents)) == len(set(places(documents))) > 0


@pytest.mark.channel_access
def test_ctrl_c_during_a_pause_from_the_window(
    shutters: Callable[[], tuple[int, int]],
    panel: ControlPanel,
    child: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    """If this fails, a Ctrl-C at the prompt and a pause from the window block each other."""
    process = child("-c", SCRIPT, MACRO, str(tmp_path))
    shows(panel, Engine.RUNNING, qtbot)
    click(panel, Action.PAUSE_NOW, qtbot)
    shows(panel, Engine.PAUSED, qtbot)
    assert shutters() == (0, 0), "nothing shines on the sample while it waits"
    click(panel, Action.RESUME, qtbot)
    shows(panel, Engine.RUNNING, qtbot)
    qtbot.waitUntil(lambda: shutters() == (1, 1), timeout=WAIT_MS)
    click(panel, Action.PAUSE, qtbot)
    shows(panel, Engine.PAUSED, qtbot)
    process.send_signal(signal.SIGINT)
    shows(panel, Engine.AT_PROMPT, qtbot)
    assert offered(panel) == set()
    assert shutters() == (0, 0)
    assert process.stdin is not None
    process.stdin.write("\n")
    shows(panel, Engine.RUNNING, qtbot)
    click(panel, Action.STOP, qtbot)
    said, _ = process.communicate(timeout=WAIT_S)
    assert "PROMPT" in said
    assert "The plan was stopped from a window." in said
    assert "exit_status success" in said
    assert shutters() == (0, 0)
