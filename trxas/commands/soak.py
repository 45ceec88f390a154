"""`trxas soak`: hours of beam time with session, server and window, and whether any of them grows."""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

from trxas.commands.numbers import say, show_numbers
from trxas.commands.options import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas soak`."""
    parser = subparsers.add_parser("soak", help="measure for hours, and look whether any process grows")
    parser.add_argument("--hours", type=_hours, default=24.0, help="hours of beam time, more than the first")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulation")
    parser.add_argument("--speed", type=float, default=100.0, help="seconds of beam per second of wall time")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    parser.add_argument("--output", type=Path, help="folder for data and logs, made by this (default: temporary)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and print the numbers; 1 if anything grew, ended or stopped measuring."""
    from trxas.validation.robustness.soak import soak

    with tempfile.TemporaryDirectory(prefix="trxas-soak-") as temporary:
        folder = options.output or Path(temporary) / "soak"
        result = soak(folder, options.hours, seed=options.seed, speed=options.speed, say=say)
    show_numbers(result.as_json(), options.json)
    return int(not result.is_flat)


def _hours(text: str) -> float:
    hours = float(text)
    if not (math.isfinite(hours) and hours > 1.0):
        raise argparse.ArgumentTypeError(f"{text} is not a number of hours above 1, the time in which all may grow")
    return hours
