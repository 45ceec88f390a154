"""Stored runs, and their checks, as lines of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage import RunSummary
    from storage.check import StoreCheck


def runs_table(runs: Sequence[RunSummary]) -> str:
    """Runs as lines of text, with a heading."""
    heading = f"{'uid':8}  {'scan':>5}  {'time':19}  {'plan':12}  {'edge':6}  {'points':>11}  {'status':11}  sample"
    return "\n".join([heading, *(_line(run) for run in runs)])


def _line(run: RunSummary) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.time_s))
    points = f"{run.points_done}/{'?' if run.points_intended is None else run.points_intended}"
    head = f"{run.uid[:8]}  {run.scan_id or 0:>5}  {when}  {run.plan_name:12}  {run.edge:6}  {points:>11}"
    resumes = f"  resumes {run.resumes[:8]}" if run.resumes else ""
    return f"{head}  {run.status:11}  {run.sample}{resumes}"


def check_table(check: StoreCheck) -> str:
    """A line per run, its problems below it, and a line that sums up."""
    lines = [f"catalogue: {check.catalogue_problem}"] if check.catalogue_problem else []
    lines.append(f"{'uid':8}  {'ended':7}  {'journal':>8}  {'catalogue':>9}")
    for run in check.runs:
        events = (_count(run.events), _count(run.catalogued_events))
        lines.append(f"{run.uid[:8]}  {run.ended:7}  {events[0]:>8}  {events[1]:>9}  {'' if run.problems else 'sound'}")
        lines += [f"          {problem}" for problem in run.problems]
    wrong = sum(bool(run.problems) for run in check.runs)
    return "\n".join([*lines, f"{len(check.runs)} runs, {wrong} with something to mend"])


def _count(events: int | None) -> str:
    return "-" if events is None else str(events)
