"""Time of a process that opens a session, against one that only imports the libraries it uses."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from trxas.benchmarks.entry import Entries, Entry
from trxas.session.session import Session

REPETITIONS = 3
LIBRARIES = "import bluesky, ophyd, databroker, tiled.client"

Seconds = float


def bench_start(session: Session, folder: Path) -> Entries:
    """Measure the start of a read-only session on the beamline of an open one, with data in `folder`; times in s."""
    epics = session.configuration.beamline.epics
    opening = (
        "from trxas.configuration import load_configuration; from trxas.session.session import open_session;"
        f"s = open_session(load_configuration({str(session.configuration.path)!r}, address_list={epics.address_list!r},"
        f" prefix={epics.prefix!r}, data={str(folder)!r}), read_only=True); s.store.db; s.close()"
    )
    # The first start creates the data folder, and reads modules that no later start reads from the disk.
    _process_s(opening)
    opened = []
    imported = []
    for _ in range(REPETITIONS):
        opened.append(_process_s(opening))
        imported.append(_process_s(LIBRARIES))
    return {"session_start_ratio": Entry.of(opened, imported, "s")}


def _process_s(code: str) -> Seconds:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, stdout=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - begin
