"""`trxas runs`: the stored runs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from trxas.commands.options import JsonFlag
from trxas.configuration_options import StoreOptions


@dataclass(frozen=True, kw_only=True)
class ListOptions(StoreOptions):
    """Options of `trxas runs list`."""

    limit: Annotated[int, typer.Option(help="Maximum number of runs to list.")] = 50
    json: JsonFlag = False


@dataclass(frozen=True, kw_only=True)
class ShowOptions(StoreOptions):
    """Options of `trxas runs show`."""

    run_key: Annotated[
        str, typer.Argument(metavar="RUN", help="Uid or its beginning, scan id, or -1 for the latest run.")
    ]
    json: JsonFlag = False
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Reduce with the outliers and glitches that are left out otherwise.")
    ] = False

    @property
    def key(self) -> str | int:
        """The run as the store finds it: short numbers are scan ids, or count from the latest."""
        # A uid may consist of digits alone. People copy at least eight characters of one, and scan ids have fewer
        # digits for a hundred thousand runs.
        is_number = self.run_key.lstrip("-").isdecimal() and len(self.run_key) < 8
        return int(self.run_key) if is_number else self.run_key


@dataclass(frozen=True, kw_only=True)
class CheckOptions(StoreOptions):
    """Options of `trxas runs check`."""

    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired; no measured data are deleted.")
    ] = False
    json: JsonFlag = False


def run_list(options: ListOptions) -> int:
    """List the stored runs, newest first.

    Runs whose process has died are closed first.
    """
    from storage import list_runs
    from trxas.results.run_tables import runs_table
    from trxas.session.session import open_configured_store
    from trxas.terminal.tables import print_table

    with open_configured_store(options.configuration()) as store:
        runs = list_runs(store, limit=options.limit)
        if options.json:
            _print_json([dataclasses.asdict(run) for run in runs])
        elif runs:
            print_table(runs_table(runs))
        else:
            print(f"No runs in {store.root}.")
    return 0


def run_show(options: ShowOptions) -> int:
    """Show one run: settings, exposures and results.

    A run that was interrupted is shown together with the runs that resumed it.
    """
    from storage import load_dataset
    from trxas.results.measured_decays import MeasuredDecays
    from trxas.results.run_report import run_facts, run_report
    from trxas.session.session import open_configured_store

    with open_configured_store(options.configuration()) as store:
        documents = load_dataset(store, options.key)
        decays = MeasuredDecays(lambda: store)
        if options.json:
            _print_json(run_facts(documents, decays, keep_all=options.keep_all))
        else:
            print(run_report(documents, decays=decays, keep_all=options.keep_all))
    return 0


def run_check(options: CheckOptions) -> int:
    """Check the state of every run; repair with --repair.

    The exit code is 1 if something is wrong, or still wrong after the repair.
    """
    from storage.check import check_store, repair_store
    from trxas.results.run_tables import check_table, check_verdict
    from trxas.session.session import open_configured_store
    from trxas.terminal.tables import print_table

    # Opening a store normally repairs interrupted runs, which would hide them from the check.
    with open_configured_store(options.configuration(), recover_runs=False) as store:
        check = repair_store(store) if options.repair else check_store(store)
    if options.json:
        _print_json({"is_sound": check.is_sound, **dataclasses.asdict(check)})
    else:
        print_table(check_table(check))
        print(check_verdict(check))
        if not check.is_sound and not options.repair:
            print("`trxas runs check --repair` repairs what can be repaired.")
    return int(not check.is_sound)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))
