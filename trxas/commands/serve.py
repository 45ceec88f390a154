"""`trxas serve`: relay, queue server, Tiled and, if wanted, a simulated beamline in one command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from trxas.commands.numbers import say
from trxas.commands.options import OptionalSample, OptionalSeed, OptionalSpeed
from trxas.configuration_options import BeamlineOptions


@dataclass(frozen=True, kw_only=True)
class ServeCommandOptions(BeamlineOptions):
    """Options of `trxas serve`."""

    sim: Annotated[bool, typer.Option("--sim", help="Start a simulated beamline too.")] = False
    speed: OptionalSpeed = 100.0
    seed: OptionalSeed = 1
    sample: OptionalSample = None
    no_environment: Annotated[
        bool, typer.Option("--no-environment", help="Do not open the session in which the queue's plans run.")
    ] = False

    page: Annotated[bool, typer.Option("--page", help="Serve a read-only page for phones and for people at home.")] = (
        False
    )

    def simulation(self, hardware: Sequence[str]) -> tuple[str, ...] | None:
        """Return the options of the simulated beamline, `hardware` among them; None without a simulation."""
        if not self.sim:
            return None
        arguments = ["--seed", str(self.seed), "--speed", str(self.speed), "--macro", self.prefix or "", *hardware]
        return (*arguments, "--sample", self.sample) if self.sample else tuple(arguments)


def run(options: ServeCommandOptions) -> int:
    """Start what windows need: relay, queue server, Tiled.

    Serves one data folder until Ctrl-C or SIGTERM. With --sim there is a simulated beamline too.
    """
    from trxas.announcements.server_file import ServeLock
    from trxas.channel_access.address_list import check_address_list
    from trxas.serve.serving import ServeOptions, Serving
    from trxas.simulation import sample_label

    configuration = options.configuration()
    if options.sim and options.sample:
        sample_label(options.sample)  # raises before anything starts
    if not options.sim:
        check_address_list(configuration.beamline.epics.address_list)
    root = configuration.storage.root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    # The lock comes before anything starts: a second server of this folder must end before it has written a file or
    # taken a port of the first one.
    lock = ServeLock(root)
    try:
        wanted = ServeOptions(
            simulation=options.simulation(configuration.simulation_options),
            environment=not options.no_environment,
            page=options.page or configuration.serve.page,
        )
        return Serving(configuration, wanted, say).run()
    finally:
        lock.release()
