"""`trxas runs`: what has been measured."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trxas.commands.options import Subparsers, add_data_option, configuration_from

if TYPE_CHECKING:
    from storage import RunSummary
    from storage.check import StoreCheck


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
    resumes = f"  resumes {run.resumes[:8]}" if run.resumes else ""
    return f"{head}  {run.status:11}  {run.sample}{resumes}"


def run_show(options: argparse.Namespace) -> int:
    """Print a run's metadata and what it reduces to, together with the runs that resumed it."""
    from storage import load_dataset
    from trxas.report import run_report
    from trxas.session import open_configured_store

    key: Any = options.run_key
    with open_configured_store(configuration_from(options)) as store:
        documents = load_dataset(store, int(key) if key.lstrip("-").isdecimal() and len(key) < 8 else key)
    print(run_report(documents))
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Print the state of every run, after a repair if asked for; 1 if something is wrong (still)."""
    from storage.check import check_store, repair_store
    from trxas.session import open_configured_store

    with open_configured_store(configuration_from(options), recover_runs=False) as store:
        check = repair_store(store) if options.repair else check_store(store)
        print(check_table(check))
        if not check.is_sound and not options.repair:
            print("`trxas runs check --repair` mends what can be mended.")
    return int(not check.is_sound)


def check_table(check: StoreCheck) -> str:
    """A line per run, its problems below it, and a line that sums up."""
    lines = [f"catalogue: {check.catalogue_problem}"] if check.catalogue_problem else []
    lines.append(f"{'uid':8}  {'ended':7}  {'journal':>8}  {'catalogue':>9}")
    for run in check.runs:
        events = (_count(run.events), _count(run.catalogued_events))
        lines.append(f"{run.uid[:8]}  {run.ended:7}  {events[0]:>8}  {events[1]:>9}  {'' if run.problems else 'sound'}")
        lines += [f"          {problem}" for problem in run.problems]
    wrong = sum(bool(run.problems) for run in check.runs)
    return "\n".join([*lines, f"{len(check.runs)} runs, {wrong} with something to mend"])


def _count(events: int | None) -> str:
    return "-" if events is None else str(events)
