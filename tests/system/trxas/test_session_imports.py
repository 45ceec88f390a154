"""If these fail, everybody waits longer at the start of a session, for libraries that it needs later or never."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

START = """
import gc, json, sys
from trxas.session.session import open_session
from trxas.session.remote_control import RemotelyPausableEngine
engine = RemotelyPausableEngine({})
print("FOUND", json.dumps([list(sys.modules), engine.md["versions"], gc.get_threshold()[0]]))
"""

LATER = {
    "databroker", "h5py", "lmfit", "matplotlib", "ophyd_async", "pandas", "pyFAI", "tiled", "xarray",
    "scipy.optimize", "scipy.stats", "reduction.xas.results", "reduction.xas.count_until",
}  # fmt: skip
"""What a session imports when it is used first; `ophyd_async` only if a user does."""


def test_a_session_starts_without_what_it_needs_later(cold_starts: None) -> None:
    said = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True).stdout
    modules, versions, new_objects = json.loads(said.partition("FOUND")[2])
    assert set(modules) & LATER == set()
    assert versions["ophyd_async"] == version("ophyd-async"), "bluesky records the version of what is installed"
    assert new_objects >= 20_000, "searches for garbage would take a tenth of the start"
