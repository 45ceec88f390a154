"""Images of the area detector, copied into the NeXus file of their run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from storage.export.nexus_groups import field, group
from storage.image_reading import read_image

if TYPE_CHECKING:
    from storage.export.source import Export

ENTRY = "images"
"""Name of the entry."""


def write_images(file: Any, export: Export) -> None:
    """Add an entry with the images of all good exposures, shape (n, rows, columns), counts.

    Images are copied, so that the file can leave the beamline without the detector's own files. Those that cannot be
    read are named in a note with the reason. Raises OSError if the entry cannot be written.
    """
    # An entry of its own: the entries of the curves have one value per point, the images one per exposure.
    entry = group(file, ENTRY, "NXentry", default="data")
    entry["title"] = f"{export.title}: images"
    entry["start_time"] = export.start_time
    detector = group(group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
    detector["local_name"] = export.images[0].field
    exposures, missing = _copy(detector, export)
    if missing:
        note = group(entry, "missing", "NXnote")
        note["type"] = "text/plain"
        note["data"] = "\n".join(missing)
    if not exposures:
        return
    data = group(entry, "data", "NXdata", signal="data", axes=["exposure", ".", "."])
    data.attrs["exposure_indices"] = 0
    data["data"] = detector["data"]
    field(data, "exposure", exposures, "")


def _copy(detector: Any, export: Export) -> tuple[list[int], list[str]]:
    """Copy the images one by one; return the numbers of their exposures, and a line per image that is missing."""
    # One image at a time: those of a night do not fit into memory together. They are compressed, as most pixels of a
    # photon-counting detector hold few counts.
    exposures: list[int] = []
    missing: list[str] = []
    stored = None
    # A mean of several frames is not a whole number.
    kind = np.dtype("<i4") if all(one.frames == 1 for one in export.images) else np.dtype("<f8")
    for reference in export.images:
        try:
            image = read_image(reference)
        except ReductionError as error:
            missing.append(f"exposure {reference.events}: {error}")
            continue
        if stored is None:
            stored = detector.create_dataset(
                "data",
                shape=(0, *image.shape),
                maxshape=(None, *image.shape),
                chunks=(1, *image.shape),
                dtype=kind,
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )
            stored.attrs["units"] = "counts"
        stored.resize(len(exposures) + 1, axis=0)
        stored[-1] = image
        exposures.append(reference.events)
    return exposures, missing
