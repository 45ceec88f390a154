"""One scan of an old file: its columns by their names, as the file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from errors import TrxasError

if TYPE_CHECKING:
    from reduction.types import FloatArray

TIME_FORMATS = ("%b %d, %Y %H:%M:%S.%f", "%b %d, %Y %H:%M:%S", "%a %b %d %H:%M:%S %Y")
"""Times as saveData and SPEC write them, local to the beamline."""


class PastFileError(TrxasError):
    """A file of the past cannot be read, or lacks what a run needs."""


@dataclass(frozen=True, kw_only=True)
class PastColumn:
    """A column (rows,): `names` are its PVs and descriptions as the file gives them, `unit` "" if it gives none."""

    names: tuple[str, ...]
    unit: str
    values: FloatArray


@dataclass(frozen=True, kw_only=True)
class PastScan:
    """One pass of a scan.

    `number`: scan number in the file, "" without one; `time_s`: its start, Unix time, s, None if the file does not
    state it; `extras`: values that hold for the whole scan, by PV or label. `remarks`: what the reader found odd.
    """

    path: Path
    kind: str
    number: str
    time_s: float | None
    columns: tuple[PastColumn, ...]
    extras: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return 0 if not self.columns else len(self.columns[0].values)

    @property
    def name(self) -> str:
        """File, and scan number if the file has one: what a report calls this scan."""
        return f"{self.path.name} scan {self.number}" if self.number else self.path.name


def time_of(text: str) -> float | None:
    """Return a time as a file has it in Unix time, s; None if it has an unknown form."""
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).astimezone().timestamp()
        except ValueError:
            continue
    return None
