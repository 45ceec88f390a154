"""`trxas export` and `trxas bundle`: stored runs as files for other programs, and a campaign in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from errors import ReductionError, TrxasError
from trxas.commands.options import Scheduler, Workers
from trxas.commands.runs import run_key
from trxas.configuration_options import StoreOptions


@dataclass(frozen=True, kw_only=True)
class ExportOptions(StoreOptions):
    """Options of `trxas export`."""

    run_keys: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Uids or their beginnings, scan ids, or -1 for the latest run."),
    ]
    format: Annotated[str, typer.Option(metavar="nexus|xdi|hdf5|csv", help="Format of the files.")] = "nexus"
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the files.")] = Path()
    combine: Annotated[
        bool, typer.Option("--combine", help="Combine the runs into one spectrum or trace, as `combine` does.")
    ] = False
    force: Annotated[
        bool, typer.Option("--force", help="Combine runs whose sample, settings or calibrations differ, too.")
    ] = False


def run(options: ExportOptions) -> int:
    """Export stored runs as NeXus, XDI, HDF5 or CSV.

    On, off and transient are written with their errors; existing files are not overwritten. A run that cannot be
    exported does not stop the others; the exit code is then 2.
    """
    from storage.export.runs import export_runs
    from trxas.configured_store import open_configured_store

    keys = [run_key(text) for text in options.run_keys]
    together = [keys] if options.combine or not keys else [[key] for key in keys]
    failed: list[TrxasError] = []
    # An export only reads: a run of a dead process is closed by the next session, or by `trxas runs list`.
    with open_configured_store(options.configuration(), recover_runs=False) as store:
        for some in together:
            try:
                for path in export_runs(
                    store, some, options.format, options.output, combine=options.combine, force=options.force
                ):
                    print(path)
            except TrxasError as error:
                failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise ReductionError("\n".join([f"{len(failed)} of {len(keys)} runs are not exported:", *map(str, failed)]))
    return 0


@dataclass(frozen=True, kw_only=True)
class BundleOptions(StoreOptions):
    """Options of `trxas bundle`."""

    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New folder of the bundle.")]
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Runs of the campaign, as for `runs list`; default: all runs.")
    ] = ""
    workers: Workers = 1
    scheduler: Scheduler = ""


def run_bundle(options: BundleOptions) -> int:
    """Put a campaign into one folder: raw and reduced data, figures, settings, null tests, report, checksums."""
    from processes.cluster import Cluster
    from trxas.configured_store import open_configured_store
    from trxas.results.bundle import write_bundle
    from trxas.results.night import find_runs, reducing

    with open_configured_store(options.configuration(), recover_runs=False) as store:
        runs = find_runs(store, search=options.search)
        cluster = Cluster(workers=options.workers, scheduler=options.scheduler)
        folder = write_bundle(store, runs, options.folder, reducing, cluster)
    print(f"{len(runs)} runs are in {folder}. `sha256sum --check SHA256SUMS` in it checks the files.")
    return 0
