"""Options of a command line that choose the beamline and the data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trxas.configuration import Configuration


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """The data folder of the beamline that TRXAS_CONFIG or the default configuration describes."""

    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Data folder (default: TRXAS_DATA, or ~/.local/share/trxas).")
    ] = None

    def configuration(self) -> Configuration:
        """Return the configuration that these options choose; raises ConfigurationError if its file is wrong."""
        from trxas.configuration import load_configuration

        return load_configuration(data=self.data)


@dataclass(frozen=True, kw_only=True)
class StoreOptions(DataOptions):
    """The data folder and the configuration file."""

    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Configuration file (default: TRXAS_CONFIG, or that of 7ID-D)."),
    ] = None

    def configuration(self) -> Configuration:
        """Return the configuration that these options choose; raises ConfigurationError if its file is wrong."""
        from trxas.configuration import load_configuration

        return load_configuration(self.config, data=self.data)


@dataclass(frozen=True, kw_only=True)
class BeamlineOptions(StoreOptions):
    """The data folder, the configuration file, and where the control system is."""

    address_list: Annotated[
        str | None,
        typer.Option(
            metavar="HOSTS",
            help="Hosts and ports of the control system, separated by spaces, as in EPICS_CA_ADDR_LIST (default: that "
            "of the server of the data folder, if one runs, otherwise that of the configuration).",
        ),
    ] = None
    prefix: Annotated[str | None, typer.Option(metavar="TEXT", help="Prefix of every PV name.")] = None

    def configuration(self) -> Configuration:
        """Return the configuration that these options choose; raises ConfigurationError if its file is wrong."""
        return self.at(self.address_list)

    def at(self, address_list: str | None) -> Configuration:
        """Return the same configuration for a control system at another `address_list`; raises ConfigurationError.

        None is that of the environment, of the server of the data folder, or of the file, the first that there is.
        """
        from trxas.configuration import load_configuration

        found = load_configuration(self.config, address_list=address_list, prefix=self.prefix, data=self.data)
        return found if address_list or os.environ.get("EPICS_CA_ADDR_LIST") else _as_served(found)


def _as_served(configuration: Configuration) -> Configuration:
    """Return the configuration with the control system of the folder's server, which `trxas serve --sim` starts."""
    from trxas.announcements.server_file import read_state

    state = read_state(configuration.storage.root.resolve())
    if state is None or not state.epics:
        return configuration
    epics = replace(configuration.beamline.epics, address_list=state.epics)
    return replace(configuration, beamline=replace(configuration.beamline, epics=epics))
