"""A window in its own process, opened by a session and fed by its own relay."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator

from broadcast.relay import RelayAddresses
from processes.child import Child, ChildProgram
from trxas.announcements.server_file import AlreadyServedError, ServeLock, ServeState, write_state
from trxas.configuration import Configuration
from trxas.serve.serving import relay_program


@contextlib.contextmanager
def companion_window(configuration: Configuration) -> Iterator[Child]:
    """Open a window on the data folder of `configuration` for the duration of the context; yield its process.

    It shows the sessions of the folder through the folder's server, or, without one, through a relay that runs as long
    as the window. The window is closed at the end if it is still open; the session does not notice whether it opens,
    closes or dies.
    """
    with contextlib.ExitStack() as stack:
        # If the folder is served already, its relay has the documents of this session too, and the window finds it. The
        # relay of this context exists only where there is none, and ends with it.
        with contextlib.suppress(AlreadyServedError):
            stack.enter_context(_relayed(configuration))
        yield stack.enter_context(_window(configuration))


@contextlib.contextmanager
def _relayed(configuration: Configuration) -> Iterator[None]:
    root = configuration.storage.root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    lock = ServeLock(root)
    relay = Child(relay_program(root), root / "serve" / "relay.log")
    try:
        found = relay.wait_ready()
        assert found is not None  # it has a ready line, or raises
        addresses = RelayAddresses(**json.loads(found.group(1)))
        epics = configuration.beamline.epics.address_list
        write_state(
            root,
            ServeState(
                pid=os.getpid(),
                started_s=time.time(),
                relay=addresses,
                queue_control="",
                queue_key="",
                redis="",
                epics=epics,
            ),
        )
        yield
    finally:
        relay.stop()
        lock.release()


@contextlib.contextmanager
def _window(configuration: Configuration) -> Iterator[Child]:
    epics = configuration.beamline.epics
    command = [sys.executable, "-m", "trxas.commands.main", "--stop-with-stdin", "gui"]
    command += ["--data", str(configuration.storage.root), "--config", str(configuration.path)]
    command += ["--address-list", epics.address_list, "--prefix", epics.prefix]
    # Its messages belong on the terminal, but not into what a command prints as its result.
    with Child(ChildProgram(name="window", command=command), on_line=sys.stderr.write) as window:
        yield window
