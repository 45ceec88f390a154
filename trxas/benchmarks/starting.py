"""Time until a session is there, against the time to import the libraries that it uses sooner or later."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from errors import TrxasError
from trxas.benchmarks.entry import Entries, Entry

REPETITIONS = 3
LIBRARIES = "import bluesky, ophyd, databroker, tiled.client"
CATALOGUE_LIBRARIES = f"{LIBRARIES}, tiled.server.app, tiled.catalog, bluesky_tiled_plugins"

READY = "ready"

Seconds = float


def bench_start(address_list: str, folder: Path) -> Entries:
    """Measure the start of a session on a beamline that no session holds, with data in `folder`; times in s.

    `session_start_ratio` ends when the prompt would be there: the beamline is connected and claimed, the store and its
    journal are open. The catalogue is not: a session opens it in the background some seconds later, or when the first
    plan begins, which waits for it. Its baseline imports bluesky, ophyd, databroker and tiled. A session uses all of
    them, but it imports the last two with the catalogue only, so that the ratio can be below 1.
    `session_catalogue_ratio` ends when the catalogue is open: stored runs can be searched, and the first plan moves.
    Its baseline also imports what the catalogue in the session's own process needs of tiled's server, and bluesky's
    part for it.
    """
    opening = (
        "from trxas.configuration import load_configuration; from trxas.session.session import open_session;"
        f"s = open_session(load_configuration(address_list={address_list!r}, data={str(folder)!r}))"
    )
    # The first start creates the data folder, and reads modules that no later start reads from the disk.
    _ready_s(f"{opening}; s.store.db", "s.close()")
    opened = []
    searched = []
    imported = []
    all_imported = []
    for _ in range(REPETITIONS):
        opened.append(_ready_s(opening, "s.close()"))
        imported.append(_ready_s(LIBRARIES, "pass"))
        all_imported.append(_ready_s(CATALOGUE_LIBRARIES, "pass"))
        searched.append(_ready_s(f"{opening}; s.store.db", "s.close()"))
    return {
        "session_start_ratio": Entry.of(opened, imported, "s"),
        "session_catalogue_ratio": Entry.of(searched, all_imported, "s"),
    }


def _ready_s(code: str, ending: str) -> Seconds:
    """Return the time until a new process has run `code`, s; it then runs `ending`, which does not count."""
    begin = time.perf_counter()
    program = f"{code}; print({READY!r}, flush=True); {ending}"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdout is not None  # it is a pipe
        lines = iter(child.stdout.readline, "")
        found = any(line.strip() == READY for line in lines)
        taken_s = time.perf_counter() - begin
        child.communicate(timeout=120)
    if not found or child.returncode:
        raise TrxasError(f"A process that should have been measured ended with {child.returncode}: {code}")
    return taken_s
