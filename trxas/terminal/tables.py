"""Tables of text: columns that fit the terminal, or unabridged plain lines in a pipe and in a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

UNLIMITED_WIDTH = 10_000
"""Columns of a file or a pipe: nothing is folded or cut there."""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Collection[str] = ()) -> Table:
    """Return a table with headings; `rows`, shape (rows, columns), are cells that are shown as text.

    The columns named in `right` are aligned to the right, as numbers are.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(Text(column), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        # As Text: square brackets in the name of a sample are not markup.
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def is_fancy() -> bool:
    """Return whether standard output is a terminal whose user has not asked for plain text with NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def table_text(made: Table) -> str:
    """Return the table as lines for standard output, without trailing spaces or a final newline.

    It is as wide as the terminal, in characters; in a pipe nothing is folded or cut.
    """
    from rich.console import Console

    # A terminal gets colours and columns that fit; a pipe or a file gets plain lines of any length, which `grep` and
    # spreadsheets read. Both come from one table, so that nothing is printed in two ways.
    fancy = is_fancy()
    width = None if sys.stdout.isatty() else UNLIMITED_WIDTH
    console = Console(file=sys.stdout, width=width, force_terminal=fancy, no_color=not fancy, highlight=False)
    with console.capture() as captured:
        console.print(made)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def print_table(made: Table) -> None:
    """Print the table to standard output."""
    print(table_text(made))
