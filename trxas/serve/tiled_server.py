"""Tiled on the catalogue of the data folder."""

from __future__ import annotations

import sys
from pathlib import Path

from processes.child import ChildProgram
from processes.loopback import answers_http
from trxas.serve.keys import TILED_VARIABLE

START_TIMEOUT_S = 180.0
"""Importing Tiled takes 5 s on a free machine, and the catalogue may have to be made first."""

ANSWER_TIMEOUT_S = 1.0


def tiled_server(root: Path, host: str, port: int, key: str, *, images: Path | None) -> ChildProgram:
    """Return the program that serves the catalogue in `root` at `host` to clients that have the key.

    It makes the catalogue if there is none, and is ready within 180 s. `images`: folder of image files, None for the
    one in the data folder.
    """
    tiled = [sys.executable, "-m", "trxas.serve.tiled_process", str(root), host, str(port), str(images or "")]
    return ChildProgram(
        name="Tiled server",
        command=[sys.executable, "-m", "processes.keeper", *tiled],
        answers=lambda: answers_http(f"http://{host}:{port}/api/v1/", timeout_s=ANSWER_TIMEOUT_S),
        environment={TILED_VARIABLE: key},
        start_timeout_s=START_TIMEOUT_S,
        restarts=True,
    )
