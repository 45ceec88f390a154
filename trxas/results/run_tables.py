"""Stored runs and their checks as tables."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trxas.terminal.tables import table

if TYPE_CHECKING:
    from rich.table import Table

    from storage import RunSummary
    from storage.check import RunCheck, StoreCheck


def runs_table(runs: Sequence[RunSummary]) -> Table:
    """Return a table with a row per run, in the given order; times are local, points are counts."""
    columns = ("uid", "scan", "time", "plan", "edge", "points", "status", "sample", "resumes")
    used = columns if any(run.resumes for run in runs) else columns[:-1]
    rows = ([_cells(run)[column] for column in used] for run in runs)
    return table(used, rows, right=("scan", "points"))


def _cells(run: RunSummary) -> dict[str, str]:
    intended = "?" if run.points_intended is None else str(run.points_intended)
    return {
        "uid": run.uid[:8],
        "scan": str(run.scan_id or 0),
        "time": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.time_s)),
        "plan": run.plan_name,
        "edge": run.edge,
        "points": f"{run.points_done}/{intended}",
        "status": run.status,
        "sample": run.sample,
        "resumes": run.resumes[:8],
    }


def check_table(check: StoreCheck) -> Table:
    """Return a table with a row per run, and below it a row per further problem; events are counts."""
    columns = ("uid", "ended", "journal", "catalogue", "state")
    rows = [row for run in check.runs for row in _check_rows(run)]
    return table(columns, rows, right=("journal", "catalogue"))


def _check_rows(run: RunCheck) -> Iterator[Sequence[str]]:
    # One line per problem, with the run named once: a run with three problems is one run.
    first, *others = run.problems or ("sound",)
    yield run.uid[:8], run.ended, _count(run.events), _count(run.catalogued_events), first
    for problem in others:
        yield "", "", "", "", problem


def check_verdict(check: StoreCheck) -> str:
    """Return the problem of the whole catalogue, if there is one, and the number of runs that need a repair."""
    lines = [f"catalogue: {check.catalogue_problem}"] if check.catalogue_problem else []
    wrong = sum(bool(run.problems) for run in check.runs)
    return "\n".join([*lines, f"{len(check.runs)} runs, {wrong} of which need a repair"])


def _count(events: int | None) -> str:
    return "-" if events is None else str(events)
