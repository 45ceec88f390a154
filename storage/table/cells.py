"""Cells of the night's table as text, for terminal, window and files alike."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from reduction.number_text import with_error
from reduction.run_kind import ChiSquare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.runs import RunSummary
    from storage.table.columns import ColumnValue, UserColumns
    from storage.table.night_table import NightRow
    from storage.table.row import ReducedRow

COLUMNS = (
    "uid", "scan", "time", "sample", "plan", "edge", "delay", "points", "photons", "transient", "size", "null tests",
    "state", "rating", "tags", "comment",
)  # fmt: skip
"""Columns of every table; the user's own come after them."""

BLOCKS = "▁▂▃▄▅▆▇█"
STALE = "*"
"""Mark of a cell that an earlier version of the user's file has computed."""

MOST_ERRORS = 5
"""Errors of a user's functions that remarks state in full, the most frequent ones."""

FALSE_ALARMS = 1e-3
"""A null test with a smaller p-value is marked: in one of a thousand good runs by chance."""


def column_titles(columns: UserColumns, rows: Sequence[NightRow]) -> tuple[str, ...]:
    """Return the titles of all columns: the fixed ones, and the user's own with their units.

    Columns that only earlier versions of the user's file had are shown as long as rows have them.
    """
    return (*COLUMNS, *(user_title(name, columns) for name in user_names(columns, rows)))


def user_names(columns: UserColumns, rows: Sequence[NightRow]) -> list[str]:
    """Return the names of the user's columns, those of the file first, in its order."""
    computed = [name for row in rows if row.reduced is not None for name in row.reduced.cells]
    # A file that cannot be executed at the moment does not make the columns disappear.
    return list(dict.fromkeys([*columns.functions, *(computed if columns.problem else ())]))


def user_title(name: str, columns: UserColumns) -> str:
    """Return the title of one of the user's columns, with its unit in brackets."""
    unit = columns.units.get(name, "")
    return f"{name} ({unit})" if unit else name


def texts(row: NightRow, columns: UserColumns, names: Sequence[str]) -> list[str]:
    """Return the cells of a row as text, the user's columns `names` at the end; times are local."""
    cells = {} if row.reduced is None else row.reduced.cells
    return [*fixed_texts(row).values(), *(user_text(cells.get(name), columns) for name in names)]


def fixed_texts(row: NightRow) -> dict[str, str]:
    """Return the cells of the columns that every table has, as text by name; times are local."""
    run = row.run
    intended = "?" if run.points_intended is None else run.points_intended
    return {
        "uid": run.uid[:8],
        "scan": "" if run.scan_id is None else str(run.scan_id),
        "time": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.time_s)),
        "sample": " ".join(run.sample.split()),
        "plan": run.plan_name,
        "edge": run.edge,
        **_reduced_texts(row.reduced, f"{run.points_done}/{intended}"),
        "state": state_text(run),
        "rating": row.note.stars,
        "tags": ", ".join(row.note.tags),
        "comment": " ".join(row.note.comment.split()),
    }


def state_text(run: RunSummary) -> str:
    """Return how a run ended, and which run it resumes."""
    return f"{run.status}, resumes {run.resumes[:8]}" if run.resumes else run.status


def _reduced_texts(reduced: ReducedRow | None, points: str) -> dict[str, str]:
    if reduced is None:
        return {"delay": "", "points": points, "photons": "", "transient": "", "size": "", "null tests": ""}
    return {
        "delay": reduced.delay,
        "points": points,
        "photons": "" if reduced.photons is None else f"{reduced.photons:.3g}",
        "transient": sparkline_text(reduced.sparkline),
        "size": size_text(reduced),
        "null tests": ", ".join(map(null_text, reduced.null_tests)),
    }


def size_text(reduced: ReducedRow) -> str:
    """Return the number of a run with error and unit, and what it is unless it is a transient; "" without one."""
    if reduced.value is None:
        return ""
    number = with_error(reduced.value, reduced.sigma, reduced.unit)
    return number if reduced.quantity.startswith("transient") else f"{reduced.quantity} {number}"


def null_text(test: ChiSquare) -> str:
    """Return chi-square per degree of freedom of a null test; one that does not vanish has its p-value in addition."""
    ratio = f"{test.chi_square / test.degrees_of_freedom:.2f}"
    return ratio if test.p_value >= FALSE_ALARMS else f"{ratio} (p={test.p_value:.0e})"


def sparkline_text(values: Sequence[float], width: int = 16) -> str:
    """Return a curve, shape (n,), as a line of blocks from its lowest to its highest value, at most `width` characters.

    Where several values share a block, the one farthest from zero counts.
    """
    if not values:
        return ""
    number = min(width, len(values))
    edges = [len(values) * index // number for index in range(number + 1)]
    chosen = [max(values[low:high], key=abs) for low, high in pairwise(edges)]
    lowest = min(chosen)
    span = (max(chosen) - lowest) or 1.0
    return "".join(BLOCKS[min(int((value - lowest) / span * len(BLOCKS)), len(BLOCKS) - 1)] for value in chosen)


def user_text(cell: ColumnValue | None, columns: UserColumns) -> str:
    """Return a cell of the user's columns: number with error, text, or the kind of the error of the function.

    "-" if it was never computed for this run; a mark at the end if an earlier version of the file computed it.
    """
    if cell is None:
        return "-"
    if cell.error:
        # The whole error, which would push all other columns away, is among the remarks.
        text = f"! {cell.error.partition(':')[0]}"
    else:
        # A text of several lines would be several rows of a table in Markdown, or in a terminal.
        text = " ".join(cell.text.split()) if cell.value is None else with_error(cell.value, cell.sigma)
    return text if cell.version == columns.version else f"{text} {STALE}"


def column_remarks(rows: Sequence[NightRow], columns: UserColumns) -> list[str]:
    """Return sentences on the user's file: why it cannot be used, which functions fail, which cells are outdated."""
    remarks = [columns.problem] if columns.problem else []
    reduced = [row.reduced for row in rows if row.reduced is not None]
    stale = sum(any(cell.version != columns.version for cell in row.cells.values()) for row in reduced)
    never = sum(not columns.functions.keys() <= row.cells.keys() for row in reduced)
    if (stale or never) and not columns.problem:
        remarks.append(
            f"columns.py has changed: {stale} runs have cells of an earlier version ({STALE}), {never} lack cells (-). "
            "Compute them again: `trxas runs list --recompute`, `night(recompute=True)`, or the button in the window."
        )
    return remarks + _failures(reduced)


def _failures(reduced: Sequence[ReducedRow]) -> list[str]:
    """Return a sentence for each error of the user's functions, with the number of its runs."""
    found = Counter((name, cell.error) for row in reduced for name, cell in row.cells.items() if cell.error)
    return [
        f"Column {name} fails for {number} run{'s' if number > 1 else ''}: {error}"
        for (name, error), number in found.most_common(MOST_ERRORS)
    ]
