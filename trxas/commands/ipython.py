"""`trxas ipython`: the scientist's session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from errors import ConfigurationError
from trxas.commands.options import OptionalSample, OptionalSeed, OptionalSpeed
from trxas.configuration_options import BeamlineOptions

if TYPE_CHECKING:
    from traitlets.config import Config

    from trxas.session.session import Session


@dataclass(frozen=True, kw_only=True)
class IPythonOptions(BeamlineOptions):
    """Options of `trxas ipython`."""

    sim: Annotated[bool, typer.Option("--sim", help="Start a simulated beamline for this session.")] = False
    speed: OptionalSpeed = 100.0
    seed: OptionalSeed = 1
    sample: OptionalSample = None
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only", help="Read-only: open beside the session that holds the beamline, and run no plans."
        ),
    ] = False
    command: Annotated[
        str | None, typer.Option("--command", "-c", metavar="CODE", help="Run this Python code and exit.")
    ] = None


def run(options: IPythonOptions) -> int:
    """Open an IPython session with RE, devices, plans and db."""
    # The order matters at the end: the session closes first, while its beamline still answers, then libca is silenced,
    # then the simulation stops. Otherwise libca would report every PV as lost on the terminal of a person who has just
    # typed `exit`.
    with contextlib.ExitStack() as stack:
        address_list = options.address_list
        if options.sim:
            address_list = stack.enter_context(_simulation(options, options.configuration().simulation_options))
        configuration = options.at(address_list)
        from trxas.session.session import open_session

        session = stack.enter_context(open_session(configuration, read_only=options.read_only))
        _start(session, options.command)
    return 0


def startup_files() -> list[Path]:
    """Return the numbered files of profile_collection/startup in order; raise ConfigurationError if there are none."""
    folder = Path(__file__).parents[2] / "profile_collection" / "startup"
    files = sorted(folder.glob("[0-9]*.py"))
    if not files:
        raise ConfigurationError(f"No startup files in {folder}. Install trxas from its checkout with `make`.")
    return files


@contextlib.contextmanager
def _simulation(options: IPythonOptions, hardware: Sequence[str]) -> Iterator[str]:
    from trxas.channel_access import environment as channel_access
    from trxas.simulation import sample_label, simulated_beamline

    if options.sample:
        sample_label(options.sample)  # raises before anything starts
    with simulated_beamline(
        seed=options.seed, speed=options.speed, sample=options.sample, options=hardware, meanwhile=_load_libraries
    ) as address_list:
        try:
            yield address_list
        finally:
            channel_access.silence()


def _load_libraries() -> None:
    # Not the catalogue: the session opens it in the background, when the prompt is there.
    import trxas.session.session  # noqa: F401


def _start(session: Session, command: str | None) -> None:
    from IPython import start_ipython

    config = shell_configuration(session.store.root)
    arguments = [] if command is None else ["-c", command]
    start_ipython(argv=arguments, config=config, user_ns={"session": session})


def shell_configuration(root: Path) -> Config:
    """Return the settings of the shell; its history is in the data folder `root` if that can be written.

    Raises ConfigurationError if there are no startup files.
    """
    from traitlets.config import Config

    from trxas.configured_store import is_read_only

    config = Config()
    # The files run in the namespace of the prompt, so every name that they define can be typed.
    config.InteractiveShellApp.exec_files = [str(path) for path in startup_files()]
    config.TerminalIPythonApp.display_banner = False
    if is_read_only(root):
        # A read-only session must not write into the folder of the session that measures.
        config.HistoryManager.enabled = False
    else:
        config.HistoryManager.hist_file = str(root / "ipython-history.sqlite")
    # Completion by evaluation, so that it knows the devices; jedi would read the source of every library.
    config.Completer.use_jedi = False
    return config
