"""Images read from the files that the detector's IOC writes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from reduction.image_references import ImageReference

DATASET = "/entry/data/data"
"""Where areaDetector's HDF5 plugin puts images (ADCore manual, NDFileHDF5, default layout)."""


def read_image(reference: ImageReference) -> NDArray[np.float64]:
    """Return the mean image of one exposure, shape (rows, columns), counts; raise ReductionError if it cannot be read.

    A file that is still being written is read up to its current end.
    """
    # A session that takes no images starts without it, 50 ms sooner.
    import h5py  # type: ignore[import-untyped]

    first = reference.index * reference.frames
    try:
        # Without a lock: the IOC still writes the file, and HDF5 would refuse to open it or, worse, keep the IOC from
        # writing.
        with h5py.File(reference.path, "r", locking=False) as file:
            frames = np.asarray(file[DATASET][first : first + reference.frames], dtype=float)
    except (OSError, KeyError) as error:
        raise ReductionError(
            f"Image {reference.index} cannot be read from {reference.path}: {error}. Check that this machine sees the "
            "detector's disk."
        ) from error
    # The event can arrive before the plugin has written the image of its exposure.
    if len(frames) < reference.frames:
        raise ReductionError(
            f"{reference.path} does not hold exposure {reference.index} yet. It is read again with the next image."
        )
    return np.asarray(frames.mean(axis=0))
