"""`trxas watch`: the run in a terminal, and the address of the page."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from errors import ConfigurationError
from trxas.configuration_options import StoreOptions

if TYPE_CHECKING:
    from pathlib import Path

    from trxas.watch.view import WatchView
    from trxas.watch.watcher import Watcher

FIRST_VIEW_S = 10.0
"""Longest wait for the relay and the first reduction when the view is printed once, s."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions(StoreOptions):
    """Options of `trxas watch`."""

    once: Annotated[bool, typer.Option("--once", help="Print the present state once, and end.")] = False
    address: Annotated[
        bool, typer.Option("--address", help="Print the address of the page of `trxas serve --page`, with its token.")
    ] = False


def run(options: WatchOptions) -> int:
    """Show the run in this terminal, live, also over ssh.

    Transient with error bars, progress, forecast, log and the table of the night. Reads only; may be started and ended
    at any time. Ctrl-C ends it.
    """
    root = options.configuration().storage.root.resolve()
    if options.address:
        print(page_address(root))
        return 0
    from storage import open_store
    from trxas.watch.sources import live_feed
    from trxas.watch.terminal import follow, print_view
    from trxas.watch.watcher import NightReader, Watcher

    with open_store(root, recover_runs=False) as store:
        watcher = Watcher(live_feed(root), NightReader(store))
        watcher.start()
        try:
            # A live view moves the cursor. A pipe or a file gets one view as plain lines.
            if options.once or not sys.stdout.isatty():
                print_view(settled_view(watcher))
            else:
                follow(watcher.view)
        finally:
            watcher.stop()
    return 0


def page_address(root: Path) -> str:
    """Return the address of the page of the data folder `root`, with its token; raises ConfigurationError without."""
    from trxas.announcements.server_file import read_state

    state = read_state(root)
    if state is None or not state.page:
        raise ConfigurationError(
            f"No page is served for {root}. Start `trxas serve --page`, or set page = true in the table [serve]."
        )
    return f"{state.page}/?token={state.page_token}"


def settled_view(watcher: Watcher) -> WatchView:
    """Return the first view that has the run's reduction and the table; after 10 s, whatever is known."""
    deadline = time.monotonic() + FIRST_VIEW_S
    while True:
        view = watcher.view()
        reduced = bool(view.curve or view.results or view.problem)
        idle = view.word == "NO RUN"
        if ((reduced or idle) and (view.night.titles or view.night.problem)) or time.monotonic() > deadline:
            return view
        time.sleep(0.1)
