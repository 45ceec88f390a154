"""`trxas bench`: speed as ratios, on a simulated beamline of its own; `trxas bench window`: speed of the window."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trxas.commands.numbers import write_numbers
from trxas.commands.options import JsonFile


class Subject(StrEnum):
    """Subjects of the measurement."""

    SESSION = "session"
    WINDOW = "window"


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of `trxas bench`."""

    subject: Annotated[Subject, typer.Argument(metavar="[session|window]", help="What to measure.")] = Subject.SESSION
    json: JsonFile = None
    seconds: Annotated[float, typer.Option(help="With window: length of each measurement, at most 50 s.")] = 15.0


def run(options: BenchOptions) -> int:
    """Measure the speed of a session or of the window.

    Most numbers are ratios, so that different machines can be compared.
    """
    results = _window(options.seconds) if options.subject is Subject.WINDOW else _session()
    write_numbers(results, options.json)
    return 0


def _session() -> Mapping[str, object]:
    from trxas.benchmarks.session import SPEED, bench
    from trxas.channel_access import environment as channel_access
    from trxas.configuration import load_configuration
    from trxas.session.session import open_session
    from trxas.simulation import simulated_beamline
    from trxas.terminal.tables import print_table, table

    with tempfile.TemporaryDirectory() as folder, simulated_beamline(speed=SPEED) as address_list:
        configuration = load_configuration(address_list=address_list, data=Path(folder) / "session")
        with open_session(configuration) as session:
            results = bench(session, Path(folder))
        channel_access.silence()
    rows = [(name, key, f"{value:.4g}") for name, numbers in results.items() for key, value in numbers.items()]
    print_table(table(("measurement", "number", "value"), rows, right=["value"]))
    return results


def _window(seconds: float) -> Mapping[str, object]:
    # Offscreen even where there is a screen: numbers from different machines must be comparable.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from trxas.benchmarks.window.measure import bench_window
    from trxas.terminal.tables import print_table, table

    with tempfile.TemporaryDirectory() as folder:
        results = bench_window(Path(folder), seconds)
    rows = [(name, f"{value:.4g}") for name, value in results.items()]
    print_table(table(("number", "value"), rows, right=["value"]))
    return results
