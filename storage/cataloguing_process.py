"""Cataloguing in a process of its own, for one that ends before it has opened the catalogue."""

from __future__ import annotations

import dataclasses
import json
import logging
import subprocess
import sys
from pathlib import Path

from storage.shared_server import TiledServer

LONGEST_S = 120.0
"""Time after which the runs are left to the next start, s."""

logger = logging.getLogger(__name__)


def catalogue_apart(root: Path, *, server: TiledServer | None, images: Path) -> None:
    """Catalogue the runs of closed journals in another process, and wait for its end, at most 120 s.

    The arguments are those of `open_store`. A process that is ending can neither start threads nor open a server. If
    the other one fails, the next start catalogues the runs; that is logged.
    """
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    # By standard input: command lines are public, and a shared catalogue has a key.
    given = None if server is None else dataclasses.asdict(server)
    arguments = json.dumps({"root": str(root), "server": given, "images": str(images)})
    try:
        subprocess.run(command, input=arguments, text=True, check=True, timeout=LONGEST_S)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("The last runs are in the journal; the next start writes them into the catalogue (%s).", error)


def main() -> None:
    """Open and close the store that standard input describes: opening it catalogues what is left.

    Standard input is a JSON object with `root`, `server` and `images`. Raises StorageError if the store cannot be
    opened.
    """
    from storage import open_store

    arguments = json.load(sys.stdin)
    server = arguments["server"] and TiledServer(**arguments["server"])
    open_store(arguments["root"], server=server, images=Path(arguments["images"])).close()
