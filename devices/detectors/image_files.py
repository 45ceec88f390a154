"""HDF5 plugin of an areaDetector: one file per run, with all its images."""

from __future__ import annotations

import time
from typing import Any

from ophyd.areadetector.filestore_mixins import FileStoreBase, FileStoreHDF5, new_short_uid
from ophyd.areadetector.plugins import HDF5Plugin

from devices.detectors.area_detector_signals import ANSWER_TIMEOUT_S, fresh_setpoint, fresh_value
from devices.detectors.path_mapping import check_writable_path, path_kind
from devices.signals.uncached_signal import put_and_wait, put_without_completion
from errors import StorageError

POLL_S = 0.01

FILE_SIGNALS = (
    "file_path", "file_path_exists", "file_name", "file_number", "file_template", "file_write_mode", "capture",
    "num_capture", "num_captured", "auto_increment", "auto_save", "array_counter", "write_status", "write_message",
    "enable", "blocking_callbacks", "nd_array_port", "port_name", "plugin_type", "array_size.depth",
    "array_size.height", "array_size.width",
)  # fmt: skip
"""Signals that a run uses; ophyd would connect them one by one at their first use, and wait a second for each."""


class _Capture(FileStoreBase):
    """Part of the plugin that starts the capture once everything else is staged, and reports a failure at once."""

    def stage(self) -> Any:
        """Stage as ophyd does, then open the file; raises StorageError with the plugin's reason."""
        staged = super().stage()
        # A busy record: a write with completion would be complete at the end of the capture.
        put_without_completion(self.capture, 1)
        self._wait_for_capture()
        return staged

    def _wait_for_capture(self) -> None:
        """Wait until the plugin captures; raises StorageError if it has refused, or does neither in time."""
        # The read-back is 1 once the file is open; the record itself goes back to 0 if it cannot be opened.
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not int(fresh_value(self.capture)):
            if not int(fresh_setpoint(self.capture)) or time.monotonic() > deadline:
                raise self.write_error()
            time.sleep(POLL_S)

    def unstage(self) -> Any:
        """Close the file, then unstage as ophyd does. Raises NotConnectedError if the detector does not answer."""
        put_and_wait(self.capture, 0, ANSWER_TIMEOUT_S)
        return super().unstage()


class ImageFiles(HDF5Plugin, FileStoreHDF5, _Capture):
    """HDF5 plugin in Stream mode: one file per run, all images in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, write_path_template="/", root="/", **kwargs)
        # _Capture starts it last, so that a failure to open the file is found before anything is exposed.
        del self.stage_sigs["capture"]

    def write_to(self, local: str, seen_by_ioc: str) -> None:
        """Write the next files into the folder `local`, which the IOC calls `seen_by_ioc`."""
        self.read_path_template = local
        self.write_path_template = seen_by_ioc
        self.file_path.path_semantics = path_kind(seen_by_ioc)

    def make_filename(self) -> tuple[str, str, str]:
        """Return a new file name, the folder as this computer names it, and the folder as the IOC names it.

        Unlike ophyd's own method, it does not take a percent sign in a folder for a date format.
        """
        return new_short_uid(), str(self.read_path_template), str(self.write_path_template)

    def check_folder(self, folder: str) -> None:
        """Set the plugin's folder; raises StorageError if it cannot be set, or does not exist where the IOC runs."""
        check_writable_path(folder, self.file_path.setpoint_pvname)
        put_and_wait(self.file_path, folder, ANSWER_TIMEOUT_S)
        if not int(fresh_value(self.file_path_exists)):
            raise StorageError(
                f"{self.file_path.setpoint_pvname}: the folder {folder} does not exist on the computer of the Pilatus. "
                "Create it, or choose another one."
            )

    def write_error(self) -> StorageError:
        """Return the error for the plugin's last failure, with its own message."""
        message = self.write_message.get(use_monitor=False, as_string=True)
        return StorageError(
            f"The Pilatus cannot write its images. {self.write_message.pvname} reports: {message}. "
            "Free some space or choose another folder, then repeat the run; images written before are saved."
        )
