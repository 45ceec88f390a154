"""`trxas doctor`: which PVs are alive, disconnected or out of range."""

from __future__ import annotations

import argparse
import time

from errors import StorageError
from trxas.commands.options import Subparsers
from trxas.configuration import Configuration
from trxas.configuration_options import add_configuration_options, configuration_from


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas doctor`."""
    parser = subparsers.add_parser("doctor", help="show the state of every PV")
    add_configuration_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one line per PV, and the calibrations; exit code 1 if any is not well."""
    configuration = configuration_from(options)
    from trxas.channel_access import environment as channel_access

    channel_access.prepare(configuration.beamline.epics)
    from devices.beamline import build_beamline
    from devices.session.health import PvState, diagnose

    beamline = build_beamline(configuration.beamline)
    _wait(beamline, configuration.beamline.epics.connection_timeout_s)
    health = diagnose(beamline)
    width = max(len(entry.pv) for entry in health)
    for entry in health:
        print(f"{entry.pv:<{width}}  {entry.state:<12}  {entry.value:<24}  {entry.remark}".rstrip())
    counts = {state: sum(entry.state is state for entry in health) for state in PvState}
    print(f"\n{configuration.beamline.name} at {configuration.beamline.epics.address_list}: "
          + ", ".join(f"{count} {state}" for state, count in counts.items()))  # fmt: skip
    sound = _show_calibrations(configuration)
    return 0 if sound and counts[PvState.ALIVE] == len(health) else 1


def _show_calibrations(configuration: Configuration) -> bool:
    """Print the calibrations a session would use; returns whether they can be read."""
    from trxas.session.calibrations import calibration_file, calibration_lines

    try:
        lines = calibration_lines(calibration_file(configuration))
    except StorageError as error:
        print(error)
        return False
    print("\n".join(f"calibrated: {line}" for line in lines) or "calibrated: nothing yet, all as configured")
    return True


def _wait(beamline: object, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while beamline.disconnected() and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.05)
