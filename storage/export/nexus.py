"""NeXus files: on, off and transient of a run as entries of their own, with errors, laser, delay and sample.

The unpumped spectra of energy scans follow the application definition NXxas where the run has all that it asks for: the
energies, the incoming beam and the signal, point by point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]

from storage.export.nexus_groups import field, group
from storage.export.nexus_images import write_images
from storage.export.source import iso_time

if TYPE_CHECKING:
    from pathlib import Path

    from reduction.curve_table import Column, CurveTable
    from storage.export.source import Export

DETECTION_MODES = {"fluorescence": "Fluorescence Yield", "transmitted": "Transmission"}
"""Words of NXxas for how the absorption is measured."""


def write_nexus(path: Path, export: Export) -> None:
    """Write all tables of an export to a new file; the default plot is the transient.

    Raises OSError if the file exists or cannot be written.
    """
    with h5py.File(path, "x") as file:
        file.attrs["NX_class"] = "NXroot"
        file.attrs["creator"] = f"trxas {export.start.get('versions', {}).get('trxas', '')}".strip()
        file.attrs["file_time"] = iso_time(float(export.stop.get("time", export.start["time"])))
        several = len(export.tables) > 1
        for table in export.tables:
            for column in table.columns:
                name = f"{column.name}_{table.name}" if several else column.name
                _entry(file, name, export, table, column)
                # The last column of the last table is the transient by counted photons, where the run has that, and by
                # all gates where they help.
                file.attrs["default"] = name
        if export.images:
            write_images(file, export)


def _entry(file: Any, name: str, export: Export, table: CurveTable, column: Column) -> None:
    entry = group(file, name, "NXentry", default="data")
    # NXxas allows X-ray sources only, so no entry with the laser can follow it. All others of its fields are there.
    is_xas = export.is_spectrum and export.i0 is not None and column.name == "off"
    entry["title"] = f"{export.title}: {column.name}"
    entry["start_time"] = export.start_time
    if export.end_time:
        entry["end_time"] = export.end_time
    if is_xas:
        entry["definition"] = "NXxas"
    entry["entry_identifier"] = " ".join(export.uids)
    entry["program_name"] = "trxas"
    _instrument(entry, export, table, column)
    if column.name != "off" and ("fluence_mj_cm2" in export.start or "delay_ps" in export.start):
        _laser(entry, export)
    _sample(entry, export)
    _data(entry, export, table, column)
    if export.i0 is not None:
        _monitor(entry, export)
    process = group(entry, "process", "NXprocess")
    process["program"] = "trxas"
    process["version"] = str(export.start.get("versions", {}).get("trxas", "unknown"))
    note = group(process, "results", "NXnote")
    note["type"] = "text/plain"
    note["data"] = "\n".join(export.lines)
    settings = group(entry, "run", "NXnote")
    settings["type"] = "application/json"
    settings["description"] = "start document of the first run"
    settings["data"] = export.start_json


def _instrument(entry: Any, export: Export, table: CurveTable, column: Column) -> None:
    instrument = group(entry, "instrument", "NXinstrument")
    instrument["name"] = str(export.start.get("beamline", "unknown"))
    if export.has_xrays:
        source = group(instrument, "source", "NXsource")
        source["name"] = str(export.start.get("facility", export.start.get("beamline", "unknown")))
        source["type"] = "Synchrotron X-ray Source"
        source["probe"] = "x-ray"
    if export.is_spectrum:
        mono = group(instrument, "monochromator", "NXmonochromator")
        field(mono, "energy", table.axis.values, "eV")
    elif isinstance(export.start.get("energy_ev"), int | float):
        mono = group(instrument, "monochromator", "NXmonochromator")
        field(mono, "energy", float(export.start["energy_ev"]), "eV")
    if "monochromator" in instrument and "mono_d_spacing_angstrom" in export.start:
        crystal = group(instrument["monochromator"], "crystal", "NXcrystal")
        field(crystal, "d_spacing", float(export.start["mono_d_spacing_angstrom"]), "angstrom")
    if export.i0 is not None:
        incoming = group(instrument, "incoming_beam", "NXdetector")
        field(incoming, "data", export.i0.values, export.i0.unit)
    detector = group(instrument, _signal(export), "NXdetector")
    detector["local_name"] = table.name
    field(detector, "data", column.values, "")
    if column.sigma is not None:
        field(detector, "data_errors", column.sigma, "")


def _signal(export: Export) -> str:
    # The name is that of NXxas, which says of every signal that X-rays were absorbed.
    return "absorbed_beam" if export.has_xrays else "detector"


def _laser(entry: Any, export: Export) -> None:
    """Describe the pump: a source of its own with fluence and repetition."""
    laser = group(entry["instrument"], "laser", "NXsource")
    laser["name"] = "pump laser"
    laser["type"] = "Optical Laser"
    laser["probe"] = "photon"
    period_ps = export.start.get("reduction", {}).get("pump_period_ps", 0.0)
    if period_ps:
        field(laser, "period", float(period_ps) * 1e-6, "us")
    if isinstance(fluence := export.start.get("fluence_mj_cm2"), int | float):
        # NXsource has no field for a fluence; a note keeps it with its unit.
        note = group(laser, "fluence", "NXnote")
        note["type"] = "text/plain"
        note["description"] = "fluence of the pump on the sample, mJ/cm2"
        note["data"] = f"{float(fluence):.17g}"


def _sample(entry: Any, export: Export) -> None:
    sample = group(entry, "sample", "NXsample")
    sample["name"] = str(export.start.get("sample") or "unknown")
    if isinstance(value := export.start.get("temperature_c"), int | float):
        field(sample, "temperature", float(value) + 273.15, "K")
    elif isinstance(value := export.start.get("temperature_k"), int | float):
        field(sample, "temperature", float(value), "K")


def _data(entry: Any, export: Export, table: CurveTable, column: Column) -> None:
    """Link the signal with its errors and the axis; the delay and its unit stand beside them."""
    axis = "energy" if export.is_spectrum else table.axis.name
    signal = _signal(export)
    data = group(entry, "data", "NXdata", signal=signal, axes=[axis])
    data.attrs[f"{axis}_indices"] = 0
    data[signal] = h5py.SoftLink(f"{entry.name}/instrument/{signal}/data")
    entry[f"instrument/{signal}/data"].attrs["long_name"] = f"{column.name} ({table.scale or column.unit})"
    if column.sigma is not None:
        data[f"{signal}_errors"] = h5py.SoftLink(f"{entry.name}/instrument/{signal}/data_errors")
    if export.is_spectrum:
        data["energy"] = h5py.SoftLink(f"{entry.name}/instrument/monochromator/energy")
    else:
        field(data, axis, table.axis.values, table.axis.unit)
    delay_ps = export.start.get("delay_ps")
    if isinstance(delay_ps, int | float) and axis != "delay_ps":
        field(data, "delay", float(delay_ps), "ps")
    if export.has_xrays:
        data["mode"] = DETECTION_MODES.get(_role(export, table), "Fluorescence Yield")


def _role(export: Export, table: CurveTable) -> str:
    return str(export.start.get("detectors", {}).get(table.name, {}).get("role", "fluorescence"))


def _monitor(entry: Any, export: Export) -> None:
    assert export.i0 is not None
    monitor = group(entry, "monitor", "NXmonitor")
    monitor["mode"] = "timer"
    field(monitor, "preset", float(export.start.get("dwell_s", 0.0)), "s")
    monitor["data"] = h5py.SoftLink(f"{entry.name}/instrument/incoming_beam/data")
