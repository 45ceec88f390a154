"""If this fails, the plans that somebody queued for the night are gone after a restart."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from gui.control.manager_link import RefusedError, ServerSilentError, ZmqManagerLink, plan_item, signed
from processes.process_table import family
from processes.waiting import wait_until
from tests.support.waiting import WAIT_S
from tests.system.gui.test_control_server import PERMISSIONS, STARTUP

pytestmark = [pytest.mark.long, pytest.mark.channel_access]

REAL = ("redis-server", "valkey-server")
"""Servers of Debian and other distributions, tried where they are installed."""


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(WAIT_S)


@contextlib.contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """Start a Redis of this kind in `folder`; yield its address."""
    if kind == "stand-in":
        with running(
            [sys.executable, "-m", "trxas.serve.redis_stand_in", str(folder / "queue.json")], folder
        ) as process:
            assert process.stdout is not None
            yield process.stdout.readline().removeprefix("redis ready: ").strip()
        return
    port = free_port()
    with running([kind, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)], folder):
        with redis_client.Redis(port=port) as client:

            def answers() -> bool:
                try:
                    return bool(client.ping())
                except redis_client.ConnectionError:
                    return False

            assert wait_until(answers, timeout_s=WAIT_S)
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def manager(folder: Path, redis: str) -> Iterator[ZmqManagerLink]:
    with manager_process(folder, redis) as (link, _):
        yield link


@contextlib.contextmanager
def manager_process(folder: Path, redis: str) -> Iterator[tuple[ZmqManagerLink, int]]:
    """Yield the link to a queue manager and the id of its process."""
    control = f"tcp://127.0.0.1:{free_port()}"
    command = [
        *(sys.executable, "-m", "trxas.serve.queue_manager", "--startup-script", str(folder / "startup.py")),
        *("--existing-plans-devices", str(folder / "existing.yaml"), "--redis-addr", redis),
        *("--user-group-permissions", str(folder / "permissions.yaml"), "--zmq-publish-console", "OFF"),
        *("--zmq-control-addr", control, "--zmq-info-addr", f"tcp://127.0.0.1:{free_port()}"),
    ]
    link = ZmqManagerLink(control)
    with running(command, folder) as process:
        assert wait_until(lambda: bool(asked(link, "status")), timeout_s=WAIT_S)
        yield link, process.pid
        link.close()


def send_to(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def asked(link: ZmqManagerLink, method: str, **parameters: Any) -> Mapping[str, Any]:
    try:
        return link.request(method, parameters)
    except (ServerSilentError, RefusedError):
        return {}


@pytest.mark.parametrize("kind", ["stand-in", *REAL])
def test_the_queue_is_there_after_a_restart_of_everything(kind: str, tmp_path: Path) -> None:
    if kind in REAL and shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed")
    (tmp_path / "startup.py").write_text(STARTUP)
    (tmp_path / "permissions.yaml").write_text(PERMISSIONS)
    with store(kind, tmp_path) as address, manager(tmp_path, address) as link:
        link.request("environment_open", {})
        item = plan_item("count_points", {"sample": "water", "points": 7})
        assert wait_until(lambda: bool(asked(link, "queue_item_add", **signed(item=item))), timeout_s=WAIT_S)
        link.request("environment_close", {})
        assert wait_until(lambda: asked(link, "status").get("manager_state") == "idle", timeout_s=WAIT_S)
    with store(kind, tmp_path) as address, manager(tmp_path, address) as link:
        (found,) = link.request("queue_get", {})["items"]
        assert found["kwargs"] == {"sample": "water", "points": 7}


BUSY = """
import gc
import threading

from bluesky_queueserver.manager.worker import RunEngineWorker


class SlowLock:
    # A session that reduces the run which has just ended answers late; the thread that answers is not the main one.
    def __init__(self):
        self._lock = threading.Lock()

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            time.sleep(1.5)
        self._lock.acquire()

    def __exit__(self, *error):
        self._lock.release()


(worker,) = (one for one in gc.get_objects() if isinstance(one, RunEngineWorker))
worker._re_report_lock = SlowLock()
"""


def test_a_plan_counts_as_completed_although_the_session_is_busy_at_its_end(tmp_path: Path) -> None:
    """Lost: a night, as a plan that had measured everything counted as failed and stopped the queue."""
    (tmp_path / "startup.py").write_text(STARTUP + BUSY)
    (tmp_path / "permissions.yaml").write_text(PERMISSIONS)
    with store("stand-in", tmp_path) as address, manager(tmp_path, address) as link:
        link.request("environment_open", {})
        item = plan_item("count_points", {"sample": "water", "points": 1})
        assert wait_until(lambda: bool(asked(link, "queue_item_add", **signed(item=item))), timeout_s=WAIT_S)
        assert wait_until(lambda: bool(asked(link, "queue_start")), timeout_s=WAIT_S)
        assert wait_until(lambda: asked(link, "status").get("items_in_history") == 1, timeout_s=WAIT_S)
        (done,) = link.request("history_get", {})["items"]
        assert done["result"]["exit_status"] == "completed"
        assert asked(link, "status")["items_in_queue"] == 0


def test_a_manager_that_a_busy_machine_holds_up_is_not_restarted(tmp_path: Path) -> None:
    """Lost: what a window has requested of the queue, and with it a plan of the night."""
    (tmp_path / "startup.py").write_text(STARTUP)
    (tmp_path / "permissions.yaml").write_text(PERMISSIONS)
    with store("stand-in", tmp_path) as address, manager_process(tmp_path, address) as (link, pid):
        manages = family(pid) - {pid}
        assert manages
        send_to(manages, signal.SIGSTOP)
        # More than the 5 s that the watchdog has without this.
        wake = threading.Timer(8.0, send_to, (manages, signal.SIGCONT))
        wake.start()
        assert wait_until(lambda: bool(asked(link, "status")), timeout_s=WAIT_S)
        wake.join()
        assert family(pid) == {pid} | manages
