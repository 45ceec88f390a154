"""`trxas runs`: what has been measured."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trxas.commands.options import Subparsers, add_data_option, configuration_from

if TYPE_CHECKING:
    from storage import RunSummary


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas runs list` and `trxas runs show`."""
    parser = subparsers.add_parser("runs", help="list and show stored runs")
    actions = parser.add_subparsers(required=True, metavar="action")
    listing = actions.add_parser("list", help="newest first")
    listing.add_argument("--limit", type=int, default=50, help="show at most so many")
    showing = actions.add_parser("show", help="one run, reduced")
    showing.add_argument("run_key", metavar="RUN", help="uid or its beginning, scan id, or -1 for the latest")
    for action, run in ((listing, run_list), (showing, run_show)):
        action.add_argument("--config", help="configuration file")
        add_data_option(action)
        action.set_defaults(run=run)


def run_list(options: argparse.Namespace) -> int:
    """Print a line per run; runs of processes that died are mended first."""
    from storage import list_runs
    from trxas.session import open_configured_store

    with open_configured_store(configuration_from(options)) as store:
        runs = list_runs(store, limit=options.limit)
        print(runs_table(runs) if runs else f"No runs in {store.root}.")
    return 0


def runs_table(runs: Sequence[RunSummary]) -> str:
    """Runs as lines of text, with a heading."""
    heading = f"{'uid':8}  {'scan':>5}  {'time':19}  {'plan':12}  {'edge':6}  {'points':>11}  {'status':11}  sample"
    return "\n".join([heading, *(_line(run) for run in runs)])


def _line(run: RunSummary) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.time_s))
    points = f"{run.points_done}/{'?' if run.points_intended is None else run.points_intended}"
    head = f"{run.uid[:8]}  {run.scan_id or 0:>5}  {when}  {run.plan_name:12}  {run.edge:6}  {points:>11}"
    return f"{head}  {run.status:11}  {run.sample}"


def run_show(options: argparse.Namespace) -> int:
    """Print a run's metadata and what it reduces to."""
    from storage import load_run
    from trxas.report import run_report
    from trxas.session import open_configured_store

    key: Any = options.run_key
    with open_configured_store(configuration_from(options)) as store:
        documents = load_run(store, int(key) if key.lstrip("-").isdecimal() and len(key) < 8 else key)
    print(run_report(documents))
    return 0
