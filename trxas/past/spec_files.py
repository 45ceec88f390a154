"""SPEC data files: labels instead of PVs, several scans in a file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from trxas.past.scan import PastColumn, PastFileError, PastScan, time_of

_LABELS = re.compile(r"\s{2,}|\t")
"""Labels may contain single spaces; two spaces or a tab separate them."""


def read_spec_file(path: Path, text: str) -> list[PastScan]:
    """Return the scans of a SPEC file that have rows; raises PastFileError if none has."""
    parts = re.split(r"(?m)^(?=#S )", text)
    motors: list[str] = []
    for line in parts[0].splitlines():
        if re.match(r"#O\d", line):
            motors += _LABELS.split(line.partition(" ")[2].strip())
    read = [_SpecScan(part) for part in parts[1:]]
    scans = [one.scan(path, motors) for one in read if one.rows]
    if not scans:
        raise PastFileError(f"{path} has no scan with points. Check that it is the right file.")
    return scans


class _SpecScan:
    """One scan of a SPEC file, read line by line; `rows` are its numbers, one list per point."""

    def __init__(self, text: str) -> None:
        lines = _without_spectra(text.splitlines())
        self._number, _, command = lines[0][3:].strip().partition(" ")
        self._labels: list[str] = []
        self._extras = {"command": command.strip()}
        self._positions: list[str] = []
        self._time_s: float | None = None
        self._odd = 0
        self._label_text = ""
        self.rows: list[list[float]] = []
        for line in lines[1:]:
            if line.startswith("#"):
                self._take_header(*line.split(" ", 1))
            elif line.strip():
                self._take_row(_numbers(line))

    def scan(self, path: Path, motors: list[str]) -> PastScan:
        """Return the scan; positions of the `motors` that the file lists are values of the whole scan."""
        table = np.array(self.rows, dtype=float)
        odd = f"{self._odd} rows do not have {len(self._labels)} numbers and are left out"
        return PastScan(
            path=path,
            kind="SPEC",
            number=self._number,
            time_s=self._time_s,
            columns=tuple(
                PastColumn(names=(label,), unit="", values=table[:, place]) for place, label in enumerate(self._labels)
            ),
            extras=self._extras | dict(zip(motors, self._positions, strict=False)),
            remarks=(odd,) if self._odd else (),
        )

    def _take_header(self, key: str, rest: str = "") -> None:
        if key == "#L":
            self._label_text = rest.strip()
        elif key == "#D":
            self._time_s = time_of(rest)
        elif key == "#T":
            self._extras["count_time_s"] = rest.split()[0] if rest.split() else ""
        elif re.fullmatch(r"#P\d+", key):
            # Positions are spread over #P0, #P1, ... in the order of the motors in #O0, #O1, ... at the top of the
            # file.
            self._positions += rest.split()

    def _take_row(self, values: list[float]) -> None:
        if not self.rows:
            self._labels = self._split(len(values))
        # A row that was cut by a crash, or by an editor, must not shift its numbers under other labels.
        if len(values) == len(self._labels):
            self.rows.append(values)
        else:
            self._odd += 1

    def _split(self, width: int) -> list[str]:
        """Return the labels of rows of `width` numbers: some programs separate labels by single spaces."""
        labels = _LABELS.split(self._label_text)
        words = self._label_text.split()
        # SPEC separates labels by two spaces, since a label may contain one. Single words count only if they fit the
        # rows and the labels do not.
        return words if len(labels) != width == len(words) else labels


def _without_spectra(lines: list[str]) -> list[str]:
    """Return the lines without the spectra of multichannel analysers: @A and what a backslash continues."""
    kept = []
    is_spectrum = False
    for line in lines:
        is_spectrum = is_spectrum or line.startswith("@")
        if not is_spectrum:
            kept.append(line)
        is_spectrum = is_spectrum and line.rstrip().endswith("\\")
    return kept


def _numbers(line: str) -> list[float]:
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return []
