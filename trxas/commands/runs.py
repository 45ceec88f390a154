"""`trxas runs`: the stored runs."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from errors import InputError
from trxas.commands.options import JsonFlag, Scheduler, Workers
from trxas.configuration_options import StoreOptions


@dataclass(frozen=True, kw_only=True)
class ListOptions(StoreOptions):
    """Options of `trxas runs list`."""

    limit: Annotated[int, typer.Option(help="Maximum number of runs to list.")] = 50
    search: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help='Only runs that fit: words, also of comments and tags, and conditions such as edge="Br K" rating>=4.',
        ),
    ] = ""
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the table to this file instead: .md, .csv or .html."),
    ] = None
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Compute the columns of columns.py again where that file has changed.")
    ] = False
    quick: Annotated[
        bool, typer.Option("--quick", help="Reduce nothing: rows that were never computed stay empty.")
    ] = False
    json: JsonFlag = False
    workers: Workers = 1
    scheduler: Scheduler = ""


@dataclass(frozen=True, kw_only=True)
class SingleRunOptions(StoreOptions):
    """Options of commands for one run."""

    run_key: Annotated[
        str, typer.Argument(metavar="RUN", help="Uid or its beginning, scan id, or -1 for the latest run.")
    ]

    @property
    def key(self) -> str | int:
        """The run as the store finds it: short numbers are scan ids, or count from the latest.

        Raises InputError for an option that the command does not have.
        """
        return run_key(self.run_key)


def run_key(text: str) -> str | int:
    """Return a run as the store finds it: short numbers are scan ids, or count from the latest; others are uids.

    Raises InputError for an option that the command does not have.
    """
    # A uid may consist of digits alone. People copy at least eight characters of one, and scan ids have fewer digits
    # for a hundred thousand runs.
    is_number = text.lstrip("-").isdecimal() and len(text) < 8
    if text.startswith("-") and not is_number:
        # Options are not refused by typer here, as -1 is a run.
        raise InputError(f"No such option: {text}. `--help` after the command lists its options.")
    return int(text) if is_number else text


@dataclass(frozen=True, kw_only=True)
class ShowOptions(SingleRunOptions):
    """Options of `trxas runs show`."""

    json: JsonFlag = False
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Reduce with the outliers and glitches that are otherwise left out.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class NoteOptions(SingleRunOptions):
    """Options of `trxas runs note`."""

    comment: Annotated[
        str | None, typer.Argument(metavar="COMMENT", help='Comment that replaces the earlier one; "" removes it.')
    ] = None
    rating: Annotated[int | None, typer.Option(help="Rating, 1 to 5 stars; 0 removes it.")] = None
    tag: Annotated[str, typer.Option(metavar="TAGS", help="Tags to add, separated by commas.")] = ""
    untag: Annotated[str, typer.Option(metavar="TAGS", help="Tags to remove, separated by commas.")] = ""


@dataclass(frozen=True, kw_only=True)
class CheckOptions(StoreOptions):
    """Options of `trxas runs check`."""

    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired; no measured data are deleted.")
    ] = False
    json: JsonFlag = False


def run_list(options: ListOptions) -> int:
    """List the stored runs with their results, newest first.

    Runs whose process has died are closed first. The first list of new runs takes some seconds per run, because they
    are reduced; later lists are immediate.
    """
    from processes.cluster import Cluster
    from storage.table.formats import write_table
    from storage.table.night_table import NightTable
    from trxas.configured_store import open_configured_store
    from trxas.results.night import find_runs, night_facts, print_night, reducing

    with open_configured_store(options.configuration()) as store:
        table = NightTable(store)
        runs = find_runs(store, search=options.search, limit=options.limit)
        rows = table.rows(
            runs,
            compute=not options.quick,
            recompute=options.recompute,
            progress=reducing,
            cluster=Cluster(workers=options.workers, scheduler=options.scheduler),
        )
        columns = table.columns()
        if options.export is not None:
            write_table(options.export, rows, columns)
            print(f"{len(rows)} runs are in {options.export}.")
        elif options.json:
            _print_json([night_facts(row) for row in rows])
        elif rows:
            print_night(rows, columns)
        else:
            print(f"No runs in {store.root}{' fit the search' if options.search else ''}.")
    return 0


def run_note(options: NoteOptions) -> int:
    """Show or change comment, rating and tags of a run; its documents do not change."""
    from storage.notes import RunNotes, tags_in
    from storage.runs import find_uid
    from trxas.configured_store import open_configured_store
    from trxas.results.night import note_text

    with open_configured_store(options.configuration(), recover_runs=False) as store:
        uid = find_uid(store, options.key)
        notes = RunNotes(store.root)
        notes.change(
            uid,
            comment=options.comment,
            rating=options.rating,
            add_tags=tags_in(options.tag),
            remove_tags=tags_in(options.untag),
        )
        print(note_text(uid, notes))
    return 0


def run_show(options: ShowOptions) -> int:
    """Show one run: settings, exposures and results.

    A run that was interrupted is shown together with the runs that resumed it.
    """
    from storage import load_dataset
    from storage.calibrated_documents import CalibratedDocuments
    from trxas.configured_store import open_configured_store
    from trxas.results.measured_decays import MeasuredDecays
    from trxas.results.run_report import run_facts, run_report

    with open_configured_store(options.configuration()) as store:
        calibrated = CalibratedDocuments(lambda: store)
        documents = calibrated(load_dataset(store, options.key))
        decays = MeasuredDecays(lambda: store)
        if options.json:
            _print_json(run_facts(documents, decays, keep_all=options.keep_all))
        else:
            print(run_report(documents, decays=decays, keep_all=options.keep_all, foils=calibrated.foils))
    return 0


def run_check(options: CheckOptions) -> int:
    """Check the state of every run; repair with --repair.

    The exit code is 1 if something is wrong, or still wrong after the repair.
    """
    from storage.check import check_store, repair_store
    from trxas.configured_store import open_configured_store
    from trxas.results.run_tables import check_table, check_verdict
    from trxas.terminal.tables import print_table

    configuration = options.configuration()
    # At once: opening the catalogue takes seconds, and reading every run may take minutes.
    what = "Checking and repairing" if options.repair else "Checking"
    print(f"{what} every run of {configuration.storage.root}, journal and catalogue ...", file=sys.stderr, flush=True)
    # Opening a store normally repairs interrupted runs, which would hide them from the check.
    with open_configured_store(configuration, recover_runs=False) as store:
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
