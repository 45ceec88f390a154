"""MDA, the binary format of EPICS saveData (format 1.2 to 1.4): big-endian XDR."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trxas.past.scan import PastColumn, PastFileError, PastScan, time_of

VERSIONS = (1.2, 1.45)
"""Lowest and highest version of the format that is read."""

MOST_COLUMNS = 1000
"""More columns or dimensions than this mean that the file is not an MDA file, or is damaged."""

DBR_STRING = 0
DBR_CTRL_FLOAT = 30
DBR_CTRL_DOUBLE = 34
"""Types of extra PVs by EPICS; the integer types that remain are written alike."""


class _Reader:
    """Numbers and strings of XDR, in order, from `position` on; raises PastFileError at the end of the file."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        self.position = 0

    def numbers(self, form: str, count: int) -> tuple[float, ...]:
        """Return `count` numbers of one `form`: i and f have 4 bytes each, d has 8 bytes.

        Raises PastFileError for a negative count, or if the file ends before.
        """
        size = struct.calcsize(f">{count}{form}")
        if count < 0 or self.position + size > len(self._content):
            raise PastFileError(f"{self._path} ends in the middle of a scan. Copy it again, or import its text form.")
        found = struct.unpack_from(f">{count}{form}", self._content, self.position)
        self.position += size
        return found

    def integer(self) -> int:
        """Return the next whole number, of 4 bytes. Raises PastFileError if the file ends before."""
        return int(self.numbers("i", 1)[0])

    def text(self) -> str:
        """Return the next counted string, which has its length twice unless it is empty.

        Raises PastFileError if it would be longer than the file.
        """
        if self.integer() == 0:
            return ""
        # The saveData task writes the length itself, and XDR writes it once more in front of the bytes.
        length = self.integer()
        if not 0 <= length <= len(self._content):
            raise PastFileError(f"{self._path} is damaged: it states a text of {length} characters.")
        found = self._content[self.position : self.position + length]
        # XDR pads every string to a multiple of four bytes.
        self.position += (length + 3) // 4 * 4
        return found.decode("latin-1")

    def count(self) -> int:
        """Return the next whole number, which must be a plausible count; raises PastFileError if it is not."""
        found = self.integer()
        if not 0 <= found <= MOST_COLUMNS:
            raise PastFileError(f"{self._path} is not an MDA file, or is damaged: it states {found} columns.")
        return found


@dataclass(frozen=True, kw_only=True)
class _Header:
    """Header of one scan: names of positioners and detectors, and the places of inner scans."""

    rank: int
    rows: int
    done: int
    inner: tuple[int, ...]
    time: str
    positioners: tuple[tuple[tuple[str, ...], str], ...]
    detectors: tuple[tuple[tuple[str, ...], str], ...]


def read_mda_file(path: Path, content: bytes) -> list[PastScan]:
    """Return the innermost scans of an MDA file, one per pass; raises PastFileError for any other or damaged file.

    What an outer scan sets is in the `extras` of each inner one.
    """
    reader = _Reader(path, content)
    version = reader.numbers("f", 1)[0]
    if not VERSIONS[0] - 0.01 <= version <= VERSIONS[1]:
        raise PastFileError(f"{path} is not an MDA file: it begins with the version {version:.3g}.")
    number = reader.integer()
    rank = reader.count()
    reader.numbers("i", rank)
    reader.integer()
    extras_at = reader.integer()
    # The extra PVs stand at the end of the file. They are read first, because every scan needs them, and then reading
    # returns to the scans.
    begin = reader.position
    extras = {}
    if 0 < extras_at < len(content):
        reader.position = extras_at
        extras = _extras(reader)
    reader.position = begin
    return _scans(reader, path, str(number), extras)


def _scans(reader: _Reader, path: Path, number: str, extras: dict[str, str]) -> list[PastScan]:
    header = _header(reader)
    positions = [np.array(reader.numbers("d", header.rows)) for _ in header.positioners]
    signals = [np.array(reader.numbers("f", header.rows), dtype=float) for _ in header.detectors]
    if header.rank > 1:
        found: list[PastScan] = []
        # One more than the finished points: the inner scan of the point in progress may have data already.
        for row, offset in enumerate(header.inner[: header.done + 1]):
            # An inner scan that was never begun has no place in the file.
            if offset <= 0:
                continue
            reader.position = offset
            outer = {
                names[0]: f"{values[row]:.17g}"
                for (names, _), values in zip(header.positioners, positions, strict=True)
            }
            found += _scans(reader, path, f"{number}.{row + 1}", extras | outer)
        return found
    # The arrays have room for all planned points; behind the last measured one they hold zeros.
    done = min(header.done, header.rows)
    remarks = (f"{done} of {header.rows} points were measured",) if done < header.rows else ()
    described = zip((*header.positioners, *header.detectors), (*positions, *signals), strict=True)
    columns = tuple(PastColumn(names=names, unit=unit, values=values[:done]) for (names, unit), values in described)
    scan = PastScan(
        path=path,
        kind="MDA",
        number=number,
        time_s=time_of(header.time),
        columns=columns,
        extras=extras,
        remarks=remarks,
    )
    return [scan]


def _header(reader: _Reader) -> _Header:
    rank = reader.count()
    rows = reader.integer()
    done = reader.integer()
    inner = tuple(int(offset) for offset in reader.numbers("i", rows)) if rank > 1 else ()
    reader.text()
    time = reader.text()
    counts = [reader.count() for _ in range(3)]
    positioners = []
    for _ in range(counts[0]):
        reader.integer()
        name, description, _step, unit, readback, readback_description, readback_unit = (
            reader.text() for _ in range(7)
        )
        names = (name, description, readback, readback_description)
        positioners.append((_names(names), readback_unit or unit))
    detectors = []
    for _ in range(counts[1]):
        reader.integer()
        name, description, unit = (reader.text() for _ in range(3))
        detectors.append((_names((name, description)), unit))
    # Triggers state how the scan was started; they are read only to reach what follows them.
    for _ in range(counts[2]):
        reader.integer()
        reader.text()
        reader.numbers("f", 1)
    return _Header(
        rank=rank, rows=rows, done=done, inner=inner, time=time,
        positioners=tuple(positioners), detectors=tuple(detectors),
    )  # fmt: skip


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip())) or ("",)


def _extras(reader: _Reader) -> dict[str, str]:
    found = {}
    for _ in range(reader.count()):
        name = reader.text()
        reader.text()
        kind = reader.integer()
        if kind == DBR_STRING:
            found[name] = reader.text()
            continue
        count = reader.integer()
        reader.text()
        form = {DBR_CTRL_FLOAT: "f", DBR_CTRL_DOUBLE: "d"}.get(kind, "i")
        found[name] = " ".join(f"{value:.17g}" for value in reader.numbers(form, count))
    return found
