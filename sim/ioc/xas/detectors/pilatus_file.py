"""HDF5 files of images in the layout of areaDetector: one growing stack at /entry/data/data."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import h5py  # type: ignore[import-untyped]  # it has no annotations

from sim.errors import SimulationInputError
from sim.types import Image

DATA = "/entry/data/data"

NUMBERS = "/entry/instrument/NDAttributes/NDArrayUniqueId"

TIMES = "/entry/instrument/NDAttributes/NDArrayTimeStamp"

FILE_BYTES = 65_536
"""Room for what HDF5 writes once per file, bytes."""

IMAGE_BYTES = 256
"""Room for what HDF5 writes with each image, bytes."""


class ImageFileError(SimulationInputError):
    """An image cannot be written; the plugin shows the message in WriteMessage."""


class ImageFile:
    """One open file of images of `shape` (rows, columns).

    It takes no lock and is complete after each image, so that it can be read while it grows.
    Raises ImageFileError if the folder is missing, cannot be written or is full.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.path = path
        self.images = 0
        if not path.parent.is_dir():
            raise ImageFileError(f"Folder {path.parent} does not exist")
        try:
            with path.open("xb"):
                pass
            self._reserve(0)
        except OSError as error:
            raise ImageFileError(f"Cannot write {path}: {error.strerror}") from error
        self._file = h5py.File(path, "w", locking=False)
        self._layout(shape)
        self._file.flush()

    def _layout(self, shape: tuple[int, int]) -> None:
        kinds = {"/entry": "NXentry", "/entry/data": "NXdata", "/entry/instrument": "NXinstrument",
                 "/entry/instrument/NDAttributes": "NXcollection"}  # fmt: skip
        for name, kind in kinds.items():
            self._file.require_group(name).attrs["NX_class"] = kind
        stack = self._file.create_dataset(DATA, (0, *shape), "i4", maxshape=(None, *shape), chunks=(1, *shape))
        stack.attrs["signal"] = 1
        for name, dtype in ((NUMBERS, "i4"), (TIMES, "f8")):
            self._file.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(256,))

    def append(self, image: Image, *, unique_id: int, time_s: float) -> None:
        """Add one image; raises ImageFileError if there is no room, and leaves the earlier images intact."""
        try:
            self._reserve((self.images + 1) * (image.nbytes + IMAGE_BYTES))
        except OSError as error:
            raise ImageFileError(f"Cannot write image {self.images + 1} to {self.path}: {error.strerror}") from error
        for name, value in ((DATA, image), (NUMBERS, unique_id), (TIMES, time_s)):
            dataset = self._file[name]
            dataset.resize(self.images + 1, axis=0)
            dataset[self.images] = value
        self.images += 1
        self._file.flush()

    def _reserve(self, size: int) -> None:
        """Reserve `size` bytes in the file system; raises OSError if there is no room."""
        # When a write of HDF5 itself fails, the library leaves the file inconsistent and may crash at its next call.
        # With the room reserved beforehand no write can fail for lack of space, and images written before stay
        # readable.
        handle = os.open(self.path, os.O_RDWR)
        try:
            os.posix_fallocate(handle, 0, FILE_BYTES + size)
        finally:
            os.close(handle)

    def close(self) -> None:
        """Close the file; closing again does nothing, and nothing is raised."""
        # All images are flushed; a file system that has gone away must not take the server with it.
        with contextlib.suppress(RuntimeError, OSError):
            self._file.close()
