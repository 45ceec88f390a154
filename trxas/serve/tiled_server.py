"""Tiled on the catalogue of the data folder."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from broadcast.relay import LOOPBACK
from storage.catalogue import create_catalogue, server_configuration
from trxas.serve.child import Part
from trxas.serve.keys import TILED_VARIABLE

START_TIMEOUT_S = 90.0


def tiled_server(root: Path, port: int, key: str, *, images: Path | None) -> Part:
    """Serve the catalogue in `root`, made if it is not there, to those who have the key.

    `images` is the folder of image files, None for that of the data folder.
    """
    create_catalogue(root)
    # YAML reads JSON.
    configuration = root / "serve" / "tiled.yml"
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text(json.dumps(server_configuration(root, images=images), indent=2), encoding="utf-8")
    tiled = [sys.executable, "-m", "trxas.serve.tiled_process", str(configuration), str(port)]
    return Part(
        "Tiled server",
        [sys.executable, "-m", "trxas.serve.keeper", *tiled],
        answers=lambda: _answers(f"http://{LOOPBACK}:{port}/api/v1/"),
        environment={TILED_VARIABLE: key},
        start_timeout_s=START_TIMEOUT_S,
        returns=True,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310  # a loopback address of ours
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
