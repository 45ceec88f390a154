"""`trxas import`: old scan files of a beamline as runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from trxas.configuration_options import StoreOptions


@dataclass(frozen=True, kw_only=True)
class ImportOptions(StoreOptions):
    """Options of `trxas import`."""

    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="MDA files, text forms of scan records, or SPEC files.")
    ]
    edge: Annotated[str, typer.Option(metavar="NAME", help='Edge of the scans, such as "Br K".')]
    sample: Annotated[str, typer.Option(metavar="NAME", help="Sample of the scans.")] = ""
    delay_ps: Annotated[
        float | None,
        typer.Option(metavar="PS", help="Delay of energy scans; needed if the files have no delay columns."),
    ] = None
    fluence_mj_cm2: Annotated[float, typer.Option(metavar="MJ/CM2", help="Fluence, if it is known.")] = 0.0
    together: Annotated[
        bool, typer.Option("--together", help="Make one run of all files, each of them a pass (default: a run each).")
    ] = False
    scan: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Scan numbers to take from the files, with commas (default: all).")
    ] = ""
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report only; store nothing.")] = False


def run(options: ImportOptions) -> int:
    """Turn old scan files of a beamline into runs.

    They are then listed, reduced and exported like any other. Columns are found by PV and label, as the table [past] of
    the configuration names them. What was cut is reported and stored with the run; cut rows stay in it, marked with the
    reason.
    """
    from plans.edges import edge_preset
    from trxas.configured_store import open_configured_store
    from trxas.past.facts import PastFacts
    from trxas.past.importing import import_runs, past_runs

    configuration = options.configuration()
    facts = PastFacts(
        sample=options.sample,
        edge=edge_preset(options.edge, configuration.beamline),
        delay_ps=options.delay_ps,
        fluence_mj_cm2=options.fluence_mj_cm2,
    )
    numbers = [number.strip() for number in options.scan.split(",") if number.strip()]
    # All files are read before the first run is stored: a fault in the last file must not leave a half import.
    runs = past_runs(options.files, facts, configuration, together=options.together, numbers=numbers)
    for one in runs:
        print("\n".join(one.report))
    if options.dry_run:
        print(f"{len(runs)} runs; nothing was stored.")
        return 0
    with open_configured_store(configuration, recover_runs=False) as store:
        for uid, scan_id in import_runs(runs, store):
            print(f"run {uid[:8]}: {'was imported before' if scan_id is None else f'scan {scan_id}'}")
    return 0
