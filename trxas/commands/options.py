"""Options that several commands share, and the way from a dataclass of options to a command."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

import typer

from errors import InputError

Options = TypeVar("Options")


def _require_folder(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written before anything is measured; raises InputError."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise InputError(f"--json {path}: give a file in a folder that exists.")
    return path


JsonFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", callback=_require_folder, help="Write the numbers to this file too."),
]
JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Workers: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Number of processes that reduce at the same time; they share this machine.")
]
Scheduler: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS", help="Reduce on the Dask cluster of this scheduler, such as tcp://host:8786, instead."
    ),
]
SimulationSeed: TypeAlias = Annotated[int, typer.Option(help="Seed of the simulation.")]
SimulationSpeed: TypeAlias = Annotated[float, typer.Option(help="Seconds of beam time per second of wall time.")]
SampleOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="Sample of the simulation: the name of a shipped one, or a TOML file."),
]
OptionalSample: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="With --sim: name of a shipped sample, or a sample file (TOML)."),
]
OptionalSeed: TypeAlias = Annotated[int, typer.Option(help="With --sim: seed of the simulation.")]
OptionalSpeed: TypeAlias = Annotated[
    float, typer.Option(help="With --sim: seconds of beam time per second of wall time.")
]
EmptyFolder: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Empty folder for data and logs (default: a temporary one).")
]


MeasuredConfiguration: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration of the beamline (default: TRXAS_CONFIG, or 7ID-D)."),
]


def put_in_use(configuration: Path | None) -> None:
    """Make a configuration file that of this process and of all that it starts; None changes nothing.

    Raises ConfigurationError with every fault of the file.
    """
    if configuration is None:
        return
    from trxas.configuration import load_configuration

    # Checked here, before any process starts; sessions, server and window of a run all read the variable.
    os.environ["TRXAS_CONFIG"] = str(load_configuration(configuration).path.resolve())


def command_of(run: Callable[[Options], int], options: type[Options]) -> Callable[..., int]:
    """Return `run` as a function with one parameter per field of its dataclass of `options`, as typer reads them.

    Raises NameError if an annotation of a field names something that its module does not import.
    """
    # typer reads the parameters of a function; the options of a command are a dataclass, so that they can be inherited,
    # checked by mypy and made in tests. The signature is made here from its fields. The annotations are evaluated in
    # the module of the dataclass, since they are texts there.
    hints = get_type_hints(options, include_extras=True)
    fields = [field for field in dataclasses.fields(options) if field.init]  # type: ignore[arg-type]  # a dataclass

    @functools.wraps(run)
    def command(**values: Any) -> int:
        return run(options(**values))

    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect
    command.__annotations__ = {field.name: hints[field.name] for field in fields}
    del command.__wrapped__  # inspect would follow it to the signature of `run`
    return command
