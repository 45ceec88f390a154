"""CSV with a header of units, and XDI, the text format of X-ray absorption spectra.

Numbers have 17 significant digits, with which every number is read back to its last bit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from storage.export.source import require_spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reduction.curve_table import CurveTable
    from storage.export.source import Export


def csv_text(export: Export, table: CurveTable) -> str:
    """Return one table as CSV: metadata in lines that begin with #, then names with units in brackets, then numbers.

    A number has 17 digits, so that reading it back gives the same float. Units are those of the columns, such as eV or
    ps.
    """
    head = [f"# {key}: {value}" for key, value in _facts(export, table)]
    head += [f"# {line}" for line in export.lines]
    names = [f"{column.name} ({column.unit})" if column.unit else column.name for column in table.flat]
    rows = zip(*(column.values for column in table.flat), strict=True)
    lines = [*head, ",".join(names), *(",".join(f"{value:.17g}" for value in row) for row in rows)]
    return "\n".join(lines) + "\n"


def xdi_text(export: Export, table: CurveTable) -> str:
    """Return one table as XDI 1.0, with columns for the spectra and their errors.

    The spacing of the monochromator's lattice planes is written where the run records it; the energies do not depend
    on it. Raises InputError for curves that are not over the energy.
    """
    require_spectrum(export, "XDI")
    version = export.start.get("versions", {}).get("trxas", "unknown")
    labels = ["energy", *(column.name for column in table.flat[1:])]
    units = [table.axis.unit, *(column.unit for column in table.flat[1:])]
    head = [f"# XDI/1.0 trxas/{version}"]
    head += [
        f"# Column.{number}: {label} {unit}".rstrip() for number, (label, unit) in enumerate(_both(labels, units), 1)
    ]
    head += [f"# {key}: {value}" for key, value in _xdi_fields(export, table)]
    head += ["# ///", *(f"# {_comment(line)}" for line in export.lines), f"# {'-' * 60}", f"# {' '.join(labels)}"]
    rows = zip(*(column.values for column in table.flat), strict=True)
    return "\n".join([*head, *(" ".join(f"{value:.17g}" for value in row) for row in rows)]) + "\n"


def _both(labels: list[str], units: list[str]) -> Iterator[tuple[str, str]]:
    return zip(labels, units, strict=True)


def _xdi_fields(export: Export, table: CurveTable) -> Iterator[tuple[str, str]]:
    """Yield the fields of an XDI header: those of the format's dictionary first, then those of pump and probe."""
    start = export.start
    # The order and the names are those of the XDI dictionary, which other programs look for; fields of the project's
    # own begin with "Trxas" as the format asks of extensions.
    symbol, _, edge = str(start.get("edge", "")).partition(" ")
    yield "Element.symbol", str(start.get("absorber", symbol))
    yield "Element.edge", edge
    if "mono_d_spacing_angstrom" in start:
        yield "Mono.d_spacing", f"{start['mono_d_spacing_angstrom']}"
    yield "Scan.start_time", export.start_time
    if export.end_time:
        yield "Scan.end_time", export.end_time
    yield "Scan.edge_energy", f"{start.get('reduction', {}).get('main_feature_ev', '')} eV"
    yield "Beamline.name", str(start.get("beamline", ""))
    yield "Facility.xray_source", "storage ring"
    yield "Sample.name", _comment(str(start.get("sample", "")))
    yield "Detector.name", table.name
    yield "Trxas.scale", table.scale
    yield "Trxas.run_uids", " ".join(export.uids)
    for key, word, unit in _CONDITIONS:
        if key in start:
            yield word, f"{start[key]} {unit}"


_CONDITIONS = (
    ("delay_ps", "Trxas.delay", "ps"),
    ("fluence_mj_cm2", "Trxas.fluence", "mJ/cm2"),
    ("temperature_c", "Sample.temperature", "C"),
)
"""Conditions of a run: key of its start document, field of the header, unit."""


def _comment(line: str) -> str:
    """Return a line as the header of XDI can hold it: in ASCII, without control characters and colons."""
    # A reader may take a line of a comment for a field, and cut it at its colon.
    plain = line.replace("±", "+-").replace(":", ";").encode("ascii", "replace").decode()
    return re.sub(r"[\x00-\x1f]+", " ", plain)


def _facts(export: Export, table: CurveTable) -> Iterator[tuple[str, str]]:
    """Yield what a reader of the table has to know: run, sample, conditions, scale."""
    yield "title", " ".join(export.title.split())
    yield "runs", " ".join(export.uids)
    yield "started", export.start_time
    yield "detector", table.name
    yield "scale", table.scale
    for key in ("sample", "edge", "delay_ps", "energy_ev", "fluence_mj_cm2", "temperature_c", "dwell_s", "repeats"):
        if key in export.start:
            yield key, " ".join(str(export.start[key]).split())
