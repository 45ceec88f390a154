"""The first lines of a session."""

from __future__ import annotations

from trxas.calibrations import calibration_file, calibration_lines
from trxas.resume import unfinished_runs
from trxas.session import Session

EXAMPLE = 'RE(energy_scan("Br K", delay_ps=100, dwell_s=6, repeats=2, sample="CsPbBr3"))'


def welcome(session: Session) -> str:
    """Where one is, what there is, and what to type."""
    epics = session.configuration.beamline.epics
    lines = [
        f"trxas on {session.configuration.beamline.name}, PVs at {epics.address_list}, data in {session.store.root}",
        f"devices: {', '.join(session.beamline.devices)}",
        f"plans: {', '.join(session.plans())}    stored runs: db, runs(), show(-1), reduce(-1)",
        f"try: {EXAMPLE}",
    ]
    lines += [f"calibrated: {line}" for line in calibration_lines(calibration_file(session.configuration))]
    recovery = session.store.recovery
    if recovery.closed:
        lines.append(f"{len(recovery.closed)} interrupted runs were found and stored; runs() lists them")
    lines += [f'interrupted: resume_run("{uid[:8]}") measures what it lacks' for uid in unfinished_runs(session.store)]
    lines += [f"run {uid} could not be stored: {reason}" for uid, reason in recovery.failed.items()]
    return "\n".join(lines)
