"""The reduced part of a row, computed from the documents of a run, in this process or in another."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from errors import InputError, ReductionError, StorageError
from reduction.number_text import delay_text
from reduction.run_kind import CurveChoice
from reduction.types import MODES
from storage.calibrated_documents import CalibratedDocuments
from storage.chains import load_dataset
from storage.table.columns import ColumnRun, UserColumns, read_columns
from storage.table.row import ReducedRow

if TYPE_CHECKING:
    from pathlib import Path

    from reduction.kinds import RunReduction
    from reduction.types import Document, Documents
    from storage import Store
    from storage.runs import RunSource

SPARKLINE_POINTS = 32
"""Limit of points of a sparkline. Of neighbours, the one farthest from zero stays: means would hide narrow features."""


class RowComputer:
    """Rows of the runs of a store, with what later runs have calibrated; calibrations are reduced once."""

    def __init__(self, store: RunSource) -> None:
        self._store = store
        self._calibrated = CalibratedDocuments(lambda: store)

    def __call__(self, uid: str, columns: UserColumns, earlier: ReducedRow | None) -> tuple[ReducedRow, bool]:
        """Return the row of a run, and whether the run could be read; of an `earlier` row only the cells are computed.

        Raises nothing.
        """
        try:
            documents = self._calibrated(load_dataset(self._store, uid))
        except StorageError as error:
            # The table of a night must not end at one damaged journal.
            return ReducedRow(problem=str(error)), False
        if earlier is None:
            return reduced_row(documents, columns), True
        return replace(earlier, cells=columns.cells(ColumnRun(documents))), True


def computed_elsewhere(wanted: tuple[Path, str, ReducedRow | None]) -> tuple[ReducedRow, bool]:
    """Return the row of a run of a data folder, in another process: folder, uid, and the earlier row.

    Raises nothing for a damaged run, whose row states the problem, but StorageError if the folder cannot be opened.
    """
    root, uid, earlier = wanted
    return _computer(root)(uid, read_columns(root), earlier)


@lru_cache(maxsize=1)
def _computer(root: Path) -> RowComputer:
    return RowComputer(opened(root))


@lru_cache(maxsize=1)
def opened(root: Path) -> Store:
    """Return the store of a data folder, for reading; it stays open as long as this process works on the folder.

    Raises StorageError if the folder cannot be opened.
    """
    from storage import open_store

    return open_store(root, recover_runs=False)


def reduced_row(documents: Documents, columns: UserColumns) -> ReducedRow:
    """Return the row of a run, complete or not, from its documents; raises nothing for their content.

    The documents begin with the start document.
    """
    run = ColumnRun(documents)
    delay = _delay(run.start)
    try:
        reduction = run.reduction
    except (ReductionError, InputError) as error:
        return ReducedRow(delay=delay, problem=str(error), cells=columns.cells(run))
    results = run.results
    checks = reduction.checks()
    headline = results.headline()
    # JSON has no NaN and no infinity, and a number without an error is not a result: such a row has no number.
    known = headline is not None and math.isfinite(headline.value.value) and math.isfinite(headline.value.sigma)
    return ReducedRow(
        kind=results.kind,
        delay=delay,
        photons=checks.photons,
        quantity="" if headline is None else headline.quantity,
        value=headline.value.value if headline is not None and known else None,
        sigma=headline.value.sigma if headline is not None and known else 0.0,
        unit="" if headline is None else headline.unit,
        null_tests=checks.null_tests,
        sparkline=_sparkline(reduction),
        problem=" ".join(results.remarks) if headline is None else "",
        cells=columns.cells(run),
    )


def _delay(start: Document) -> str:
    """Return the delay of a run with its unit, or the range of its delays; "" for runs without."""
    grid = start.get("grid")
    if isinstance(grid, dict) and grid.get("axis") == "delay_ps" and len(grid.get("points", ())):
        points = grid["points"]
        low, high = (delay_text(float(limit(points))) for limit in (min, max))
        return low if low == high else f"{low} to {high}"
    delay_ps = start.get("delay_ps")
    return delay_text(float(delay_ps)) if isinstance(delay_ps, int | float) else ""


def _sparkline(reduction: RunReduction) -> tuple[float, ...]:
    # Counting first; a run with the boxcar alone is drawn from that.
    for mode in MODES:
        try:
            y = reduction.curve(CurveChoice(mode=mode)).y
        except (ReductionError, InputError):
            continue
        finite = np.asarray(y, dtype=float)[np.isfinite(y)]
        parts = np.array_split(finite, min(SPARKLINE_POINTS, finite.size)) if finite.size else []
        return tuple(float(f"{part[np.abs(part).argmax()]:.4g}") for part in parts)
    return ()
