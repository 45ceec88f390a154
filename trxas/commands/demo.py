"""`trxas demo`: simulated beamline, an energy and a delay scan, stored, reduced and shown."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from trxas.commands.options import JsonFile, SampleOption, SimulationSeed, SimulationSpeed
from trxas.configuration_options import StoreOptions

OUTPUT = Path("demo-output")

DEFAULT_NAME = "CsPbBr3 nanocrystals"
"""Name of the default sample in the metadata."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions(StoreOptions):
    """Options of `trxas demo`."""

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

    An energy scan and a delay scan are measured, stored and reduced; a table and a figure show the result.
    """
    began = time.monotonic()
    print("Starting the simulated beamline ...", flush=True)
    from trxas.configuration import load_configuration
    from trxas.simulation import sample_label, simulated_beamline

    label = None if options.sample is None else sample_label(options.sample)
    with contextlib.ExitStack() as stack:
        address_list = stack.enter_context(
            simulated_beamline(
                seed=options.seed,
                speed=options.speed,
                sample=options.sample,
                hardware=() if options.config is None else options.configuration().simulation_options,
                meanwhile=_load_libraries,
            )
        )
        configuration = load_configuration(options.config, address_list=address_list, data=options.data)
        print(f"Simulated beamline at {address_list}. Data go to {configuration.storage.root}.", flush=True)
        from gui.screen import has_screen
        from trxas.channel_access import environment as channel_access
        from trxas.commands.demo_measurement import run_demo, write_outputs
        from trxas.session.session import open_session
        from trxas.window.companion import companion_window

        # The stack ends in reverse order, so this comes before the simulation stops and its connections are lost.
        stack.callback(channel_access.silence)
        shown = has_screen() if options.window is None else options.window
        window = stack.enter_context(companion_window(configuration)) if shown else None
        with open_session(configuration) as session:
            if label is None:
                result = run_demo(session, sample=DEFAULT_NAME, began=began)
            else:
                result = run_demo(session, sample=label.name, began=began, edge=label.edges[0])
        figure = write_outputs(result, options.output, options.json)
        print(f"\n{result.table()}\n\nFigure: {figure.resolve()}\nwall time {result.wall_s:.1f} s", flush=True)
        if window is not None:
            print("The window stays open. To end, close it or press Ctrl-C here.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                window.wait_ended()
    return 0


def _load_libraries() -> None:
    from trxas.session.session import load_libraries

    load_libraries()
