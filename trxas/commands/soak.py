"""`trxas soak`: hours of beam time with session, server and window, to see whether any of them grows."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from trxas.commands.numbers import say, show_numbers
from trxas.commands.options import JsonFile, SimulationSeed, SimulationSpeed


def _require_more_than_one_hour(hours: float) -> float:
    if not (math.isfinite(hours) and hours > 1.0):
        raise typer.BadParameter(f"{hours:g}: give more than 1 h of beam time; in the first hour growth is normal.")
    return hours


@dataclass(frozen=True, kw_only=True)
class SoakOptions:
    """Options of `trxas soak`."""

    hours: Annotated[
        float, typer.Option(callback=_require_more_than_one_hour, help="Hours of beam time, more than 1.")
    ] = 24.0
    seed: SimulationSeed = 1
    speed: SimulationSpeed = 100.0
    json: JsonFile = None
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for data and logs, which this command creates (default: temporary)."
        ),
    ] = None


def run(options: SoakOptions) -> int:
    """Measure for hours; report whether any process grows.

    The exit code is 1 if a process grew, ended or stopped measuring.
    """
    from trxas.validation.robustness.soak import soak

    with tempfile.TemporaryDirectory(prefix="trxas-soak-") as temporary:
        # A subfolder: `soak` creates its folder, so that data of an earlier soak are never continued.
        folder = options.output or Path(temporary) / "soak"
        result = soak(folder, options.hours, seed=options.seed, speed=options.speed, report=say)
    show_numbers(result.as_json(), options.json)
    return int(not result.is_flat)
