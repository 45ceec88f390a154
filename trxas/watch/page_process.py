"""The page on a data folder: `python -m trxas.watch.page_process ROOT PORT`, the token in an environment variable."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvicorn

from broadcast.relay import LOOPBACK
from processes.parent import end_with_parent
from storage import open_store
from trxas.announcements.server_file import PAGE_VARIABLE
from trxas.watch.page import page_app
from trxas.watch.sources import live_feed
from trxas.watch.watcher import NightReader, Watcher


def main() -> None:
    """Serve the page until the parent ends; its data come from the relay and the journals of the folder."""
    root = Path(sys.argv[1])
    end_with_parent()
    with open_store(root, recover_runs=False) as store:
        watcher = Watcher(live_feed(root), NightReader(store))
        watcher.start()
        try:
            # No log of accesses: the first address of a browser holds the token.
            uvicorn.run(
                page_app(watcher.view, os.environ[PAGE_VARIABLE]),
                host=LOOPBACK,
                port=int(sys.argv[2]),
                access_log=False,
                log_level="warning",
                server_header=False,
            )
        finally:
            watcher.stop()


if __name__ == "__main__":
    main()
