"""If these fail, `trxas serve` leaves processes or runs open, loses documents, or hides what went wrong."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from gui.control.manager_link import ServerAddress, ServerSilentError, ZmqManagerLink
from gui.live.broadcast_feed import BroadcastFeed
from gui.live.worker import LiveWorker
from gui.requests.xas.spectra import SpectrumRequest
from processes.process_table import family
from reduction.accumulator import accumulate
from reduction.xas.spc_energy import spc_spectrum
from storage import TiledServer, list_runs, load_run, open_store
from tests.support.served import Queue, Served, living, process_of, without_tiled
from tests.support.waiting import COMMAND_S, WAIT_S, until
from trxas.announcements.server_file import read_state
from trxas.serve.keys import keys_of

pytestmark = pytest.mark.channel_access


@pytest.fixture(scope="module")
def started(ca_repeater: None) -> Iterator[list[Served]]:
    """Servers of this module, the latest last."""
    started: list[Served] = []
    yield started
    for served in started:
        if served.process.poll() is None:
            served.kill_all()


@pytest.fixture
def served(started: list[Served], tmp_path: Path) -> Served:
    """Everything, with a simulated beamline; one server for all tests that leave it alive, as it starts slowly."""
    if not started or started[-1].process.poll() is not None:
        started.append(Served(tmp_path / "data", tmp_path / "log", "--page"))
        started[-1].wait_ready()
    return started[-1]


@pytest.fixture
def quick_serve(ca_repeater: None, tmp_path: Path) -> Iterator[Served]:
    """Without Tiled and without the queue's session, which take long to start."""
    options = ("--no-environment", "--config", str(without_tiled(tmp_path)))
    served = Served(tmp_path / "data", tmp_path / "log", *options)
    served.wait_ready()
    yield served
    served.kill_all()


@pytest.fixture
def queue(served: Served) -> Iterator[Queue]:
    state = read_state(served.data)
    assert state is not None
    queue = Queue(state)
    yield queue
    queue.close()


@pytest.fixture
def window(served: Served) -> Iterator[LiveWorker]:
    """What a window has of the run."""

    def addresses() -> Any:
        state = read_state(served.data)
        return None if state is None else state.relay

    worker = LiveWorker(BroadcastFeed(addresses))
    worker.start()
    yield worker
    worker.stop(WAIT_S)


def test_the_queue_has_the_plans_of_a_session_with_types_and_words(queue: Queue) -> None:
    """Forms are made from these; a parameter without type or a plan without words makes a form nobody can use."""
    plans = queue.ask("plans_allowed", user_group="primary")["plans_allowed"]
    assert {"energy_scan", "delay_scan", "fluence_scan", "time_zero_scan", "foil_scan", "overlap_scan"} <= plans.keys()
    assert all(plan["description"] for plan in plans.values())
    untyped = [
        f"{name}.{parameter['name']}"
        for name, plan in plans.items()
        for parameter in plan["parameters"]
        if "annotation" not in parameter and "KEYWORD" in parameter["kind"]["name"]
    ]
    assert untyped == []
    types = {p["name"]: p["annotation"]["type"] for p in plans["energy_scan"]["parameters"]}
    assert (types["delay_ps"], types["repeats"]) == ("float", "int | None")


def test_a_plan_is_paused_resumed_and_seen_by_a_window(served: Served, queue: Queue, window: LiveWorker) -> None:
    """The numbers on the screen are those of the run in the store, with a pause and a dead relay in between."""
    request = SpectrumRequest(mode="spc")
    window.want("panel", [request])
    queue.start(dwell_s=30.0, repeats=100, sample="first")
    until(lambda: window.frame.events > 20, lambda: window.frame)
    queue.pause("immediate")
    queue.wait(manager_state="paused")
    relay = process_of(served, "trxas.serve.relay")
    os.kill(relay, signal.SIGKILL)
    queue.ask("re_resume")
    until(lambda: "the relay was restarted" in served.said(), served.said)
    # More than one pass, as a spectrum needs points behind its edge.
    until(lambda: window.frame.events > 120, lambda: window.frame)
    queue.pause("deferred")
    queue.wait(manager_state="paused")
    queue.ask("re_stop")
    queue.wait(manager_state="idle", re_state="idle")
    until(lambda: window.frame.exit_status == "success" and not window.frame.feed.missed, lambda: window.frame)
    assert "the relay ended with exit code -9" in served.said()
    answered: list[Any] = []
    until(lambda: _complete(window, request, answered), lambda: window.frame)
    frame = window.frame
    assert frame.run is not None
    assert frame.run.sample == "first"
    with open_store(served.data, recover_runs=False) as store:
        stored = accumulate(load_run(store, frame.run.uid))
    # An exposure that was rejected, and measured again, is an event too.
    assert frame.events == int(stored.exposures.sum()) + int(stored.rejected.sum())
    assert frame.rejected == int(stored.rejected.sum())
    assert (answered[-1].transient == spc_spectrum(stored).transient).all()


def _complete(window: LiveWorker, request: SpectrumRequest, answered: list[Any]) -> bool:
    answer = window.frame.answer(request)
    if answer is None or answer.value is None or answer.events != window.frame.events:
        return False
    answered.append(answer.value)
    return True


def test_an_aborted_plan_ends_its_run_and_the_queue_continues(queue: Queue, window: LiveWorker) -> None:
    queue.start(dwell_s=30.0, repeats=100, sample="aborted")
    until(lambda: window.frame.run is not None and window.frame.run.sample == "aborted", lambda: window.frame)
    queue.pause("deferred")
    queue.wait(manager_state="paused")
    queue.ask("re_abort")
    queue.wait(manager_state="idle")
    until(lambda: window.frame.exit_status == "abort", lambda: window.frame)
    assert queue.ask("history_get")["items"][-1]["result"]["exit_status"] == "aborted"
    queue.ask("queue_clear")
    queue.start(dwell_s=1.0, sample="next")
    until(lambda: (f := window.frame).run is not None and f.run.sample == "next" and f.exit_status == "success",
          lambda: window.frame)  # fmt: skip
    queue.wait(manager_state="idle")


def test_the_catalogue_is_read_through_tiled_with_its_key_alone(served: Served, queue: Queue) -> None:
    """The session writes the same databases at the same time."""
    queue.start(dwell_s=1.0, sample="read")
    queue.wait(manager_state="idle")
    state = read_state(served.data)
    assert state is not None
    search = f"{state.tiled}/api/v1/search/?page[limit]=1"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(search, timeout=WAIT_S)
    refused.value.close()
    assert refused.value.code in (401, 403)
    keyed = urllib.request.Request(search, headers={"Authorization": f"Apikey {state.tiled_key}"})

    def runs() -> int:
        with urllib.request.urlopen(keyed, timeout=WAIT_S) as answer:
            return int(json.load(answer)["meta"]["count"])

    until(lambda: runs() >= 1, runs)
    assert state.tiled_key not in served.said()
    assert (served.data / "serve.json").stat().st_mode & 0o077 == 0


def test_the_page_shows_what_the_queue_measures_to_those_with_the_token(served: Served, queue: Queue) -> None:
    """Lost: those at home see nothing, or everybody on the machine sees everything."""
    state = read_state(served.data)
    assert state is not None
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        direct.open(f"{state.page}/view.json", timeout=WAIT_S)
    queue.start(dwell_s=1.0, sample="seen from home")
    queue.wait(manager_state="idle")
    asked = urllib.request.Request(f"{state.page}/view.json", headers={"Authorization": f"Bearer {state.page_token}"})

    def view() -> Any:
        with direct.open(asked, timeout=WAIT_S) as answer:
            return json.load(answer)

    # An earlier test of the same server may have left rows: the row of this run comes some moments after its end.
    until(lambda: view()["curve"] and any("seen from home" in row for row in view()["night"]["rows"]), view)
    seen = view()
    assert "seen from home" in seen["run"]
    assert seen["word"] == "ENDED"
    assert seen["fraction"] == 1.0
    assert all(sigma > 0 for sigma in seen["curve"]["sigma"])
    assert any("seen from home" in row for row in seen["night"]["rows"])


def test_the_queue_servers_own_command_line_reaches_the_queue(served: Served) -> None:
    """Lost: `qserver`, which people know from other beamlines."""
    state = read_state(served.data)
    assert state is not None
    environment = {**os.environ, "QSERVER_ZMQ_PUBLIC_KEY": state.queue_key}
    command = [str(Path(sys.executable).with_name("qserver")), "status", "--zmq-control-addr", state.queue_control]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    assert "'worker_environment_exists': True" in done.stdout, done.stdout + done.stderr


def test_nobody_reaches_the_queue_server_without_its_key(served: Served) -> None:
    """Lost: the beamline, to any user who is logged in on the same machine."""
    state = read_state(served.data)
    assert state is not None
    wrong = zmq.curve_keypair()[0].decode()
    for known in (ServerAddress(state.queue_control), ServerAddress(state.queue_control, wrong)):
        link = ZmqManagerLink(known, timeout_s=3)
        with pytest.raises(ServerSilentError):
            link.request("status", {})
        link.close()


def content_of(path: Path) -> bytes:
    """Return the content of a file; nothing for a folder, or a file that the server has just removed."""
    try:
        return path.read_bytes()
    except (IsADirectoryError, FileNotFoundError):
        return b""


def test_keys_are_in_private_files_alone(served: Served, queue: Queue) -> None:
    """Not in logs, runs, the list of processes or what the terminal shows."""
    queue.start(dwell_s=1.0, sample="no secrets")
    queue.wait(manager_state="idle")
    keys = keys_of(served.data)
    secrets = [secret.encode() for secret in (keys.tiled, keys.queue_private, keys.queue_public, keys.page)]
    holding = {path for path in served.data.rglob("*") if any(secret in content_of(path) for secret in secrets)}
    assert {path.name for path in holding} == {"keys.json", "serve.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in holding)
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in living(family(served.process.pid))]
    shown = [*commands, served.log.read_bytes()]
    assert not any(secret in text for secret in secrets for text in shown)


def test_nothing_listens_beyond_this_machine(served: Served) -> None:
    """Lost: the beamline and its data, to anybody in the same network."""
    listening = listening_addresses(living(family(served.process.pid)))
    assert len(listening) >= 7, "relay (three), queue server, Redis, Tiled, page, IOC"
    assert {host for host, _ in listening} == {"127.0.0.1"}


@pytest.mark.long
def test_relay_and_tiled_listen_where_the_configuration_puts_them(ca_repeater: None, tmp_path: Path) -> None:
    """Lost: windows on other machines, or everything else to the network.

    All of 127.0.0.0/8 is this machine, so that its second address needs no rights.
    """
    configuration = tmp_path / "open.toml"
    configuration.write_text('extends = "7ID-D"\n[serve]\ninterface = "127.0.0.2"\n')
    served = Served(tmp_path / "data", tmp_path / "log", "--no-environment", "--config", str(configuration))
    try:
        state = served.wait_ready()
        for address in (state.relay.publish, state.relay.subscribe, state.relay.ask, state.tiled):
            assert "://127.0.0.2:" in address
        listening = listening_addresses(living(family(served.process.pid)))
        assert sum(host == "127.0.0.2" for host, _ in listening) == 4
        assert {host for host, _ in listening} == {"127.0.0.1", "127.0.0.2"}
        server = TiledServer(uri=state.tiled, api_key=state.tiled_key)
        with open_store(tmp_path / "elsewhere", server=server, recover_runs=False) as store:
            assert list_runs(store) == []
    finally:
        served.kill_all()


def listening_addresses(pids: set[int]) -> set[tuple[str, int]]:
    """TCP addresses at which processes wait for others (proc_pid_net(5))."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            inodes |= {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table, family_ in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for row in (line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]):
            if row[3] == "0A" and f"socket:[{row[9]}]" in inodes:
                host, port = row[1].split(":")
                words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
                found.add((socket.inet_ntop(family_, b"".join(words)), int(port, 16)))
    return found


def test_a_second_server_of_the_folder_is_refused_and_the_first_named(served: Served) -> None:
    command = [sys.executable, "-m", "trxas.commands.main", "serve", "--data", str(served.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S)
    assert done.returncode == 2
    assert f"process {served.process.pid} since" in done.stderr
    assert read_state(served.data) is not None


@pytest.mark.last_of_module  # it ends the server that the others share
def test_sigterm_ends_everything_and_closes_the_run(served: Served, queue: Queue, window: LiveWorker) -> None:
    """A plan under way is aborted, so that its run has an end and the laser is blocked."""
    queue.start(dwell_s=30.0, repeats=100, sample="ended")
    until(lambda: (f := window.frame).run is not None and f.run.sample == "ended" and f.events > 5,
          lambda: window.frame)  # fmt: skip
    uid = window.frame.run.uid  # type: ignore[union-attr]
    pids = family(served.process.pid)
    assert len(pids) >= 7
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(WAIT_S) == 0, served.said()
    assert living(pids) == set()
    assert "by force" not in served.said()
    assert read_state(served.data) is None
    with open_store(served.data, recover_runs=False) as store:
        name, stop = load_run(store, uid)[-1]
    assert (name, stop["exit_status"], stop.get("interrupted")) == ("stop", "abort", None)
    until(lambda: not window.frame.feed.connected, lambda: window.frame.feed)


def test_a_killed_server_takes_its_parts_with_it(quick_serve: Served) -> None:
    """Nothing may go on measuring or listening when its server has gone."""
    pids = family(quick_serve.process.pid)
    quick_serve.process.kill()
    quick_serve.process.wait(WAIT_S)
    until(lambda: living(pids) == set(), lambda: living(pids))
    assert read_state(quick_serve.data) is None


def test_a_part_that_dies_is_named_and_the_others_are_stopped(quick_serve: Served) -> None:
    pids = family(quick_serve.process.pid)
    os.kill(process_of(quick_serve, "redis_stand_in"), signal.SIGKILL)
    assert quick_serve.process.wait(WAIT_S) == 1
    assert re.search("the Redis stand-in ended with exit code -9; see .*log", quick_serve.said())
    until(lambda: living(pids) == set(), lambda: living(pids))
