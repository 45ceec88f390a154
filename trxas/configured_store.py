"""The store of a configuration, for sessions and for commands that read stored runs without the hardware."""

from __future__ import annotations

import os
from pathlib import Path

from processes.loopback import bypass_proxies
from storage import Store, open_store
from trxas.configuration import Configuration, images_elsewhere


def open_configured_store(configuration: Configuration, *, recover_runs: bool = True) -> Store:
    """Open the store where the configuration puts it.

    With `recover_runs` the runs of dead processes are closed first, unless the folder cannot be written: an archive is
    read as it is. Raises StorageError if the folder cannot be used.
    """
    # Also for the clients of the catalogue that users make themselves in this process.
    bypass_proxies()
    storage = configuration.storage
    return open_store(
        storage.root,
        server=storage.server,
        images=images_elsewhere(configuration),
        recover_runs=recover_runs and not is_read_only(storage.root),
    )


def is_read_only(folder: Path) -> bool:
    """Return whether a folder exists and this process cannot write into it; raises nothing."""
    return folder.exists() and not os.access(folder, os.W_OK)
