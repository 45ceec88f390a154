"""The text form of EPICS scan records, as `mda2ascii` and its relatives write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from trxas.past.scan import PastColumn, PastFileError, PastScan, time_of

if TYPE_CHECKING:
    from pathlib import Path

    from reduction.types import FloatArray

MARK = "Column Descriptions:"

_COLUMN = re.compile(r"^#\s*(\d+)\s+(?:\[([^\]]*)\])?\s*(.*)$")
_EXTRA = re.compile(r'^#\s*Extra PV\s*\d*:\s*([^,]+),([^,]*),\s*"?(.*?)"?\s*(?:,[^",]*)?$')
_FACT = re.compile(r"^#\s*([A-Za-z -]+?)\s*=\s*(.+)$")

POSITIONER_UNIT = 3
DETECTOR_UNIT = 2
"""Place of the unit in the description of a column, counted by its commas."""


def read_text_file(path: Path, text: str) -> list[PastScan]:
    """Return the scans of a text file, one per list of columns in it; raises PastFileError if it has none."""
    extras: dict[str, str] = {}
    blocks = [_Block(lines, extras) for lines in _blocks(text)]
    scans = [one.scan(path, extras) for one in blocks if one.descriptions]
    if not scans:
        raise PastFileError(
            f"{path} has no list of columns ({MARK}), so their meaning is unknown. Import the MDA file."
        )
    return scans


class _Block:
    """The lines of one scan: `descriptions` and kinds of its columns by number, facts, and rows of text.

    Extra PVs are added to `extras`, as they hold for all scans of the file.
    """

    def __init__(self, lines: list[str], extras: dict[str, str]) -> None:
        self._facts: dict[str, str] = {}
        self._kinds: dict[int, str] = {}
        self._rows = [line for line in lines if line.strip() and not line.startswith("#")]
        self.descriptions: dict[int, str] = {}
        in_columns = False
        for line in lines:
            if MARK in line:
                in_columns = True
            elif in_columns and (found := _COLUMN.match(line)):
                self._kinds[int(found.group(1))] = (found.group(2) or "").strip()
                self.descriptions[int(found.group(1))] = found.group(3).strip()
            elif found := _EXTRA.match(line):
                extras[found.group(1).strip()] = found.group(3).strip()
            elif found := _FACT.match(line):
                self._facts[found.group(1).strip().lower()] = found.group(2).strip()

    def scan(self, path: Path, extras: dict[str, str]) -> PastScan:
        """Return the scan with its columns (rows,)."""
        numbers = sorted(self.descriptions)
        table, remarks = _table(self._rows, len(numbers))
        columns = tuple(self._column(number, table[:, place]) for place, number in enumerate(numbers))
        return PastScan(
            path=path,
            kind="scan record, text",
            number=self._facts.get("scan number", ""),
            time_s=time_of(self._facts.get("scan time", "")),
            columns=columns,
            extras=dict(extras),
            remarks=tuple(remarks),
        )

    def _column(self, number: int, values: FloatArray) -> PastColumn:
        parts = [part.strip() for part in self.descriptions[number].split(",")]
        is_positioner = "Positioner" in self._kinds[number]
        unit = parts[POSITIONER_UNIT if is_positioner else DETECTOR_UNIT :][:1]
        # The names of a positioner are those of its setpoint and of its read-back.
        names = [*parts[:2], *(parts[4:6] if is_positioner else [])]
        kept = tuple(dict.fromkeys(name for name in names if name)) or (self._kinds[number],)
        return PastColumn(names=kept, unit=unit[0] if unit else "", values=values)


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines up to and with each table: a file may hold several scans, each with its own list of columns."""
    block: list[str] = []
    has_rows = False
    for line in text.splitlines():
        # A comment after rows begins the next scan.
        if line.startswith("#") and has_rows:
            yield block
            block = []
            has_rows = False
        has_rows = has_rows or (bool(line.strip()) and not line.startswith("#"))
        block.append(line)
    yield block


def _table(rows: list[str], width: int) -> tuple[FloatArray, list[str]]:
    """Return the table (rows, columns), and a remark on rows of another length, which are left out."""
    values = []
    odd = 0
    for row in rows:
        try:
            numbers = [float(word) for word in row.replace(",", " ").split()]
        except ValueError:
            numbers = []
        if len(numbers) == width:
            values.append(numbers)
        else:
            odd += 1
    remarks = [f"{odd} rows do not have {width} numbers and are left out"] if odd else []
    return np.array(values, dtype=float).reshape(-1, width), remarks
