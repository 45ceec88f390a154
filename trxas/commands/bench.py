"""`trxas bench`: speed as ratios, on a simulated beamline of its own; `trxas bench window`: the window's."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from trxas.commands.options import Subparsers
from trxas.configuration import load_configuration
from trxas.simulation import simulated_beamline


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas bench [window]`."""
    parser = subparsers.add_parser("bench", help="measure speed, as ratios")
    parser.add_argument("part", nargs="?", choices=("session", "window"), default="session", help="what to measure")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    parser.add_argument("--seconds", type=float, default=15.0, help="with window: length of each measurement (to 50)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    return _run_window(options) if options.part == "window" else _run_session(options)


def _run_session(options: argparse.Namespace) -> int:
    from trxas.benchmarks.session import SPEED, bench, write
    from trxas.channel_access import environment as channel_access
    from trxas.session.session import open_session

    with tempfile.TemporaryDirectory() as folder, simulated_beamline(speed=SPEED) as address_list:
        configuration = load_configuration(address_list=address_list, data=Path(folder) / "session")
        with open_session(configuration) as session:
            results = bench(session, Path(folder))
        channel_access.silence()
    for name, numbers in results.items():
        print(f"{name:<14} " + "  ".join(f"{key} {value:.4g}" for key, value in numbers.items()))
    if options.json:
        write(results, options.json)
    return 0


def _run_window(options: argparse.Namespace) -> int:
    # Without a screen, whatever there is: numbers of different machines shall compare.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from trxas.benchmarks.window.measure import bench_window

    with tempfile.TemporaryDirectory() as folder:
        results = bench_window(Path(folder), options.seconds)
    for name, value in results.items():
        print(f"{name:<24} {value:.4g}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0
