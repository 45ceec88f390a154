"""Name and progress of a run, in words."""

from __future__ import annotations

from gui.live.frame import LiveFrame, RunHeader


def run_text(run: RunHeader) -> str:
    """Return scan number (or the start of the uid), sample, edge and plan."""
    number = f"scan {run.scan_id}" if run.scan_id is not None else run.uid[:8]
    return " · ".join(part for part in (number, run.sample, run.edge, run.plan_name.replace("_", " ")) if part)


def progress_text(frame: LiveFrame) -> str:
    """Return the numbers of exposures measured, planned and rejected, in words: "12 of 54 exposures, 1 rejected"."""
    planned = frame.run.exposures if frame.run else None
    text = f"{frame.events} of {planned} exposures" if planned else f"{frame.events} exposures"
    return f"{text}, {frame.rejected} rejected" if frame.rejected else text
