"""The configuration of a session on a machine that has much else to do."""

from __future__ import annotations

from dataclasses import replace

from tests.support.waiting import WAIT_S
from trxas.configuration import Configuration


def patient(configuration: Configuration) -> Configuration:
    """`configuration`, but connecting may take longer than the 5 s that are enough at a beamline."""
    line = configuration.beamline
    return replace(configuration, beamline=replace(line, epics=replace(line.epics, connection_timeout_s=WAIT_S)))
