"""Stored runs at the prompt: list, show, reduce."""

from __future__ import annotations

from collections.abc import Callable

from reduction.run_kind import RunResults
from storage import RunSummary, Store, list_runs, load_dataset
from trxas.results.run_report import run_report
from trxas.results.run_results import reduce_stored_run
from trxas.results.run_tables import runs_table
from trxas.terminal.tables import print_table

RunKey = str | int


def stored_run_functions(
    store: Store,
) -> tuple[Callable[[int], None], Callable[[RunKey], None], Callable[[RunKey], RunResults]]:
    """Return the functions `runs`, `show` and `reduce` for one store.

    They raise StorageError for a run that is not there, or that the key does not identify.
    """

    def runs(limit: int = 20) -> None:
        """Print the latest runs, newest first."""
        summaries: list[RunSummary] = list_runs(store, limit=limit)
        print_table(runs_table(summaries))

    def show(key: RunKey = -1) -> None:
        """Print one run: settings, exposures and results. `key`: uid, scan id, or -1 for the latest."""
        print(run_report(load_dataset(store, key)))

    def reduce(key: RunKey = -1) -> RunResults:
        """Return the results of one run as arrays and fits. `key`: uid, scan id, or -1 for the latest."""
        return reduce_stored_run(load_dataset(store, key))

    return runs, show, reduce
