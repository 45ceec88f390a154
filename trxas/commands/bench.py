"""`trxas bench`: speed as ratios to stock libraries, and how well beam time is used, on beamlines of its own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trxas.commands.numbers import write_numbers
from trxas.commands.options import JsonFile

if TYPE_CHECKING:
    from trxas.benchmarks.entry import Entries


class Subject(StrEnum):
    """Subjects of the measurement."""

    ALL = "all"
    SESSION = "session"
    WINDOW = "window"
    STATISTICS = "statistics"


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of `trxas bench`."""

    subject: Annotated[Subject, typer.Argument(metavar="[all|session|window|statistics]", help="What to measure.")] = (
        Subject.ALL
    )
    json: JsonFile = None
    samples: Annotated[int, typer.Option(min=1, help="Random samples for the adaptive scans of the statistics.")] = 4
    seconds: Annotated[float, typer.Option(help="Length of each measurement of the window, at most 50 s.")] = 15.0
    events: Annotated[int, typer.Option(min=10_000, help="Events of the run that shows how its cost grows.")] = 20_000
    long_run: Annotated[int, typer.Option(min=200, help="Steps of the run that shows whether steps become slower.")] = (
        5000
    )


def run(options: BenchOptions) -> int:
    """Measure the speed of a session and of the window, and how well results use beam time.

    Every number is measured in turn with a baseline, stock bluesky on the same beamline for example. The ratio of both
    can be compared between machines. The statistics draw counts of known truth: variances against two gates and against
    the Cramer-Rao bound, bias by drift, and beam time of scans that count until a lifetime is known. Takes about 10
    minutes.
    """
    # Offscreen even where there is a screen: numbers from different machines must be comparable.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from trxas.benchmarks.machine import machine
    from trxas.terminal.tables import print_table, table

    on = machine()
    entries: Entries = {}
    if options.subject in (Subject.ALL, Subject.SESSION):
        entries |= _session(options.long_run, options.events)
        entries |= _flying()
    if options.subject in (Subject.ALL, Subject.WINDOW):
        entries |= _window(options.seconds)
    if options.subject in (Subject.ALL, Subject.STATISTICS):
        entries |= _statistics(options.samples)
    rows = [
        (key, f"{entry.value:.4g}", f"{entry.baseline:.4g}", entry.unit, f"{entry.ratio:.3g} ± {entry.spread:.2g}")
        for key, entry in entries.items()
    ]
    columns = ("measurement", "value", "baseline", "unit", "ratio")
    print_table(table(columns, rows, right=["value", "baseline", "ratio"]))
    print(f"on {on['processor']}, {on['cores']} cores, load {on['load']:g}, Python {on['python']}")
    write_numbers({"machine": on, **{key: entry.as_json() for key, entry in entries.items()}}, options.json)
    return 0


def _session(long_run: int, events: int) -> Entries:
    from trxas.benchmarks.predicting import bench_prediction
    from trxas.benchmarks.scaling import bench_scaling
    from trxas.benchmarks.sequences import bench_sequences
    from trxas.benchmarks.slices import bench_slices
    from trxas.benchmarks.starting import bench_start
    from trxas.benchmarks.steps import SPEED, bench_steps
    from trxas.benchmarks.storing import bench_storing
    from trxas.channel_access import environment as channel_access
    from trxas.configuration import load_configuration
    from trxas.session.session import open_session
    from trxas.simulation import simulated_beamline

    with tempfile.TemporaryDirectory() as folder, simulated_beamline(speed=SPEED) as address_list:
        configuration = load_configuration(address_list=address_list, data=Path(folder) / "session")
        with open_session(configuration) as session:
            entries = bench_steps(session.beamline, Path(folder) / "steps", long_run)
            entries |= bench_prediction(session)
            entries |= bench_sequences(session.beamline)
            entries |= bench_slices(session.beamline)
            entries |= bench_storing(Path(folder))
            entries |= bench_scaling(Path(folder) / "scaling", events)
            entries |= bench_start(session, Path(folder) / "start")
        channel_access.silence()
    return entries


def _flying() -> Entries:
    from trxas.benchmarks.flying import bench_flying
    from trxas.channel_access import environment as channel_access
    from trxas.configuration import load_configuration
    from trxas.session.session import open_session
    from trxas.simulation import simulated_beamline

    # In real time: the time until a window has the counts does not become shorter with the speed of a simulation.
    with tempfile.TemporaryDirectory() as folder, simulated_beamline(speed=1) as address_list:
        configuration = load_configuration(address_list=address_list, data=Path(folder))
        with open_session(configuration) as session:
            entries = bench_flying(session.beamline)
        channel_access.silence()
    return entries


def _window(seconds: float) -> Entries:
    from trxas.benchmarks.window.measure import bench_window

    with tempfile.TemporaryDirectory() as folder:
        return bench_window(Path(folder), seconds)


def _statistics(samples: int) -> Entries:
    from trxas.benchmarks.flying import bench_fly_statistics
    from trxas.benchmarks.statistics import bench_statistics

    return bench_statistics(samples=samples) | bench_fly_statistics()
