"""Tiled with a key that nobody sees: `python -m trxas.serve.tiled_process CONFIGURATION PORT`, the key in its variable.

Tiled's own command line writes a key from the environment into its log, and one that is given as an argument into the
list of processes.
"""

from __future__ import annotations

import os
import sys

from tiled.commandline.main import cli_app

from broadcast.relay import LOOPBACK
from trxas.serve.keys import TILED_VARIABLE


def main() -> None:
    """Serve until SIGTERM."""
    configuration, port = sys.argv[1:]
    options = ["--host", LOOPBACK, "--port", port, "--api-key", os.environ[TILED_VARIABLE]]
    cli_app(["serve", "config", configuration, *options])


if __name__ == "__main__":
    main()
