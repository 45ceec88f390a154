"""The latest complete run of a plan that measures a calibration."""

from __future__ import annotations

from storage import RunSummary, Store, list_runs


def latest_complete(store: Store, plan_name: str) -> RunSummary | None:
    """Return the newest run of a plan that was measured to its end; None without one."""
    runs = (run for run in list_runs(store) if run.plan_name == plan_name and run.status == "complete")
    return max(runs, key=lambda run: run.time_s, default=None)
