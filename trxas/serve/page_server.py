"""The read-only page of the data folder."""

from __future__ import annotations

import sys
from pathlib import Path

from broadcast.relay import LOOPBACK
from processes.child import ChildProgram
from processes.loopback import is_open
from trxas.announcements.server_file import PAGE_VARIABLE

START_TIMEOUT_S = 120.0
"""Its libraries take 3 s to import on a free machine."""


def page_server(root: Path, port: int, token: str) -> ChildProgram:
    """Return the program that serves the page of `root` on `port` to users with the `token`.

    It is ready when the port takes connections, within 120 s.
    """
    return ChildProgram(
        name="page",
        command=[sys.executable, "-m", "trxas.watch.page_process", str(root), str(port)],
        answers=lambda: is_open(LOOPBACK, port),
        environment={PAGE_VARIABLE: token},
        start_timeout_s=START_TIMEOUT_S,
        restarts=True,
    )
