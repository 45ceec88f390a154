"""Write the lists of all PVs into docs/reference/: `.venv/bin/python docs/write_pvs.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
REFERENCE = REPOSITORY / "docs" / "reference"

PAGES = {"xas": "pvs.md"} | {
    page.name.removesuffix("-pvs.md"): page.name for page in sorted(REFERENCE.glob("*-pvs.md"))
}
"""Pages by the experiment that is simulated; that of another one begins with its name."""

if __name__ == "__main__":
    for experiment, page in PAGES.items():
        # The list comes from a process, because nothing imports the simulation.
        command = [sys.executable, "-m", "sim", "--experiment", experiment, "--list-pvs"]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S603  # our own
        listed = done.stdout.strip()
        heading = listed.splitlines()[0]
        path = REFERENCE / page
        above = path.read_text(encoding="utf-8").partition(heading)[0]
        path.write_text(f"{above}{listed}\n", encoding="utf-8")
