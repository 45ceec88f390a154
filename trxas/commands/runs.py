"""`trxas runs`: what has been measured."""

from __future__ import annotations

import argparse
from typing import Any

from trxas.commands.options import Subparsers
from trxas.configuration_options import add_data_option, configuration_from


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas runs list`, `show` and `check`."""
    parser = subparsers.add_parser("runs", help="list, show, check and repair stored runs")
    actions = parser.add_subparsers(required=True, metavar="action")
    listing = actions.add_parser("list", help="newest first")
    listing.add_argument("--limit", type=int, default=50, help="show at most so many")
    showing = actions.add_parser("show", help="one run, reduced")
    showing.add_argument("run_key", metavar="RUN", help="uid or its beginning, scan id, or -1 for the latest")
    checking = actions.add_parser("check", help="the state of every run; exit code 1 if something is wrong")
    checking.add_argument("--repair", action="store_true", help="mend what can be mended; nothing measured is deleted")
    for action, run in ((listing, run_list), (showing, run_show), (checking, run_check)):
        action.add_argument("--config", help="configuration file")
        add_data_option(action)
        action.set_defaults(run=run)


def run_list(options: argparse.Namespace) -> int:
    """Print a line per run; runs of processes that died are mended first."""
    from storage import list_runs
    from trxas.results.run_tables import runs_table
    from trxas.session.session import open_configured_store

    with open_configured_store(configuration_from(options)) as store:
        runs = list_runs(store, limit=options.limit)
        print(runs_table(runs) if runs else f"No runs in {store.root}.")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print a run's metadata and what it reduces to, together with the runs that resumed it."""
    from storage import load_dataset
    from trxas.results.run_report import run_report
    from trxas.session.session import open_configured_store

    key: Any = options.run_key
    with open_configured_store(configuration_from(options)) as store:
        documents = load_dataset(store, int(key) if key.lstrip("-").isdecimal() and len(key) < 8 else key)
    print(run_report(documents))
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Print the state of every run, after a repair if asked for; 1 if something is wrong (still)."""
    from storage.check import check_store, repair_store
    from trxas.results.run_tables import check_table
    from trxas.session.session import open_configured_store

    with open_configured_store(configuration_from(options), recover_runs=False) as store:
        check = repair_store(store) if options.repair else check_store(store)
        print(check_table(check))
        if not check.is_sound and not options.repair:
            print("`trxas runs check --repair` mends what can be mended.")
    return int(not check.is_sound)
