"""`trxas ipython`: the scientist's session."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from errors import ConfigurationError
from trxas.channel_access import environment as channel_access
from trxas.commands.options import Subparsers
from trxas.configuration_options import add_configuration_options, configuration_from
from trxas.simulation import simulated_beamline

if TYPE_CHECKING:
    from trxas.session.session import Session


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas ipython`."""
    parser = subparsers.add_parser("ipython", help="an IPython session with RE, devices, plans and db")
    add_configuration_options(parser)
    parser.add_argument("--sim", action="store_true", help="start a simulated beamline for this session")
    parser.add_argument("--speed", type=float, default=100.0, help="with --sim: seconds of beam per second")
    parser.add_argument("--seed", type=int, default=1, help="with --sim: seed")
    parser.add_argument("--read-only", action="store_true", help="look beside the session that holds the beamline")
    parser.add_argument("-c", "--command", help="run this and exit")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start IPython with the startup files of profile_collection."""
    with contextlib.ExitStack() as stack:
        if options.sim:
            options.address_list = stack.enter_context(
                simulated_beamline(seed=options.seed, speed=options.speed, meanwhile=_load_libraries)
            )
            stack.callback(channel_access.silence)
        configuration = configuration_from(options)
        from trxas.session.session import open_session

        session = stack.enter_context(open_session(configuration, read_only=options.read_only))
        _start(session, options.command)
    return 0


def startup_files() -> list[Path]:
    """The numbered files of profile_collection/startup, in order; raises ConfigurationError if there are none."""
    folder = Path(__file__).parents[2] / "profile_collection" / "startup"
    files = sorted(folder.glob("[0-9]*.py"))
    if not files:
        raise ConfigurationError(f"No startup files in {folder}. Install trxas from its checkout with `make`.")
    return files


def _load_libraries() -> None:
    from trxas.session.session import load_libraries

    load_libraries()


def _start(session: Session, command: str | None) -> None:
    from IPython import start_ipython
    from traitlets.config import Config

    config = Config()
    config.InteractiveShellApp.exec_files = [str(path) for path in startup_files()]
    config.TerminalIPythonApp.display_banner = False
    config.HistoryManager.hist_file = str(session.store.root / "ipython-history.sqlite")
    # Completion by evaluation, so that it knows the devices; jedi would read the source of every library.
    config.Completer.use_jedi = False
    arguments = [] if command is None else ["-c", command]
    start_ipython(argv=arguments, config=config, user_ns={"session": session})
