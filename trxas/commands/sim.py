"""`trxas sim`: serve the simulated beamline in the foreground."""

from __future__ import annotations

import os
from typing import Any

import typer

from trxas.simulation import simulation_command

PASS_ON: dict[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}
"""Settings of a command that takes no option itself: all belong to the simulation, `--help` too."""


def run(context: typer.Context) -> int:
    """Serve the simulated beamline until Ctrl-C.

    The options are those of the simulation; `trxas sim --help` lists them.
    """
    # Become the simulation's process, so that signals reach it directly.
    command = simulation_command(context.args)
    os.execv(command[0], command)  # noqa: S606  # our own interpreter and module
