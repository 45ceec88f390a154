"""`trxas kills`: SIGKILL for every process of a beamline at work, and what is lost by it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from trxas.commands.numbers import say, show_numbers
from trxas.commands.options import Subparsers

HANG_AFTER_S = 120.0
"""No exposure for so long is a hang: a dead IOC is found again within 10 s, a session starts within 15 s."""


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas kills`."""
    parser = subparsers.add_parser("kills", help="kill session, writer, IOC, server and window, and look what is lost")
    parser.add_argument("--kills", type=_count, default=20, help="number of kills")
    parser.add_argument("--seed", type=int, default=1, help="seed of the kills and of the simulation")
    parser.add_argument("--speed", type=float, default=200.0, help="seconds of beam per second of wall time")
    parser.add_argument("--hang-after", type=float, default=HANG_AFTER_S, help="seconds without exposure: a hang")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    parser.add_argument("--output", type=Path, help="empty folder for data and logs (default: a temporary one)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and print the numbers; 1 if anything was lost, doubled, wrong or stuck."""
    from trxas.validation.robustness.kill_schedule import plan_kills
    from trxas.validation.robustness.kills import Kills

    with tempfile.TemporaryDirectory(prefix="trxas-kills-") as temporary:
        folder = options.output or Path(temporary)
        harness = Kills(folder, seed=options.seed, speed=options.speed, hang_after_s=options.hang_after, say=say)
        result = harness.run(plan_kills(options.kills, options.seed))
    show_numbers(result.as_json(), options.json)
    return int(not result.is_clean)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of kills from 1 to 100000")
    return count
