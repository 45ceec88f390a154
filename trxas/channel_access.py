"""The environment Channel Access reads once, when its library is first used."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from devices.configuration import EpicsSettings

REPEATER_PORT = 5065
"""UDP port on which CA clients of one machine share beacons, unless EPICS_CA_REPEATER_PORT names another."""

REPEATER_START_S = 5.0
"""How long a repeater may take to listen; libca complains if it finds none when it starts."""

REPEATERS = ("caRepeater", "caproto-repeater")
"""Programs that can serve as the repeater, the one of EPICS base first."""


def prepare(settings: EpicsSettings) -> None:
    """Point Channel Access at the configured hosts and no others; call before any PV is made."""
    os.environ["EPICS_CA_ADDR_LIST"] = settings.address_list
    os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"
    start_repeater()


def start_repeater() -> None:
    """Start a CA repeater unless one runs; it outlives us, as clients of other programs come to rely on it.

    Without any repeater clients work too, but notice a returning IOC only by their own searches.
    """
    if _repeater_runs():
        return
    search_path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for name in REPEATERS:
        program = shutil.which(name, path=search_path)
        if program:
            subprocess.Popen(  # noqa: S603  # a program of a known name, without arguments
                [program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            _wait_for_repeater()
            return


def _wait_for_repeater() -> None:
    deadline = time.monotonic() + REPEATER_START_S
    while not _repeater_runs() and time.monotonic() < deadline:
        time.sleep(0.05)


def _repeater_runs() -> bool:
    port = int(os.environ.get("EPICS_CA_REPEATER_PORT", REPEATER_PORT))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def silence() -> None:
    """Stop libca's own messages: to be called before a simulated beamline of ours is stopped on purpose."""
    from epics import ca

    ca.disable_ca_messages()
