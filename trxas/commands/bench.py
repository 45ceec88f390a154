"""`trxas bench`: speed as ratios, on a simulated beamline of its own."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from trxas.commands.options import Subparsers
from trxas.configuration import load_configuration
from trxas.simulation import simulated_beamline


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas bench`."""
    parser = subparsers.add_parser("bench", help="measure speed, as ratios")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from trxas import channel_access
    from trxas.bench import SPEED, bench, write
    from trxas.session import open_session

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
