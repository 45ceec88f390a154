"""The night's table as Markdown, CSV and HTML; the ending of a file's name chooses."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from errors import InputError, StorageError
from storage.atomic_file import write_atomically
from storage.table.cells import column_titles, fixed_texts, texts, user_names
from storage.table.columns import ColumnValue
from storage.table.html_page import html_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.table.columns import UserColumns
    from storage.table.night_table import NightRow

SVG_SIZE = (120, 24)
"""Width and height of a sparkline in HTML, pixels."""

RULES = ("th { position: sticky; top: 0; background: #f4f4f4; }", "tr.fail td, tr.abort td { color: #8a1c00; }")
"""Style of the page: titles stay in sight, and runs that failed are red."""


def markdown_text(rows: Sequence[NightRow], columns: UserColumns) -> str:
    """Return the table in Markdown, a line per run, in the order of the rows."""
    names = user_names(columns, rows)
    titles = column_titles(columns, rows)
    lines = [titles, tuple("---" for _ in titles), *(texts(row, columns, names) for row in rows)]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def csv_text(rows: Sequence[NightRow], columns: UserColumns) -> str:
    """Return the table as CSV with numbers that programs read: sizes, errors and chi-squares have columns of their own.

    The first line has the names, with units in brackets. Cells of the user's columns have a column for the error too.
    """
    names = user_names(columns, rows)
    titles = [
        "uid", "scan", "time (Unix s)", "sample", "plan", "edge", "delay", "points", "photons", "kind", "quantity",
        "value", "sigma", "unit", "null tests", "chi-squares", "degrees of freedom", "p-values", "state", "rating",
        "tags", "comment",
    ]  # fmt: skip
    for name in names:
        unit = columns.units.get(name, "")
        titles += [f"{name} ({unit})" if unit else name, f"{name} sigma"]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([*_numbers(row), *_user_numbers(row, names)] for row in rows)
    return file.getvalue()


def html_text(rows: Sequence[NightRow], columns: UserColumns) -> str:
    """Return the table as a page of HTML that needs no other file; transients are drawn, in arbitrary units."""
    body = f"<h1>{len(rows)} runs</h1>\n{html_table(rows, columns)}"
    return html_page("Runs", body, rules=RULES)


def html_table(rows: Sequence[NightRow], columns: UserColumns) -> str:
    """Return the table as an element of HTML, without the page around it."""
    names = user_names(columns, rows)
    head = "".join(f"<th>{html.escape(title)}</th>" for title in column_titles(columns, rows))
    body = "\n".join(_html_row(row, columns, names) for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def null_tests_csv(rows: Sequence[NightRow]) -> str:
    """Return the null tests of all runs as CSV, a line per test, with chi-square, degrees of freedom and p-value."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("uid", "scan", "test", "chi-square", "degrees of freedom", "p-value"))
    for row in rows:
        for test in () if row.reduced is None else row.reduced.null_tests:
            numbers = (test.chi_square, test.degrees_of_freedom, test.p_value)
            writer.writerow((row.run.uid, row.run.scan_id, test.name, *numbers))
    return file.getvalue()


FORMATS: Mapping[str, Callable[[Sequence[NightRow], UserColumns], str]] = {
    ".md": markdown_text,
    ".csv": csv_text,
    ".html": html_text,
}
"""Writers by the ending of the file's name."""


def write_table(path: Path, rows: Sequence[NightRow], columns: UserColumns) -> None:
    """Write the table to the file `path`, .md, .csv or .html; raises InputError for another ending.

    Raises StorageError if the file cannot be written.
    """
    made = FORMATS.get(path.suffix.lower())
    if made is None:
        raise InputError(f"{path.name} has no known ending. Give a file that ends with {', '.join(FORMATS)}.")
    try:
        write_atomically(path, made(rows, columns))
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error}. Choose a folder that exists.") from error


def _escaped(text: str) -> str:
    # Backslashes first: the ones that escape a bar must not be escaped again.
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _numbers(row: NightRow) -> list[object]:
    run = row.run
    reduced = row.reduced
    words = fixed_texts(row)
    tests = () if reduced is None else reduced.null_tests
    return [
        run.uid,
        run.scan_id,
        run.time_s,
        run.sample,
        run.plan_name,
        run.edge,
        words["delay"],
        words["points"],
        None if reduced is None else reduced.photons,
        *(["", "", None, None, ""] if reduced is None else _result(row)),
        "; ".join(test.name for test in tests),
        "; ".join(f"{test.chi_square:.6g}" for test in tests),
        "; ".join(str(test.degrees_of_freedom) for test in tests),
        "; ".join(f"{test.p_value:.3g}" for test in tests),
        words["state"],
        row.note.rating or None,
        words["tags"],
        row.note.comment,
    ]


def _result(row: NightRow) -> list[object]:
    assert row.reduced is not None
    value = row.reduced.value
    sigma = None if value is None else row.reduced.sigma
    return [row.reduced.kind, row.reduced.quantity, value, sigma, row.reduced.unit]


def _user_numbers(row: NightRow, names: Sequence[str]) -> list[object]:
    cells = {} if row.reduced is None else row.reduced.cells
    found = [cells.get(name, ColumnValue()) for name in names]
    return [
        part
        for cell in found
        for part in (
            (f"! {cell.error}" if cell.error else cell.text) if cell.value is None else cell.value,
            cell.sigma or None,
        )
    ]


def _html_row(row: NightRow, columns: UserColumns, names: Sequence[str]) -> str:
    words = texts(row, columns, names)
    cells = [f"<td>{html.escape(text)}</td>" for text in words]
    # The text of this cell is a line of block characters for terminals; a browser can draw the curve itself.
    place = list(fixed_texts(row)).index("transient")
    cells[place] = f"<td>{_svg(() if row.reduced is None else row.reduced.sparkline)}</td>"
    return f'<tr class="{html.escape(row.run.status)}">{"".join(cells)}</tr>'


def _svg(values: Sequence[float]) -> str:
    """Return a curve as a small drawing, and its zero as a line if the curve has both signs."""
    if len(values) < 2:
        return ""
    width, height = SVG_SIZE
    low = min(values)
    span = (max(values) - low) or 1.0

    def y_of(value: float) -> float:
        return 1 + (height - 2) * (1 - (value - low) / span)

    step = width / (len(values) - 1)
    points = " ".join(f"{index * step:.1f},{y_of(value):.1f}" for index, value in enumerate(values))
    # A curve with one sign, such as a static spectrum, has its zero outside of the drawing.
    crosses = low < 0.0 < low + span
    zero = f'<path d="M0 {y_of(0.0):.1f}H{width}" stroke="#bbb"/>' if crosses else ""
    curve = f'<polyline points="{points}" fill="none" stroke="#009E73" stroke-width="1.5"/>'
    return f'<svg width="{width}" height="{height}">{zero}{curve}</svg>'
