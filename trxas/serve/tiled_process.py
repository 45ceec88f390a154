"""Tiled on a data folder: `python -m trxas.serve.tiled_process ROOT HOST PORT IMAGES`; its environment has the key.

Tiled's own command line would write a key from the environment into its log, and a key given as an argument is in the
list of processes. IMAGES is the folder of image files, empty for the one in the data folder.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tiled.commandline.main import cli_app

from storage.catalogue import create_catalogue, server_configuration
from trxas.serve.keys import TILED_VARIABLE


def main() -> None:
    """Serve until SIGTERM; make the catalogue first if there is none."""
    folder, host, port, images = sys.argv[1:]
    root = Path(folder)
    create_catalogue(root)
    # YAML reads JSON.
    path = root / "serve" / "tiled.yml"
    configuration = server_configuration(root, images=Path(images) if images else None)
    path.write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    cli_app(["serve", "config", str(path), "--host", host, "--port", port, "--api-key", os.environ[TILED_VARIABLE]])


if __name__ == "__main__":
    main()
