"""`trxas demo`: simulated beamline, an energy and a delay scan, stored, reduced and shown."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias, cast

import typer

from errors import InputError
from trxas.commands.options import JsonFile, SampleOption, SimulationSeed, SimulationSpeed
from trxas.configuration_options import StoreOptions
from trxas.techniques import FIRST, bringing, part_of

if TYPE_CHECKING:
    from trxas.configuration import Configuration
    from trxas.session.session import Session

OUTPUT = Path("demo-output")

DEFAULT_NAME = "CsPbBr3 nanocrystals"
"""Name of the default sample in the metadata."""

DEFAULT_EXPERIMENT = FIRST


@dataclass(frozen=True, kw_only=True)
class DemoOptions(StoreOptions):
    """Options of `trxas demo`."""

    experiment: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT",
            help=f"{DEFAULT_EXPERIMENT} (default), {', '.join(bringing('trxas.commands', 'demo'))}.",
        ),
    ] = DEFAULT_EXPERIMENT
    json: JsonFile = None
    sample: SampleOption = None
    seed: SimulationSeed = 1
    speed: SimulationSpeed = 600.0
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the figure.")] = OUTPUT
    window: Annotated[
        bool | None,
        typer.Option("--window/--no-window", help="Show the scans in a window (default: if there is a screen)."),
    ] = None


def run(options: DemoOptions) -> int:
    """Run the main job on a simulated beamline.

    The usual runs of an experiment, such as an energy scan and a delay scan, are measured, stored and reduced. A table
    and a figure show the result.
    """
    began = time.monotonic()
    demo = _demo_of(options.experiment)
    print("Starting the simulated beamline ...", flush=True)
    # The names of shipped configurations are those of the experiments; the first experiment is the usual one.
    if options.config is None and options.experiment != DEFAULT_EXPERIMENT:
        options = replace(options, config=Path(options.experiment))
    with contextlib.ExitStack() as stack:
        configuration = stack.enter_context(_simulation(options))
        print(
            f"Simulated beamline at {configuration.beamline.epics.address_list}. Data go to "
            f"{configuration.storage.root}.",
            flush=True,
        )
        # Imports that take seconds come after the first lines, so that the terminal is not silent for long.
        from gui.screen import has_screen
        from trxas.channel_access import environment as channel_access
        from trxas.session.session import open_session
        from trxas.window.companion import companion_window

        # The stack ends in reverse order, so this comes before the simulation stops and its connections are lost.
        stack.callback(channel_access.silence)
        shown = has_screen() if options.window is None else options.window
        window = stack.enter_context(companion_window(configuration)) if shown else None
        with open_session(configuration) as session:
            result = demo(session, options.sample, began)
        # After the end of the session, so that the beamline is free while the figure is drawn.
        figure = result.write(options.output, options.json)
        print(f"\n{result.table()}\n\nFigure: {figure.resolve()}\nwall time {result.wall_s:.1f} s", flush=True)
        if window is not None:
            print("The window stays open. To end, close it or press Ctrl-C here.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                window.wait_ended()
    return 0


class ShownResult(Protocol):
    """The result of a demo."""

    @property
    def wall_s(self) -> float:
        """Wall time from the command to the table, s."""

    def table(self) -> str:
        """Return the result as lines of text."""

    def write(self, folder: Path, json_path: Path | None) -> Path:
        """Write figure and JSON, and return the path of the figure; raises OSError if one cannot be written."""


@contextlib.contextmanager
def _simulation(options: DemoOptions) -> Iterator[Configuration]:
    """Run the simulation of the options, and yield the configuration of a session on it."""
    from trxas.configuration import load_configuration
    from trxas.simulation import simulated_beamline

    hardware = () if options.config is None else options.configuration().simulation_options
    with simulated_beamline(
        seed=options.seed,
        speed=options.speed,
        sample=options.sample,
        options=hardware,
        meanwhile=_load_libraries,
    ) as address_list:
        yield load_configuration(options.config, address_list=address_list, data=options.data)


def _absorption(session: Session, sample: str | None, began: float) -> ShownResult:
    from trxas.commands.demo_measurement import run_demo
    from trxas.simulation import sample_label

    if sample is None:
        return run_demo(session, sample=DEFAULT_NAME, began=began)
    label = sample_label(sample)
    return run_demo(session, sample=label.name, began=began, edge=label.edges[0])


Demo: TypeAlias = "Callable[[Session, str | None, float], ShownResult]"
"""Measures the demo of an experiment: session, sample of the simulation, and when the command began, s."""


def _demo_of(experiment: str) -> Demo:
    """Return the demo of an experiment; raises InputError for an unknown one."""
    if experiment == DEFAULT_EXPERIMENT:
        return _absorption
    module = part_of("trxas.commands", experiment, "demo")
    if module is None:
        names = ", ".join((DEFAULT_EXPERIMENT, *bringing("trxas.commands", "demo")))
        raise InputError(f"{experiment}: there is no such demo. Give one of {names}.")
    return cast(Demo, module.run_demo)


def _load_libraries() -> None:
    from trxas.session.session import load_libraries

    load_libraries()
