"""`trxas bench`: speed as ratios to stock libraries, and how well beam time is used, on beamlines of its own."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trxas.benchmarks.apart import FAILED, measured_apart
from trxas.commands.numbers import write_numbers
from trxas.commands.options import JsonFile

if TYPE_CHECKING:
    from trxas.benchmarks.entry import Entries
    from trxas.session.session import Session

logger = logging.getLogger(__name__)


class Subject(StrEnum):
    """Subjects of the measurement: all, a group of parts, or a part."""

    ALL = "all"
    SESSION = "session"
    STEPS = "steps"
    PREDICTION = "prediction"
    SEQUENCES = "sequences"
    SLICES = "slices"
    FLYING = "flying"
    STORAGE = "storage"
    SCALING = "scaling"
    START = "start"
    WINDOW = "window"
    OPENING = "opening"
    STATISTICS = "statistics"
    CAMPAIGN = "campaign"


SESSION = (
    Subject.STEPS, Subject.PREDICTION, Subject.SEQUENCES, Subject.SLICES, Subject.FLYING, Subject.STORAGE,
    Subject.SCALING, Subject.START,
)  # fmt: skip
GROUPS = {
    Subject.SESSION: SESSION,
    Subject.ALL: tuple(one for one in Subject if one not in (Subject.ALL, Subject.SESSION)),
}
"""Parts of the subjects that have several."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of `trxas bench`."""

    subject: Annotated[
        Subject,
        typer.Argument(
            metavar=f"[{'|'.join(Subject)}]", help="What to measure; `session` stands for all parts up to `start`."
        ),
    ] = Subject.ALL
    json: JsonFile = None
    samples: Annotated[int, typer.Option(min=1, help="Random samples for the adaptive scans of the statistics.")] = 20
    scans: Annotated[int, typer.Option(min=1, help="Adaptive scans of each sample and goal.")] = 5
    dwell_s: Annotated[float, typer.Option(min=0.1, help="Dwell of the adaptive scans, s.")] = 2.0
    seed: Annotated[int, typer.Option(min=0, help="First seed of all that the statistics draw.")] = 0
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw the adaptive scans.")] = 2
    seconds: Annotated[float, typer.Option(help="Length of each measurement of the window, at most 50 s.")] = 15.0
    events: Annotated[int, typer.Option(min=20_000, help="Events of the run that shows how its cost grows.")] = 50_000
    long_run: Annotated[int, typer.Option(min=200, help="Steps of the run that shows whether steps become slower.")] = (
        5000
    )


def run(options: BenchOptions) -> int:
    """Measure the speed of a session and of the window, and how well results use beam time.

    Every number is measured in turn with a baseline, stock bluesky on the same beamline for example. The ratio of both
    can be compared between machines. The statistics draw counts of known truth: variances against two gates and against
    the Cramer-Rao bound, bias by drift, and beam time of scans that count until a lifetime is known. The campaign is
    the beam time of the paper's scans, before and now. Takes about 21 minutes, each part alone at most 6. Each part has
    a process of its own; one that fails is reported, and the others are measured.
    """
    # Offscreen even where there is a screen: numbers from different machines must be comparable.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from trxas.benchmarks.machine import machine

    on = machine()
    entries: Entries = {}
    failed: dict[str, str] = {}
    for found, problems in _results(options):
        entries |= found
        failed |= problems
        # After each part, so that a measurement that is ended early leaves what it has.
        numbers = {"machine": on, **{key: entry.as_json() for key, entry in entries.items()}}
        write_numbers(numbers | ({FAILED: failed} if failed else {}), options.json)
    _print_entries(entries)
    for part, problem in failed.items():
        print(f"The part {part} could not be measured. {problem}")
    print(f"on {on['processor']}, {on['cores']} cores, load {on['load']:g}, Python {on['python']}")
    return 1 if failed else 0


def _results(options: BenchOptions) -> Iterator[tuple[Entries, dict[str, str]]]:
    """Yield the entries of each part, and the error of one that failed."""
    if options.subject in GROUPS:
        for part in GROUPS[options.subject]:
            yield measured_apart(part, _arguments(options))
        return
    try:
        yield MEASUREMENTS[options.subject](options), {}
    except Exception as error:
        # Minutes of other measurements must not be lost with one.
        logger.exception("The part %s could not be measured.", options.subject)
        yield {}, {options.subject: f"{type(error).__name__}: {error}"}


def _arguments(options: BenchOptions) -> list[str]:
    """Return the options of a part as arguments of its command."""
    return [
        f"--samples={options.samples}", f"--scans={options.scans}", f"--dwell-s={options.dwell_s}",
        f"--seed={options.seed}", f"--workers={options.workers}",
        f"--seconds={options.seconds}", f"--events={options.events}", f"--long-run={options.long_run}",
    ]  # fmt: skip


def _print_entries(entries: Entries) -> None:
    from trxas.terminal.tables import print_table, table

    rows = [
        (
            key, f"{entry.value:.4g}", f"{entry.baseline:.4g}", entry.unit, f"{entry.ratio:.3g}",
            # A single measurement has no spread; 0 would read as certainty.
            "-" if entry.spread is None else f"{entry.spread:.2g}",
        )
        for key, entry in entries.items()
    ]  # fmt: skip
    columns = ("measurement", "value", "baseline", "unit", "ratio", "spread")
    print_table(table(columns, rows, right=["value", "baseline", "ratio", "spread"]))


@contextmanager
def _fast_session() -> Iterator[Session]:
    """Yield a session on a simulated beamline of its own, which runs as fast as the benchmark of steps needs it."""
    from trxas.benchmarks.steps import SPEED

    with _session(SPEED) as session:
        # Otherwise it would be opened in the background of the first measurement.
        session.store.catalogue  # noqa: B018
        yield session


@contextmanager
def _session(speed: float) -> Iterator[Session]:
    from trxas.channel_access import environment as channel_access
    from trxas.configuration import load_configuration
    from trxas.session.session import open_session
    from trxas.simulation import simulated_beamline

    with tempfile.TemporaryDirectory() as folder, simulated_beamline(speed=speed) as address_list:
        configuration = load_configuration(address_list=address_list, data=Path(folder))
        with open_session(configuration) as session:
            yield session
        channel_access.silence()


def _steps(options: BenchOptions) -> Entries:
    from trxas.benchmarks.steps import bench_steps

    with tempfile.TemporaryDirectory() as folder, _fast_session() as session:
        return bench_steps(session, Path(folder), options.long_run)


def _prediction(_: BenchOptions) -> Entries:
    from trxas.benchmarks.predicting import SPEED, bench_prediction

    with _session(SPEED) as session:
        return bench_prediction(session)


def _sequences(_: BenchOptions) -> Entries:
    from trxas.benchmarks.sequences import bench_sequences

    with _fast_session() as session:
        return bench_sequences(session.beamline)


def _slices(_: BenchOptions) -> Entries:
    from trxas.benchmarks.sequences import bench_settled_duty
    from trxas.benchmarks.slices import SPEED, bench_slices

    # Here and not with the sequences: the laser settles in a time that can be seen at this speed only.
    with _session(SPEED) as session:
        return bench_slices(session.beamline) | bench_settled_duty(session.beamline, SPEED)


def _flying(_: BenchOptions) -> Entries:
    from trxas.benchmarks.flying import bench_flying

    # In real time: the time until a window has the counts does not become shorter with the speed of a simulation.
    with _session(speed=1) as session:
        return bench_flying(session.beamline)


def _storage(_: BenchOptions) -> Entries:
    from trxas.benchmarks.storing import bench_storing

    with tempfile.TemporaryDirectory() as folder:
        return bench_storing(Path(folder))


def _scaling(options: BenchOptions) -> Entries:
    from trxas.benchmarks.fast_frames import bench_fast_frames
    from trxas.benchmarks.scaling import bench_scaling

    # Frames first: the memory of a long run would hide theirs.
    found = bench_fast_frames()
    with tempfile.TemporaryDirectory() as folder:
        return bench_scaling(Path(folder), options.events) | found


def _start(_: BenchOptions) -> Entries:
    from trxas.benchmarks.starting import bench_start
    from trxas.simulation import simulated_beamline

    with tempfile.TemporaryDirectory() as folder, simulated_beamline() as address_list:
        return bench_start(address_list, Path(folder))


def _window(options: BenchOptions) -> Entries:
    from trxas.benchmarks.window.measure import bench_window

    with tempfile.TemporaryDirectory() as folder:
        return bench_window(Path(folder), options.seconds)


def _opening(_: BenchOptions) -> Entries:
    from trxas.benchmarks.window.opening import bench_opening

    return bench_opening()


def _statistics(options: BenchOptions) -> Entries:
    from trxas.benchmarks.drawn_runs import Draws
    from trxas.benchmarks.flying import bench_fly_statistics
    from trxas.benchmarks.statistics import bench_statistics

    draws = Draws(
        first_seed=options.seed,
        samples=options.samples,
        scans=options.scans,
        dwell_s=options.dwell_s,
        workers=options.workers,
    )
    return bench_statistics(draws) | bench_fly_statistics(draws)


def _campaign(_: BenchOptions) -> Entries:
    from trxas.benchmarks.campaign import bench_campaign

    return bench_campaign()


MEASUREMENTS: dict[Subject, Callable[[BenchOptions], Entries]] = {
    Subject.STEPS: _steps,
    Subject.PREDICTION: _prediction,
    Subject.SEQUENCES: _sequences,
    Subject.SLICES: _slices,
    Subject.FLYING: _flying,
    Subject.STORAGE: _storage,
    Subject.SCALING: _scaling,
    Subject.START: _start,
    Subject.WINDOW: _window,
    Subject.OPENING: _opening,
    Subject.STATISTICS: _statistics,
    Subject.CAMPAIGN: _campaign,
}
