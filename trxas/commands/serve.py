"""`trxas serve`: relay, queue server, Tiled and, if wished, a simulated beamline in one command."""

from __future__ import annotations

import argparse
from pathlib import Path

from trxas.commands.options import Subparsers
from trxas.configuration_options import add_configuration_options, configuration_from


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas serve`."""
    parser = subparsers.add_parser("serve", help="start what windows need: relay, queue server, Tiled")
    add_configuration_options(parser)
    parser.add_argument("--sim", action="store_true", help="start a simulated beamline too")
    parser.add_argument("--speed", type=float, default=100.0, help="with --sim: seconds of beam per second")
    parser.add_argument("--seed", type=int, default=1, help="with --sim: seed")
    parser.add_argument("--sample", type=Path, help="with --sim: sample file (TOML)")
    parser.add_argument("--no-environment", action="store_true", help="leave the queue's session closed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    from trxas.announcements.server_file import ServeLock
    from trxas.serve.serving import ServeOptions, Serving

    configuration = configuration_from(options)
    root = configuration.storage.root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    lock = ServeLock(root)
    try:
        wanted = ServeOptions(_simulation(options), environment=not options.no_environment)
        return Serving(configuration, wanted, _say).run()
    finally:
        lock.release()


def _simulation(options: argparse.Namespace) -> tuple[str, ...] | None:
    if not options.sim:
        return None
    arguments = ["--seed", str(options.seed), "--speed", str(options.speed), "--macro", options.prefix or ""]
    return (*arguments, "--sample", str(options.sample)) if options.sample else tuple(arguments)


def _say(text: str) -> None:
    print(text, flush=True)
