"""Server that forks processes with preloaded libraries: `python -m tests.support.preloaded.server SOCKET_FD`.

One connection stands for one process. The client sends the descriptors of the standard streams and the command as JSON,
and shuts down its writing side; the server answers with the pid, and with the wait status once the process has ended.
The server has one Python thread and holds no lock when it forks. It ends, without its children, when its standard input
is closed.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

LIBRARIES = (
    "storage.catalogue", "caproto.server", "sim.ioc.xas.beamline", "sim.ioc.channel_access.server", "bluesky", "epics",
    # What the first dataset, the first array in the catalogue and the first fit import.
    "pint", "zarr", "lmfit",
    # Most workers come to the window's tests.
    "pyqtgraph",
)  # fmt: skip
"""Modules to import first. Not ophyd, which starts threads, nor any that looks at the environment when imported."""

STREAMS = 3
"""Standard input, output and error."""

COLLECTION_THRESHOLDS = (50_000, 20, 100)
"""When forked processes collect garbage: seldom, which saves 8 % of the time of tests that store many documents."""

CHUNK = 65_536

Command = dict[str, Any]
"""`arguments` of Python, `environment`, `folder` (None: the server's own), `new_session` and `process_group`."""


class Server:
    """Forks a process for each connection to `listener`, and reports the end of each."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._connections: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._ended, self._notify = socket.socketpair()
        self._loaded = False

    def serve(self) -> Command | None:
        """Serve until standard input is closed; return None then, and the command in each process forked."""
        for end in (self._ended, self._notify):
            end.setblocking(False)
        # The signal only wakes the loop up: processes are reaped by the loop.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._notify.fileno())
        for source in (self._listener, self._ended, sys.stdin):
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            sources = [key.fileobj for key, _ in self._selector.select()]
            if sys.stdin in sources:
                return None
            if self._ended in sources:
                self._ended.recv(CHUNK)
                self._reap()
            if self._listener in sources and (command := self._accept()) is not None:
                return command

    def _accept(self) -> Command | None:
        """Fork for the next connection; return its command in the process forked, None in the server."""
        connection, _ = self._listener.accept()
        command, streams = receive(connection)
        if not self._loaded:
            preload()
            self._loaded = True
        pid = os.fork()
        if pid:
            for stream in streams:
                os.close(stream)
            self._connections[pid] = connection
            send_line(connection, pid)
            return None
        self._leave(connection)
        become(command, streams)
        return command

    def _leave(self, connection: socket.socket) -> None:
        """Close all that the forked process has inherited of the server."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for inherited in (*self._connections.values(), connection, self._listener, self._ended, self._notify):
            inherited.close()

    def _reap(self) -> None:
        while self._connections:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._connections.pop(pid) as connection:
                send_line(connection, status)


def preload() -> None:
    """Import the libraries, and take them out of the garbage collector's work in all processes forked."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


def receive(connection: socket.socket) -> tuple[Command, list[int]]:
    """Return the command and the descriptors of the standard streams that a client sends."""
    text, streams, _, _ = socket.recv_fds(connection, CHUNK, STREAMS)
    while chunk := connection.recv(CHUNK):
        text += chunk
    return json.loads(text), list(streams)


def send_line(connection: socket.socket, number: int) -> None:
    """Send a number to the client, if it is still there."""
    try:
        connection.sendall(f"{number}\n".encode())
    except (BrokenPipeError, ConnectionResetError):
        return


def become(command: Command, streams: list[int]) -> None:
    """Give the process its group, folder, environment and standard streams."""
    if command["new_session"]:
        os.setsid()
    elif command["process_group"] >= 0:
        os.setpgid(0, command["process_group"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    os.environ.clear()
    os.environ.update(command["environment"])
    # The folder for temporary files is looked up once, in the environment of the server.
    tempfile.tempdir = None
    if "PYTHONUNBUFFERED" in os.environ and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(write_through=True)
    if command["folder"] is not None:
        os.chdir(command["folder"])


def run(arguments: list[str]) -> None:
    """Run `-m MODULE ...` or `-c CODE ...` as Python does, in the main module of this process."""
    option, what, *rest = arguments
    if option == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv[:] = ["-m", *rest]
        # As `python -m` does: in the namespace of the main module, whose name is `__main__`.
        runpy._run_module_as_main(what)  # type: ignore[attr-defined]
    else:
        sys.path[0] = ""
        sys.argv[:] = ["-c", *rest]
        exec(compile(what, "<string>", "exec"), sys.modules["__main__"].__dict__)


if __name__ == "__main__":
    asked = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if asked is not None:
        run(asked["arguments"])
