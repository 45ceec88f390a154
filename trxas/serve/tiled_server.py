"""Tiled on the catalogue of the data folder."""

from __future__ import annotations

import json
import secrets
import sys
import urllib.error
import urllib.request
from pathlib import Path

from broadcast.relay import LOOPBACK
from storage.catalogue import create_catalogue, server_configuration
from trxas.serve.child import Part

START_TIMEOUT_S = 90.0


def tiled_server(root: Path, port: int, key: str) -> Part:
    """Serve the catalogue in `root`, made if it is not there, to those who have the key."""
    create_catalogue(root)
    # YAML reads JSON.
    configuration = root / "serve" / "tiled.yml"
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text(json.dumps(server_configuration(root), indent=2), encoding="utf-8")
    serve = ["tiled", "serve", "config", str(configuration), "--host", LOOPBACK, "--port", str(port)]
    return Part(
        "Tiled server",
        [sys.executable, "-m", "trxas.serve.keeper", sys.executable, "-m", *serve],
        answers=lambda: _answers(f"http://{LOOPBACK}:{port}/api/v1/"),
        environment={"TILED_SINGLE_USER_API_KEY": key},
        start_timeout_s=START_TIMEOUT_S,
        returns=True,
    )


def new_key() -> str:
    """A key that nobody guesses."""
    return secrets.token_hex(32)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310  # a loopback address of ours
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
