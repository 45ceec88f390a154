"""If these fail, a command line means something else than its help page, or a terminal gets a traceback for text."""

from __future__ import annotations

import subprocess
import sys


def test_help_loads_no_slow_library(cold_starts: None) -> None:
    """Lost: an answer to `trxas --help` in the blink of an eye; bluesky and Tiled take seconds to import."""
    code = "import sys; from trxas.commands.main import main; main(['--help']); print('LOADED', *sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Commands:" in said
    loaded = set(said.partition("LOADED")[2].split())
    slow = {
        "bluesky",
        "ophyd",
        "tiled",
        "databroker",
        "numpy",
        "matplotlib",
        "pandas",
        "qtpy",
        "IPython",
        "rich",
    }
    assert loaded & slow == set()
