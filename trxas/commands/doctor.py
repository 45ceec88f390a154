"""`trxas doctor`: which PVs are alive, disconnected or out of range."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from errors import StorageError
from processes.waiting import wait_until
from trxas.commands.options import JsonFlag
from trxas.configuration_options import BeamlineOptions

if TYPE_CHECKING:
    from devices.supervision.health import PvHealth
    from trxas.commands.trouble import Trouble
    from trxas.configuration import Configuration


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(BeamlineOptions):
    """Options of `trxas doctor`."""

    json: JsonFlag = False


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Troubles of the machine, the state of every PV, and the calibrations a session would use.

    `calibration_problem`: why the calibrations cannot be read, "" if they can.
    """

    beamline: str
    address_list: str
    troubles: list[Trouble]
    pvs: list[PvHealth]
    calibrations: list[str]
    calibration_problem: str

    def count(self, state: str) -> int:
        """Return the number of PVs in a state."""
        return sum(entry.state == state for entry in self.pvs)

    @property
    def is_sound(self) -> bool:
        """Whether there is no fault, every PV is alive and within its limits, and the calibrations can be read."""
        faults = any(trouble.is_fault for trouble in self.troubles)
        return not (faults or self.calibration_problem) and self.count("alive") == len(self.pvs)


def run(options: DoctorOptions) -> int:
    """Show the state of every PV, and find the usual troubles.

    Looks for troubles of the address list, the interfaces of this machine, silent hosts and firewalls, PVs that two
    servers answer for, the environment, installed versions, data folder, disk, permissions, clocks, and for other
    sessions; each is reported with what to do. Lists the calibrations in use. The exit code is 1 if there is a fault, a
    PV is disconnected or out of range, or the calibrations cannot be read.
    """
    configuration = options.configuration()
    diagnosis = _diagnose(configuration)
    if options.json:
        print(json.dumps({"is_sound": diagnosis.is_sound, **asdict(diagnosis)}, indent=2))
    else:
        _show(diagnosis)
    return 0 if diagnosis.is_sound else 1


def calibrations_of(configuration: Configuration) -> tuple[list[str], str]:
    """Return a line per calibration that a session would use, and why they cannot be read ("" if they can).

    A damaged file raises nothing: it is reported like the other problems.
    """
    from trxas.session.calibrations import calibration_file, calibration_lines

    try:
        return calibration_lines(calibration_file(configuration)), ""
    except StorageError as error:
        return [], str(error)


def _diagnose(configuration: Configuration) -> Diagnosis:
    from trxas.channel_access import environment as channel_access

    epics = configuration.beamline.epics
    # Before the environment of this process is changed: it is that of the other tools of this login.
    environment = dict(os.environ)
    channel_access.prepare(epics)
    from devices.assembly import build_beamline
    from devices.supervision.health import PvState, diagnose
    from trxas.commands.clocks import clock_troubles, watched_clocks
    from trxas.commands.network_troubles import automatic_list, silent_hosts
    from trxas.commands.plugins import plug_in_troubles
    from trxas.commands.troubles import troubles_of
    from trxas.commands.two_servers import find_servers, two_servers

    beamline = build_beamline(configuration.beamline)
    # All PVs connect at the same time: this takes as long as the slowest, and the whole time-out only if one is
    # missing.
    wait_until(lambda: not beamline.disconnected(), timeout_s=epics.connection_timeout_s)
    lines, problem = calibrations_of(configuration)
    stamps = (signal.timestamp for signal in beamline.signals() if signal.connected)
    # Only if PVs are missing: every host that is silent costs 2 s.
    silent = silent_hosts(epics.address_list) if beamline.disconnected() else ()
    pvs = diagnose(beamline)
    return Diagnosis(
        beamline=configuration.beamline.name,
        address_list=epics.address_list,
        pvs=pvs,
        troubles=[
            *troubles_of(configuration),
            *automatic_list(environment, epics.address_list),
            *silent,
            *two_servers(find_servers([entry.pv for entry in pvs], epics.address_list)),
            *clock_troubles(watched_clocks([entry.pv for entry in pvs if entry.state == PvState.ALIVE]), stamps),
            *plug_in_troubles(),
        ],
        calibrations=lines,
        calibration_problem=problem,
    )


def _show(diagnosis: Diagnosis) -> None:
    from devices.supervision.health import PvState
    from trxas.terminal.tables import print_table, table

    rows = [(entry.pv, str(entry.state), entry.value, entry.remark) for entry in diagnosis.pvs]
    print_table(table(("PV", "state", "value", "remark"), rows))
    counts = ", ".join(f"{diagnosis.count(state)} {state}" for state in PvState)
    print(f"\n{diagnosis.beamline} at {diagnosis.address_list}: {counts}")
    for trouble in diagnosis.troubles:
        print(trouble)
    if diagnosis.calibration_problem:
        print(diagnosis.calibration_problem)
    else:
        lines = [f"calibrated: {line}" for line in diagnosis.calibrations]
        print("\n".join(lines) or "calibrated: nothing yet; the configured values are used")
