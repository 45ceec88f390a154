"""`trxas ipython`: the scientist's session."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

from errors import ConfigurationError
from trxas import channel_access
from trxas.commands.options import Subparsers, add_configuration_options, configuration_from
from trxas.configuration import Configuration
from trxas.simulation import simulated_beamline


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas ipython`."""
    parser = subparsers.add_parser("ipython", help="an IPython session with RE, devices, plans and db")
    add_configuration_options(parser)
    parser.add_argument("--sim", action="store_true", help="start a simulated beamline for this session")
    parser.add_argument("--speed", type=float, default=100.0, help="with --sim: seconds of beam per second")
    parser.add_argument("--seed", type=int, default=1, help="with --sim: seed")
    parser.add_argument("-c", "--command", help="run this and exit")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start IPython with the startup files of profile_collection."""
    with contextlib.ExitStack() as stack:
        if options.sim:
            options.address_list = stack.enter_context(simulated_beamline(seed=options.seed, speed=options.speed))
        configuration = configuration_from(options)
        configuration.storage.root.mkdir(parents=True, exist_ok=True)
        _export(configuration)
        _start(configuration, options.command)
        if options.sim:
            channel_access.silence()
    return 0


def startup_files() -> list[Path]:
    """The numbered files of profile_collection/startup, in order; raises ConfigurationError if there are none."""
    folder = Path(__file__).parents[2] / "profile_collection" / "startup"
    files = sorted(folder.glob("[0-9]*.py"))
    if not files:
        raise ConfigurationError(f"No startup files in {folder}. Install trxas from its checkout with `make`.")
    return files


def _export(configuration: Configuration) -> None:
    """Hand the configuration to the startup files the way a user's shell would."""
    epics = configuration.beamline.epics
    os.environ |= {
        "TRXAS_CONFIG": str(configuration.path),
        "TRXAS_DATA": str(configuration.storage.root),
        "TRXAS_PREFIX": epics.prefix,
        "EPICS_CA_ADDR_LIST": epics.address_list,
    }


def _start(configuration: Configuration, command: str | None) -> None:
    from IPython import start_ipython
    from traitlets.config import Config

    config = Config()
    config.InteractiveShellApp.exec_files = [str(path) for path in startup_files()]
    config.TerminalIPythonApp.display_banner = False
    config.HistoryManager.hist_file = str(configuration.storage.root / "ipython-history.sqlite")
    # Completion by evaluation, so that it knows the devices; jedi would read the source of every library.
    config.Completer.use_jedi = False
    arguments = [] if command is None else ["-c", command]
    start_ipython(argv=arguments, config=config)
