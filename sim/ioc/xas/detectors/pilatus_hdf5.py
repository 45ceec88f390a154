"""HDF5 file plugin of the simulated Pilatus, which writes files into the folder that is set."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from pathlib import Path
from typing import Any

from caproto import SkipWrite

from sim.errors import SimulationInputError
from sim.ioc.records.area_detector import SettingsGroup, hdf5_records
from sim.ioc.xas.detectors.pilatus_file import ImageFile, ImageFileError
from sim.physics.diffraction import COLUMNS, ROWS
from sim.types import Image

TEMPLATE = re.compile(r"^(?:[^%]|%\d*\.?\d*[sd])*$")


class Hdf5Plugin(SettingsGroup):
    """Modes Single (a file for each image, with AutoSave) and Stream (images from Capture on go into one file).

    A failed write shows as WriteStatus "Write error" with the reason in WriteMessage, and ends the capture.
    """

    locals().update(hdf5_records())

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._file: ImageFile | None = None
        self._captured = asyncio.Event()
        self.fault_disk_full = False
        """Whether there is no room for images."""

    async def receive(self, image: Image, unique_id: int, time_s: float) -> None:
        """Take an image, (row, column) in counts, from the camera, if the plugin is enabled; raises nothing."""
        if self.EnableCallbacks.value != "Enable":
            return
        await self.settle("ArrayCounter", self.ArrayCounter.value + 1)
        await self.show("UniqueId_RBV", unique_id)
        await self.show("TimeStamp_RBV", time_s)
        if self._file is not None:
            await self._stream(self._file, image, unique_id, time_s)
        elif self.FileWriteMode.value == "Single" and self.AutoSave.value == "Yes":
            await self._write_one(image, unique_id, time_s)

    async def _stream(self, file: ImageFile, image: Image, unique_id: int, time_s: float) -> None:
        try:
            self._check_room(file.path)
            file.append(image, unique_id=unique_id, time_s=time_s)
        except ImageFileError as error:
            await self._failed(error)
            return
        await self.show("NumCaptured_RBV", file.images)
        if file.images == self.NumCapture.value:
            await self._end_capture()

    async def _write_one(self, image: Image, unique_id: int, time_s: float) -> None:
        try:
            file = await self._open()
            try:
                file.append(image, unique_id=unique_id, time_s=time_s)
            finally:
                file.close()
        except ImageFileError as error:
            await self._failed(error)

    async def _open(self) -> ImageFile:
        """Open the next file; its name comes from path, name and number through the template."""
        parts = (self.FilePath.value, self.FileName.value, self.FileNumber.value)
        try:
            path = Path(self.FileTemplate.value % parts)
        except (TypeError, ValueError) as error:
            raise ImageFileError(
                f"FileTemplate {self.FileTemplate.value!r} does not take path, name, number"
            ) from error
        self._check_room(path)
        file = ImageFile(path, (ROWS, COLUMNS))
        await self.show("FullFileName_RBV", str(path))
        if self.AutoIncrement.value == "Yes":
            await self.settle("FileNumber", self.FileNumber.value + 1)
        await self._say("Write OK", f"Opened {path.name}")
        return file

    def _check_room(self, path: Path) -> None:
        if self.fault_disk_full:
            raise ImageFileError(f"Cannot write {path}: {os.strerror(errno.ENOSPC)}")

    async def _failed(self, error: ImageFileError) -> None:
        # areaDetector shows a failed write in WriteStatus and WriteMessage, and completes the acquisition as if nothing
        # had happened; only a client that reads these records notices. The capture ends, so no later image fills the
        # gap.
        await self._say("Write error", str(error))
        await self._end_capture()

    async def _say(self, status: str, message: str) -> None:
        await self.WriteStatus.write(status, verify_value=False)
        # The end of a message tells more than its beginning when it does not fit.
        await self.WriteMessage.write(message[-250:], verify_value=False)

    async def _end_capture(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        await self.settle("Capture", "Done")
        self._captured.set()

    async def put_Capture(self, value: str) -> Any:  # noqa: N802  # named after the record
        """Open a file for all following images, or close it; raises SimulationInputError unless the mode is Stream."""
        if value == "Done":
            await self._end_capture()
            return SkipWrite
        if self._file is not None:
            await self._captured.wait()
            return SkipWrite
        if self.FileWriteMode.value != "Stream":
            raise SimulationInputError(f"{self.prefix}: the simulation captures only with FileWriteMode Stream")
        await self.show("NumCaptured_RBV", 0)
        try:
            self._file = await self._open()
        except ImageFileError as error:
            await self._failed(error)
            return SkipWrite
        # A busy record (ADCore, NDFile.template): it is 1 at once, and the write is complete when the capture ends.
        self._captured.clear()
        await self.settle("Capture", "Capture")
        await self._captured.wait()
        return SkipWrite

    async def put_FilePath(self, value: str) -> str:  # noqa: N802  # named after the record
        """Set the folder, with a slash at its end, and show whether it exists.

        A CreateDirectory of -n creates up to n missing levels. A folder that cannot be made shows in WriteMessage;
        nothing is raised, as in areaDetector.
        """
        folder = Path(value)
        # A negative CreateDirectory is the largest number of levels to create below an existing folder (areaDetector).
        levels = -int(self.CreateDirectory.value)
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        if missing and len(missing) <= levels:
            try:
                folder.mkdir(parents=True)
            except OSError as error:
                await self._say("Write error", f"Cannot make {folder}: {error.strerror}")
        await self.show("FilePathExists_RBV", "Yes" if folder.is_dir() else "No")
        return value if value.endswith("/") else f"{value}/"

    async def put_FileTemplate(self, value: str) -> str:  # noqa: N802  # named after the record
        """Set the template of file names; raises SimulationInputError unless it fits path, name and number."""
        if not TEMPLATE.match(value):
            raise SimulationInputError(f"{self.prefix}FileTemplate {value!r} is not a format for path, name and number")
        return value

    async def put_WriteFile(self, value: str) -> Any:  # noqa: N802  # named after the record
        """Raise SimulationInputError: the modes Single and Stream write every image without it."""
        if value != "Done":
            raise SimulationInputError(
                f"{self.prefix}: the simulation writes by itself, in the modes Single and Stream"
            )
        return value
