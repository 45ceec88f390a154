"""The first lines of a session."""

from __future__ import annotations

from plugins.entry_points import load_results
from trxas.session.calibrations import calibration_file, calibration_lines
from trxas.session.resume import unfinished_runs
from trxas.session.session import Session
from trxas.techniques import parts

EXAMPLES = {
    "xas": 'RE(energy_scan("Br K", delay_ps=100, dwell_s=6, repeats=2, sample="CsPbBr3"))',
    **{name: module.EXAMPLE for name, module in parts("trxas.prompt", "example").items()},
}
"""A first scan by the technique that a configuration names first."""


def welcome(session: Session) -> str:
    """Return the lines: beamline, data, devices, plans, an example, calibrations, safety, interrupted runs.

    Raises StorageError if the calibrations cannot be read.
    """
    epics = session.configuration.beamline.epics
    lines = [
        f"trxas on {session.configuration.beamline.name}, PVs at {epics.address_list}, data in {session.store.root}",
        f"devices: {', '.join(session.beamline.devices)}",
        f"plans: {', '.join(session.plans())}    stored runs: db, night(), show(-1), reduce(-1), note(-1)",
    ]
    if example := EXAMPLES.get(session.configuration.beamline.techniques[0]):
        lines.append(f"try: {example}")
    # Calibrations and guards are stated at every start, because they decide whether the numbers of this session can be
    # compared with those of the last one, and whether anything closes the shutters if it dies.
    lines += [f"calibrated: {line}" for line in calibration_lines(calibration_file(session.configuration))]
    if session.beamline.energy.is_there:
        lines.append(session.beamline.ring.state_text())
    lines += safety_lines(session)
    recovery = session.store.recovery
    if recovery.closed:
        lines.append(f"{len(recovery.closed)} interrupted runs were found and closed; runs() lists them")
    lines += [f'interrupted: resume_run("{uid[:8]}") measures what it lacks' for uid in unfinished_runs(session.store)]
    lines += plug_in_lines()
    lines += [f"run {uid} could not be stored: {reason}" for uid, reason in recovery.failed.items()]
    return "\n".join(lines)


def plug_in_lines() -> list[str]:
    """Return a line for every plug-in that has been loaded: what it brings, or why it cannot be used."""
    return [
        one.problem or f"plug-in: {one.plug_in.package} {one.plug_in.version} brings {', '.join(one.brought)}"
        for one in load_results()
    ]


def safety_lines(session: Session) -> list[str]:
    """Return lines on who holds the beamline and which guards are missing; none if nothing is wrong.

    Raises NotConnectedError if the IOC of the guards does not answer.
    """
    line = session.beamline
    lines = []
    if session.read_only:
        holder = line.holder.held_by()[0] if line.holder is not None else ""
        lines.append(f"read-only: plans are refused; {holder or 'nobody'} holds the beamline")
    if line.holder is None:
        lines.append("no [holder] in the configuration: another session could move the beamline at the same time")
    if line.safety is None:
        lines.append("no [safety] in the configuration: no IOC closes the shutters if this process dies")
    elif (state := line.safety.state) != "OK":
        lines.append(
            f"safety: {state}" + ("; find out why, then call session.reset_safety()" if state == "Tripped" else "")
        )
    return lines
