"""Tiled on the catalogue of the data folder."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path

from broadcast.relay import LOOPBACK
from processes.child import ChildProgram
from trxas.serve.keys import TILED_VARIABLE

START_TIMEOUT_S = 180.0
"""Tiled is read in 5 s on a free machine, and may have to make the catalogue first."""


def tiled_server(root: Path, port: int, key: str, *, images: Path | None) -> ChildProgram:
    """Serve the catalogue in `root`, made if it is not there, to those who have the key.

    `images` is the folder of image files, None for that of the data folder.
    """
    tiled = [sys.executable, "-m", "trxas.serve.tiled_process", str(root), str(port), str(images or "")]
    return ChildProgram(
        name="Tiled server",
        command=[sys.executable, "-m", "processes.keeper", *tiled],
        answers=lambda: _answers(f"http://{LOOPBACK}:{port}/api/v1/"),
        environment={TILED_VARIABLE: key},
        start_timeout_s=START_TIMEOUT_S,
        restarts=True,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310  # a loopback address of ours
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
