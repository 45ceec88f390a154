"""What holds for every test: the same examples every time, no screen, and Channel Access on loopback.

libca reads its environment once per process, at first use. So each pytest process (each xdist worker) reserves a block
of ports while it is being configured, before any test module is imported, and lists all of them as addresses.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import tempfile

import pydantic.fields  # noqa: F401  # before Qt, see below
import pytest
from hypothesis import settings

import trxas  # noqa: F401  # before numpy: it sets the threads of the linear algebra
from tests.support.ca_ports import CaPorts
from tests.support.preloaded.popen import PreloadedPopen, ServerProcess

# PySide's hook reads the source of every module that is imported after it. In the middle of pydantic's own imports this
# ends in a circular import, so a test file that imports pydantic first of all would fail when it is run alone.

# The same examples every time, on a machine of any speed.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script: processes of the tests would inherit a Ctrl-C that does nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)

PORTS = pytest.StashKey[CaPorts]()


def pytest_configure(config: pytest.Config) -> None:
    """Reserve ports, and set the environment of libca, Qt and all child processes."""
    if not hasattr(config, "workerinput"):
        preload_child_processes(config)
    patch = pytest.MonkeyPatch()
    patch.setattr(subprocess, "Popen", PreloadedPopen)
    config.add_cleanup(patch.undo)
    config.stash[PORTS] = CaPorts()
    os.environ.update(config.stash[PORTS].environment())
    os.environ["QT_QPA_PLATFORM"] = "offscreen"


def preload_child_processes(config: pytest.Config) -> None:
    """Start the one server that forks child processes for all workers of this run."""
    folder = tempfile.mkdtemp(prefix="trxas-")
    server = ServerProcess(folder)
    config.add_cleanup(server.close)
    config.add_cleanup(lambda: shutil.rmtree(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Release the ports."""
    if PORTS in config.stash:
        config.stash[PORTS].release()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the type check first, whatever the random order: it takes longest and would keep the others waiting.

    Tests marked `last_of_module` end a process that the others of their module share: they come after them.
    """
    modules = {path: number for number, path in enumerate(dict.fromkeys(item.path for item in items))}
    last = {item for item in items if item.get_closest_marker("last_of_module")}
    items.sort(key=lambda item: (item.path.name != "test_house.py", modules[item.path], item in last))


def pytest_collection_finish() -> None:
    """Take all that is imported by now out of the garbage collector's work, which would fall on single tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def ca_ports(request: pytest.FixtureRequest) -> CaPorts:
    """Ports of this pytest process: `with ca_ports.claimed() as port:`."""
    return request.config.stash[PORTS]
