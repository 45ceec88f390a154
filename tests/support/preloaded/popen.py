"""`subprocess.Popen` that lets the server of preloaded processes start Python, where that makes no difference."""

from __future__ import annotations

import inspect
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLD_STARTS = "TRXAS_COLD_STARTS"
"""Environment variable that switches preloading off."""

SERVER = "TRXAS_PRELOADED"
"""Environment variable with the path of the server's socket, for all pytest processes of one run."""

OWN_PACKAGES = ("sim", "trxas", "gui", "tests")
"""Top-level packages whose modules are started preloaded; programs of others start from nothing."""

SERVED_ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONUNBUFFERED": "1"}
"""Variables for the interpreter that the server takes into account; any other one calls for a new interpreter."""

OWN_ENVIRONMENT = dict(os.environ)
"""Environment with which this pytest process, and so the server, has begun."""

PLAIN = {
    "executable": None, "preexec_fn": None, "pass_fds": (), "shell": False, "gid": None, "gids": None, "uid": None,
    "umask": -1,
}  # fmt: skip
"""Options of a start that the server can serve, with the values that they must have."""


class PreloadedPopen(subprocess.Popen[Any]):
    """A child process, started by the server of preloaded processes if it is Python with our own modules or code.

    It overrides the two steps of the standard class that know of a child: the start, and the question for its end.
    """

    _connection: socket.socket | None = None

    def _execute_child(self, *positional: Any) -> None:
        start = super()._execute_child  # type: ignore[misc]
        given = inspect.signature(start).bind(*positional).arguments
        if not is_served(given):
            start(*positional)
            return
        # As the standard class does: a unit test that starts a process is refused by this event.
        sys.audit("subprocess.Popen", sys.executable, given["args"], given["cwd"], given["env"])
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(os.environ[SERVER])
        wanted = (given["p2cread"], given["c2pwrite"], given["errwrite"])
        streams = [number if stream == -1 else stream for number, stream in enumerate(wanted)]
        command = {
            "arguments": arguments_of(given["args"]),
            "environment": dict(os.environ if given["env"] is None else given["env"]),
            "folder": str(Path.cwd()) if given["cwd"] is None else str(given["cwd"]),
            "new_session": given["start_new_session"],
            "process_group": given["process_group"],
        }
        socket.send_fds(self._connection, [b" "], streams)
        self._connection.sendall(json.dumps(command).encode())
        self._connection.shutdown(socket.SHUT_WR)
        self.pid = self._answer()
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(given[pipe] for pipe in pipes))  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """Return pid and wait status, or zeros if the process runs and `wait_flags` forbid to wait for its end."""
        if self._connection is None:
            return super()._try_wait(wait_flags)  # type: ignore[misc, no-any-return]
        if wait_flags & os.WNOHANG and not select.select([self._connection], [], [], 0)[0]:
            return 0, 0
        status = self._answer()
        self._connection.close()
        return self.pid, status

    def _internal_poll(self, *options: Any, **named: Any) -> int | None:
        if self._connection is None:
            return super()._internal_poll(*options, **named)  # type: ignore[misc, no-any-return]
        if self.returncode is None and self._waitpid_lock.acquire(False):  # type: ignore[attr-defined]
            try:
                if self.returncode is None and self._try_wait_now():
                    return self.returncode
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode

    def _try_wait_now(self) -> bool:
        pid, status = self._try_wait(os.WNOHANG)
        if pid:
            self._handle_exitstatus(status)  # type: ignore[attr-defined]
        return bool(pid)

    def _answer(self) -> int:
        """Return the next line of the server as a number; raises ChildProcessError if the server has gone."""
        assert self._connection is not None
        line = b""
        while not line.endswith(b"\n"):
            byte = self._connection.recv(1)
            if not byte:
                raise ChildProcessError("the server of preloaded processes has gone")
            line += byte
        return int(line)


def is_served(given: dict[str, Any]) -> bool:
    """Return whether the server can start a process with these options without a difference that a test would see."""
    if COLD_STARTS in os.environ or SERVER not in os.environ or isinstance(given["args"], str | bytes | Path):
        return False
    program = str(given["args"][0])
    option, what, *_ = [*arguments_of(given["args"]), "", ""]
    ours = option == "-c" or (option == "-m" and what.split(".")[0] in OWN_PACKAGES)
    streams = (given["p2cread"], given["c2pwrite"], given["errwrite"])
    environment = os.environ if given["env"] is None else given["env"]
    interpreter = {key for key in (*environment, *OWN_ENVIRONMENT) if key.startswith("PYTHON")}
    if any(environment.get(key) not in (OWN_ENVIRONMENT.get(key), SERVED_ENVIRONMENT.get(key)) for key in interpreter):
        return False
    on_terminal = any(stream != -1 and os.isatty(stream) for stream in streams)
    return program == sys.executable and ours and not on_terminal and all(given[key] == PLAIN[key] for key in PLAIN)


def arguments_of(command: Sequence[object]) -> list[str]:
    """Return the arguments of Python without `-u`, with which pytest starts its workers: they flush what they write."""
    arguments = [str(word) for word in command][1:]
    return arguments[1:] if arguments[:1] == ["-u"] else arguments


class ServerProcess:
    """The server of preloaded processes, for this process and all that have its environment."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        path = self._folder / "preloaded"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        fd = listener.fileno()
        command = [sys.executable, "-m", "tests.support.preloaded.server", str(fd)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(fd,), cwd=Path(__file__).parents[3])
        listener.close()
        os.environ[SERVER] = str(path)

    def close(self) -> None:
        """End the server; processes that it has started go on."""
        os.environ.pop(SERVER, None)
        self._process.communicate()
