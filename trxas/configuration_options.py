"""Options of a command line that choose the beamline and the data folder."""

from __future__ import annotations

from dataclasses import dataclass
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
            help="Hosts and ports of the control system, separated by spaces, as in EPICS_CA_ADDR_LIST.",
        ),
    ] = None
    prefix: Annotated[str | None, typer.Option(metavar="TEXT", help="Prefix of every PV name.")] = None

    def configuration(self) -> Configuration:
        """Return the configuration that these options choose; raises ConfigurationError if its file is wrong."""
        return self.at(self.address_list)

    def at(self, address_list: str | None) -> Configuration:
        """Return the same configuration for a control system at another `address_list`; raises ConfigurationError."""
        from trxas.configuration import load_configuration

        return load_configuration(self.config, address_list=address_list, prefix=self.prefix, data=self.data)
