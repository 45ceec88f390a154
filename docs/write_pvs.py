"""Write the list of all PVs into docs/reference/pvs.md: `.venv/bin/python docs/write_pvs.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "reference" / "pvs.md"

if __name__ == "__main__":
    # The list comes from a process, because nothing imports the simulation.
    command = [sys.executable, "-m", "sim", "--list-pvs"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    listed = done.stdout.strip()
    heading = listed.splitlines()[0]
    above = PAGE.read_text(encoding="utf-8").partition(heading)[0]
    PAGE.write_text(f"{above}{listed}\n", encoding="utf-8")
