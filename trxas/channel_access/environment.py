"""The environment Channel Access reads once, when its library is first used."""

from __future__ import annotations

import os
import shutil
import socket
import sys

from devices.configuration import EpicsSettings
from processes.detached import start_detached
from processes.waiting import wait_until
from trxas.channel_access.address_list import check_address_list
from trxas.channel_access.repeater import repeater_port

REPEATER_START_S = 5.0
"""Time for a repeater to start listening; libca complains if it finds none when it starts."""

LOOPBACK = ("127.0.0.1", "localhost")


def prepare(settings: EpicsSettings) -> None:
    """Point Channel Access at the configured hosts and no others; call before any PV is made.

    Raises ConfigurationError if the address list is wrong.
    """
    # Before the first PV of this process: libca reads the environment once, when its context is made, and no later
    # change has any effect. Without the automatic list it asks the configured hosts only; otherwise it would find every
    # IOC in the network that has PVs of the same names.
    check_address_list(settings.address_list)
    os.environ["EPICS_CA_ADDR_LIST"] = settings.address_list
    os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
    start_repeater(settings.address_list)


def start_repeater(address_list: str) -> None:
    """Start a CA repeater unless one runs; wait up to 5 s until it listens.

    It outlives this process, as clients in other programs may rely on it. The repeater of EPICS base is used where that
    is installed, otherwise that of this package, which listens on loopback only if all servers are there. Clients work
    without any repeater too, but notice a returning IOC only by their own searches.
    """
    if not _repeater_runs():
        start_detached(_repeater_command(address_list))
        wait_until(_repeater_runs, timeout_s=REPEATER_START_S)


def _repeater_command(address_list: str) -> list[str]:
    installed = shutil.which("caRepeater")
    if installed:
        return [installed]
    here = all(address.partition(":")[0] in LOOPBACK for address in address_list.split())
    return [sys.executable, "-m", "trxas.channel_access.repeater", *([LOOPBACK[0]] if here else [])]


def _repeater_runs() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", repeater_port()))
        except OSError:
            return True
    return False


def silence() -> None:
    """Suppress libca's own messages; call it before a simulated beamline is stopped on purpose."""
    from epics import ca

    ca.disable_ca_messages()
