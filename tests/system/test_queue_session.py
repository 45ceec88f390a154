"""The session of the queue server under a beam dump, and with subscribers that a user has put into it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from storage import list_runs, load_run, open_store
from tests.support.fault_bench import FaultBench
from tests.support.served import Queue, Served
from tests.support.waiting import until
from trxas.announcements.server_file import read_state
from trxas.configuration import DEFAULT_CONFIGURATION

MACRO = "queued:"
QUALITY = "[quality]\nring_settle_s = 0.5\npause_high_s = 1.0"
SERVE = "\n[serve]\ntiled = false\n"
ENERGIES_EV = [[13_460.0, 13_468.0, 2.0], [13_470.0, 13_480.0, 1.0]]
POINTS = 16
TRIPPED = 2

# What a user may send into the running session. The first fails, the second changes what it gets, the third is slow.
SUBSCRIBERS = """
import time

def failing(name, doc):
    raise KeyError("no_such_key")

def changing(name, doc):
    doc.get("data", {}).clear()
    doc.clear()

def slow(name, doc):
    time.sleep(3600.0)

for callback in (failing, changing, slow):
    RE.subscribe(callback)
"""

pytestmark = [pytest.mark.channel_access, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def served(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose session has the beamline of an IOC of this module."""
    folder = tmp_path_factory.mktemp("queue")
    config = folder / "beamline.toml"
    text = DEFAULT_CONFIGURATION.read_text(encoding="utf-8")
    config.write_text(text.replace("[quality]", QUALITY, 1) + SERVE, encoding="utf-8")
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "100"):
        served = Served(folder / "data", folder / "log", "--config", str(config), "--prefix", MACRO, sim=False)
        try:
            served.wait_ready()
            yield served
        finally:
            served.kill_all()


@pytest.fixture
def queue(served: Served) -> Iterator[Queue]:
    state = read_state(served.data)
    assert state is not None
    queue = Queue(state)
    yield queue
    queue.close()


def start(queue: Queue, sample: str) -> None:
    """Start a spectrum of few points."""
    queue.start(regions_ev=ENERGIES_EV, dwell_s=6.0, sample=sample, allow_unreducible=True)


def documents_of(served: Served, sample: str) -> list[tuple[str, Any]]:
    """What the store has of the only run of a sample, [] before it has begun."""
    with open_store(served.data, recover_runs=False) as store:
        uids = [run.uid for run in list_runs(store, journals_only=True) if run.sample == sample]
        return load_run(store, uids[0]) if uids else []


def good_points(documents: list[tuple[str, Any]]) -> list[int]:
    """Numbers of the points of a run that are good, in order."""
    events = [doc["data"] for name, doc in documents if name == "event"]
    return [event["point_index"] for event in events if event.get("quality") == ""]


def test_a_beam_dump_suspends_the_plan_of_the_queue(served: Served, queue: Queue, get: Any, put: Any) -> None:
    """Lost: the scan, to a table that did not know the stream of the suspensions."""
    bench = FaultBench(MACRO, get, put)
    start(queue, "dump")
    until(lambda: len(good_points(documents_of(served, "dump"))) > 2, served.said)
    bench.put("7idd:sim:Fault:BeamDump", 1e6)
    bench.until(lambda: bench.shutters() == (0, 0), "closed shutters")
    bench.put("7idd:sim:FaultsClear", 1)
    queue.wait(manager_state="idle")
    assert queue.ask("history_get")["items"][-1]["result"]["exit_status"] == "completed"
    documents = documents_of(served, "dump")
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert [event["suspended"] for event in events if "suspended" in event] == [1, 0]
    assert good_points(documents) == list(range(POINTS))


def test_a_users_subscribers_neither_end_nor_change_nor_delay_a_run_of_the_queue(served: Served, queue: Queue) -> None:
    """Lost: the night, to somebody's own plot; the numbers, to a callback that rounds what it is given."""
    queue.ask("script_upload", script=SUBSCRIBERS)
    queue.wait(manager_state="idle")
    start(queue, "watched")
    queue.wait(manager_state="idle")
    assert queue.ask("history_get")["items"][-1]["result"]["exit_status"] == "completed"
    documents = documents_of(served, "watched")
    assert good_points(documents) == list(range(POINTS))
    assert documents[-1][0] == "stop"
    log = (served.data / "serve" / "queue-server.log").read_text(encoding="utf-8")
    assert log.count("failing failed at a document of type 'start': KeyError: 'no_such_key'") == 1
    assert "slow has not returned from a document for" in log


def test_a_window_moves_an_axis_and_asks_for_a_dry_run(queue: Queue) -> None:
    """Lost: a click in a plot that goes there, or that is refused during a run; and the form's dry run."""
    user = {"user": "test", "user_group": "primary"}

    def move(axis: str, value: float) -> None:
        item = {"item_type": "plan", "name": "move_axis", "args": [], "kwargs": {"axis": axis, "value": value}}
        before = len(queue.ask("history_get")["items"])
        queue.ask("queue_item_execute", item=item, **user)
        until(lambda: len(queue.ask("history_get")["items"]) > before, lambda: queue.ask("status"))
        queue.wait(manager_state="idle")

    move("energy_ev", 13472.5)
    move("energy_ev", 1e9)
    outcomes = [item["result"] for item in queue.ask("history_get")["items"][-2:]]
    assert [one["exit_status"] for one in outcomes] == ["completed", "failed"]
    item = {"item_type": "function", "name": "dry_run_of", "args": ["energy_scan", {"edge": "Br K", "delay_ps": 50.0}]}
    task = queue.ask("function_execute", item=item, run_in_background=True, **user)["task_uid"]
    until(lambda: queue.ask("task_result", task_uid=task)["status"] == "completed", "a dry run")
    answer = queue.ask("task_result", task_uid=task)["result"]["return_value"]
    rows = {row[0]: row[1] for row in answer["runs"][0]["moves"]}
    assert rows["energy_ev"] == "13472.5"


def test_an_interrupted_run_is_completed_from_the_queue(served: Served, queue: Queue) -> None:
    """Lost: the measured half of a scan that was aborted; at a prompt it is `resume_run`, and the queue has none."""
    start(queue, "half")
    until(lambda: len(good_points(documents_of(served, "half"))) > 2, served.said)
    queue.pause("immediate")
    queue.wait(manager_state="paused")
    queue.ask("re_abort")
    queue.wait(manager_state="idle")
    queue.ask("queue_clear")
    first = documents_of(served, "half")
    done = good_points(first)
    queue.begin("resume_run", run=first[0][1]["uid"])
    queue.wait(manager_state="idle")
    with open_store(served.data, recover_runs=False) as store:
        documents = load_run(store, -1)
    assert documents[0][1]["resumes"] == first[0][1]["uid"]
    assert sorted(done + good_points(documents)) == list(range(POINTS))


def test_the_watchdog_is_reset_from_the_queue(served: Served, queue: Queue, get: Any) -> None:
    """Lost: the beamline after a trip, as no second session may write while that of the queue holds it."""
    start(queue, "tripped")
    queue.wait(manager_state="idle")
    session = process_number(str(get(f"{MACRO}7idd:session:Holder")))
    # The X-ray shutter is still open, and the heartbeats of a session that does not run end.
    os.kill(session, signal.SIGSTOP)
    try:
        until(lambda: get(f"{MACRO}7idd:safety:Status") == TRIPPED, "a trip")
    finally:
        os.kill(session, signal.SIGCONT)
    queue.begin("reset_safety")
    queue.wait(manager_state="idle")
    assert queue.ask("history_get")["items"][-1]["result"]["exit_status"] == "completed"
    assert get(f"{MACRO}7idd:safety:Status") != TRIPPED


def process_number(holder: str) -> int:
    """The process in the text by which a session holds the beamline: user@host:process."""
    found = re.search(r":(\d+)", holder)
    assert found is not None, holder
    return int(found[1])
