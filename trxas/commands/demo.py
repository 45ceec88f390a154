"""`trxas demo`: simulated beamline, an energy and a delay scan, stored, reduced and shown."""

from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path

from trxas.commands.options import Subparsers
from trxas.configuration_options import add_data_option, configuration_from
from trxas.simulation import simulated_beamline

OUTPUT = Path("demo-output")


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas demo`."""
    parser = subparsers.add_parser("demo", help="run the main job on the simulated beamline")
    parser.add_argument("--json", type=Path, help="write the table to this file too")
    parser.add_argument("--sample", type=Path, help="sample file of the simulation (TOML)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulation")
    parser.add_argument("--speed", type=float, default=600.0, help="seconds of beam per second of wall time")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the figure")
    parser.add_argument(
        "--window",
        action=argparse.BooleanOptionalAction,
        help="show the scans in a window while they run (default: if there is a screen)",
    )
    add_data_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo and print its table."""
    began = time.monotonic()
    print("Starting the simulated beamline ...", flush=True)
    with contextlib.ExitStack() as stack:
        options.address_list = stack.enter_context(
            simulated_beamline(seed=options.seed, speed=options.speed, sample=options.sample, meanwhile=_load_libraries)
        )
        configuration = configuration_from(options)
        print(f"Simulated beamline at {options.address_list}. Data go to {configuration.storage.root}.", flush=True)
        from gui.screen import has_screen
        from trxas.channel_access import environment as channel_access
        from trxas.commands.demo_measurement import run_demo, write_outputs
        from trxas.session.session import open_session
        from trxas.window.companion import window_beside

        stack.callback(channel_access.silence)
        shown = has_screen() if options.window is None else options.window
        window = stack.enter_context(window_beside(configuration)) if shown else None
        with open_session(configuration) as session:
            result = run_demo(session, sample=_sample_name(options.sample), began=began)
        figure = write_outputs(result, options.output, options.json)
        print(f"\n{result.table()}\n\nFigure: {figure.resolve()}\nwall time {result.wall_s:.1f} s", flush=True)
        if window is not None:
            print("The window stays open; close it, or press Ctrl-C here, to end.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                window.wait_ended()
    return 0


def _load_libraries() -> None:
    from trxas.session.session import load_libraries

    load_libraries()


def _sample_name(path: Path | None) -> str:
    """What a user would write on the vial; the file itself is the simulation's alone."""
    return "CsPbBr3 nanocrystals" if path is None else path.stem
