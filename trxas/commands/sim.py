"""`trxas sim`: serve the simulated beamline in the foreground."""

from __future__ import annotations

import argparse
import os

from trxas.commands.options import Subparsers
from trxas.simulation import simulation_command


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas sim`; its options belong to the simulation and are handed on as they are."""
    parser = subparsers.add_parser("sim", help="serve the simulated beamline", add_help=False, prefix_chars="\0")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Become the simulation's process, so that signals reach it directly."""
    command = simulation_command(options.arguments)
    os.execv(command[0], command)  # noqa: S606  # our own interpreter and module
