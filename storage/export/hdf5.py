"""Plain HDF5: a group per table, a dataset per column with its unit, and the start document as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

    from storage.export.source import Export


def write_hdf5(path: Path, export: Export) -> None:
    """Write all tables of an export to a new file; raises OSError if it exists or cannot be written."""
    with h5py.File(path, "x") as file:
        file.attrs["title"] = export.title
        file.attrs["runs"] = list(export.uids)
        file.attrs["started"] = export.start_time
        file.attrs["start"] = export.start_json
        file.attrs["results"] = "\n".join(export.lines)
        for table in export.tables:
            group = file.create_group(table.name)
            group.attrs["axis"] = table.axis.name
            group.attrs["scale"] = table.scale
            for column in table.flat:
                group.create_dataset(column.name, data=column.values).attrs["units"] = column.unit
