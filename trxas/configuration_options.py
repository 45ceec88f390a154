"""Options of a command line that choose the beamline and the data folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from trxas.configuration import Configuration, load_configuration


def add_configuration_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose the beamline and the data folder."""
    parser.add_argument("--config", type=Path, help="configuration file (default: TRXAS_CONFIG, or that of 7ID-D)")
    parser.add_argument("--address-list", help="hosts and ports of the control system, as EPICS_CA_ADDR_LIST")
    parser.add_argument("--prefix", help="text in front of every PV name")
    add_data_option(parser)


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """The data folder."""
    parser.add_argument("--data", type=Path, help="data folder (default: TRXAS_DATA, or ~/.local/share/trxas)")


def configuration_from(options: argparse.Namespace) -> Configuration:
    """The configuration those options ask for."""
    return load_configuration(
        getattr(options, "config", None),
        address_list=getattr(options, "address_list", None),
        prefix=getattr(options, "prefix", None),
        data=options.data,
    )
