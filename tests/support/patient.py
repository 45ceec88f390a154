"""The configuration of a session on a machine that has much else to do."""

from __future__ import annotations

from dataclasses import replace

from tests.support.waiting import WAIT_S
from trxas.configuration import Configuration


def patient(configuration: Configuration) -> Configuration:
    """Return `configuration` with time-outs of `WAIT_S` for connections, exposures, images and the cell.

    At a beamline 5 to 10 s are enough; on a machine with four other tasks a healthy IOC may take longer.
    """
    line = configuration.beamline
    line = replace(
        line,
        epics=replace(line.epics, connection_timeout_s=WAIT_S),
        exposure=replace(line.exposure, margin_s=WAIT_S),
        pilatus=line.pilatus and replace(line.pilatus, connection_timeout_s=WAIT_S, margin_s=WAIT_S),
    )
    return replace(configuration, beamline=line)
