"""A window of its own process beside a session of ours, fed by a relay of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from broadcast.relay import RelayAddresses
from processes.child import Child, Part
from trxas.announcements.server_file import AlreadyServedError, ServeLock, ServeState, write_state
from trxas.configuration import Configuration
from trxas.serve.serving import relay_part

CLOSE_TIMEOUT_S = 10.0


@contextlib.contextmanager
def window_beside(configuration: Configuration) -> Iterator[subprocess.Popen[bytes]]:
    """Open a window on the data folder of `configuration` for the time of the context; yields its process.

    Sessions in the folder are shown by whoever serves it, or else by a relay that runs as long. The window is closed
    at the end if it still is open; whether it opens, closes or dies is nothing to the session.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(AlreadyServedError):
            stack.enter_context(_relayed(configuration))
        yield stack.enter_context(_window(configuration))


@contextlib.contextmanager
def _relayed(configuration: Configuration) -> Iterator[None]:
    root = configuration.storage.root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    lock = ServeLock(root)
    part: Part = relay_part(root)
    relay = Child(part, root / "serve" / "relay.log")
    try:
        found: re.Match[str] | None = relay.wait_ready(threading.Event())
        assert found is not None  # nobody stops it here, and else it raises
        addresses = RelayAddresses(**json.loads(found.group(1)))
        epics = configuration.beamline.epics.address_list
        write_state(
            root, ServeState(os.getpid(), time.time(), addresses, queue_control="", queue_key="", redis="", epics=epics)
        )
        yield
    finally:
        relay.stop()
        lock.release()


@contextlib.contextmanager
def _window(configuration: Configuration) -> Iterator[subprocess.Popen[bytes]]:
    epics = configuration.beamline.epics
    command = [sys.executable, "-m", "trxas.commands.main", "gui", "--data", str(configuration.storage.root)]
    command += ["--config", str(configuration.path), "--address-list", epics.address_list, "--prefix", epics.prefix]
    # Ctrl-C in the terminal is for the session.
    process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)  # noqa: S603  # our own module
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
