"""`trxas chaos`: scans while everything fails, compared with scans while nothing does."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from trxas.commands.numbers import say, show_numbers
from trxas.commands.options import Subparsers

HANG_AFTER_S = 60.0
"""No exposure for so long is a hang: reconnecting to a dead IOC takes 9 s, starting a session up to 15 s."""


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas chaos`."""
    parser = subparsers.add_parser("chaos", help="let faults strike the simulated beamline, and look what is lost")
    parser.add_argument("--faults", type=_count, default=30, help="number of faults")
    parser.add_argument("--seed", type=int, default=1, help="seed of the faults and of the simulation")
    parser.add_argument("--speed", type=float, default=200.0, help="seconds of beam per second of wall time")
    parser.add_argument("--kinds", help="only these kinds, separated by commas")
    parser.add_argument("--hang-after", type=float, default=HANG_AFTER_S, help="seconds without exposure: a hang")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    parser.add_argument("--output", type=Path, help="empty folder for data and logs (default: a temporary one)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and print the numbers; 1 if anything was lost, doubled, wrong or stuck."""
    from trxas.validation.robustness.chaos import Chaos
    from trxas.validation.robustness.fault_schedule import plan_faults

    faults = plan_faults(options.faults, options.seed, _kinds(options.kinds))
    with tempfile.TemporaryDirectory(prefix="trxas-chaos-") as temporary:
        folder = options.output or Path(temporary)
        chaos = Chaos(folder, seed=options.seed, speed=options.speed, hang_after_s=options.hang_after, say=say)
        result = chaos.run(faults)
    show_numbers(result.as_json(), options.json)
    return int(not result.is_clean)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of faults from 1 to 100000")
    return count


def _kinds(text: str | None) -> tuple[str, ...]:
    from errors import InputError
    from trxas.validation.robustness.fault_schedule import ALL_KINDS

    chosen = ALL_KINDS if text is None else tuple(text.split(","))
    if unknown := set(chosen) - set(ALL_KINDS):
        raise InputError(f"Unknown kinds of faults: {', '.join(sorted(unknown))}. Known: {', '.join(ALL_KINDS)}.")
    return chosen
