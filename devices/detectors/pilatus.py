"""Pilatus area detector: its IOC writes the images to HDF5 files, the run refers to them.

An image counts only when the plugin has confirmed that it is written. Therefore each datum points at the place in the
file where its image is, whatever happened to earlier exposures.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ophyd.areadetector import DetectorBase
from ophyd.areadetector.base import ADComponent
from ophyd.areadetector.cam import PilatusDetectorCam
from ophyd.device import Staged
from ophyd.signal import EpicsSignalBase
from ophyd.status import DeviceStatus

from devices.configuration import PilatusSettings
from devices.detectors.area_detector_signals import ANSWER_TIMEOUT_S, fresh_value, unconnected
from devices.detectors.image_files import FILE_SIGNALS, ImageFiles
from devices.detectors.path_mapping import as_seen_by_ioc
from devices.numbers import finite_number
from devices.signals.connection import wait_connected
from devices.signals.move_status import MoveStatus
from devices.signals.pausing import failures_logged
from devices.signals.uncached_signal import (
    disconnected_names,
    put_and_wait,
    put_with_completion,
    put_without_completion,
)
from errors import AcquisitionError, InputError, NotConnectedError, OutOfRangeError, StorageError

DEFAULT_EXPOSURE_S = 1.0
"""Exposure of images in a stock plan, which sets none, s."""

READOUT_S = 0.003
"""Time between two exposures, s (Pilatus 100K manual: about 3 ms)."""

INTERNAL_TRIGGER = 0
"""Choice of TriggerMode: the camera exposes by itself."""

MULTIPLE = 1
"""Choice of ImageMode: NumImages images per acquisition."""

CAMERA_SIGNALS = (
    "acquire", "acquire_time", "acquire_period", "num_images", "num_exposures", "image_mode", "trigger_mode", "model",
    "manufacturer", "status_message", "array_callbacks", "data_type", "data_type_disabled", "port_name",
    "array_size.array_size_x", "array_size.array_size_y", "array_size.array_size_z",
)  # fmt: skip


class Pilatus(DetectorBase):
    """Pilatus 100k: stock camera and HDF5 plugin, with time-outs and reasons.

    Call `write_to(folder)` once, and `prepare(exposure_s)` before each staging. Staging sets everything else that a run
    relies on, and unstaging restores it. The event field is `pilatus_image` for a device of the name "pilatus".
    """

    # Order of events for one image: put 1 to Acquire; the camera exposes and passes the image to the plugin, which
    # blocks the camera until it has written (blocking_callbacks); only then does the put complete. The plugin's count
    # of written images is read afterwards, because completion also comes for an image that was stopped or could not be
    # written. Invariant: `_written` is the number of images in the open file that events refer to, so that the next
    # image must raise the count above it; its index in the file is the count minus one.

    cam = ADComponent(PilatusDetectorCam, "cam1:", lazy=False)
    hdf5 = ADComponent(ImageFiles, "HDF1:", lazy=False)

    _default_read_attrs = ("hdf5",)

    def __init__(self, settings: PilatusSettings, *, prefix: str, name: str) -> None:
        self.settings = settings
        self._exposure_s = math.nan
        self._folder: Path | None = Path(settings.folder) if settings.folder else None
        self._written = 0
        super().__init__(prefix + settings.prefix, name=name)
        self.hdf5.read_attrs = []
        # Everything that decides whether one trigger makes one image in the file: other clients may have changed it.
        self.stage_sigs.update(
            [
                ("cam.acquire", 0),
                ("cam.trigger_mode", INTERNAL_TRIGGER),
                ("cam.image_mode", MULTIPLE),
                ("cam.num_images", 1),
                ("cam.num_exposures", 1),
                ("cam.array_callbacks", 1),
            ]
        )
        self.hdf5.stage_sigs.update([("enable", 1), ("blocking_callbacks", 1)])

    @property
    def geometry(self) -> dict[str, Any]:
        """Position of the detector, for the start document.

        `distance_m` sample to detector plane, which is perpendicular to the beam; `offset_m` from the direct beam to
        the detector's near edge (column 0, horizontal) and to its middle row (vertical); `pixel_m`; `shape` rows and
        columns; `polarization` of the X-rays, 1 horizontal to -1 vertical.
        """
        settings = self.settings
        return {
            "distance_m": settings.distance_m,
            "offset_m": [settings.offset_horizontal_m, settings.offset_vertical_m],
            "pixel_m": settings.pixel_m,
            "shape": [settings.rows, settings.columns],
            "polarization": settings.polarization,
        }

    def write_to(self, folder: Path) -> None:
        """Choose the existing `folder`, as this computer names it, for the images of the next runs.

        Raises InputError unless it is absolute, ConfigurationError if it is not below `local_root` of [pilatus].
        """
        if not folder.is_absolute():
            raise InputError(f"Folder {folder} for the Pilatus' images must be an absolute path. Begin it with /.")
        self._seen_by_ioc(folder)
        self._folder = folder

    def check_exposure(self, exposure_s: float) -> None:
        """Raise InputError unless an image can take `exposure_s` seconds."""
        finite_number(exposure_s, "exposure_s", "s")
        low = self.settings.exposure_low_s
        high = self.settings.exposure_high_s
        if not low <= exposure_s <= high:
            raise OutOfRangeError("exposure_s", exposure_s, low, high, "s")

    def _used_signals(self) -> list[EpicsSignalBase]:
        camera = [unconnected(self.cam, name) for name in CAMERA_SIGNALS]
        return [*camera, *(unconnected(self.hdf5, name) for name in FILE_SIGNALS)]

    @property
    def answers(self) -> bool:
        """Whether all signals that a run uses are connected."""
        return not disconnected_names(self._used_signals())

    def connect(self, timeout_s: float | None = None) -> None:
        """Wait for camera and plugin; raises NotConnectedError with the PVs that do not answer."""
        timeout_s = self.settings.connection_timeout_s if timeout_s is None else timeout_s
        signals = self._used_signals()
        wait_connected(signals, timeout_s)
        if missing := disconnected_names(signals):
            raise NotConnectedError(missing, timeout_s)

    def check_ready(self) -> None:
        """Raise if no image could be taken: PVs that do not answer, a busy camera, or no folder to write to.

        Raises NotConnectedError, AcquisitionError or StorageError; nothing is exposed or written.
        """
        self.connect()
        if int(fresh_value(self.cam.acquire)):
            raise AcquisitionError(
                f"{self.cam.acquire.pvname} shows that the Pilatus is exposing already. Wait until it is done, or "
                f"write 0 to {self.cam.acquire.setpoint_pvname} to stop it."
            )
        self._check_size()
        self.hdf5.check_folder(self._seen_by_ioc(self._checked_folder()))

    def _check_size(self) -> None:
        """Raise AcquisitionError if the images are not of the configured size; 0 means none taken yet."""
        size = self.cam.array_size
        found = int(fresh_value(size.array_size_y)), int(fresh_value(size.array_size_x))
        wanted = self.settings.rows, self.settings.columns
        if all(found) and found != wanted:
            raise AcquisitionError(
                f"{size.array_size_x.pvname}: images have {found[0]} rows and {found[1]} columns; [pilatus] gives "
                f"{wanted[0]} and {wanted[1]}. Undo the camera's region or binning, or correct the configuration."
            )

    def _seen_by_ioc(self, folder: Path) -> str:
        return as_seen_by_ioc(folder, self.settings.local_root, self.settings.ioc_root)

    def _checked_folder(self) -> Path:
        if self._folder is None:
            raise StorageError("The Pilatus has no folder to write to. Call write_to(folder) before staging it.")
        return self._folder

    def configure(self, settings: dict[str, float]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Prepare for images of `settings["exposure_s"]`; return the old and the new exposure, s, as bluesky expects.

        Raises the same errors as `prepare`.
        """
        old = self._exposure_s
        self.prepare(settings["exposure_s"])
        return tuple({"exposure_s": {"value": value, "timestamp": time.time()}} for value in (old, self._exposure_s))  # type: ignore[return-value]  # two of them

    def prepare(self, exposure_s: float) -> None:
        """Set the exposure of the next images, s; raises AcquisitionError if the camera does not accept it."""
        self.check_exposure(exposure_s)
        self.connect()
        put_and_wait(self.cam.acquire_time, exposure_s, ANSWER_TIMEOUT_S)
        put_and_wait(self.cam.acquire_period, exposure_s + READOUT_S, ANSWER_TIMEOUT_S)
        # The camera clips or refuses values silently, so the exposure is read back. The period must be longer than the
        # exposure by the readout, or the camera shortens the exposure.
        kept = float(fresh_value(self.cam.acquire_time))
        if not math.isclose(kept, exposure_s, rel_tol=1e-6):
            raise AcquisitionError(
                f"{self.cam.acquire_time.pvname} stays at {kept:g} s, wanted {exposure_s:g} s. Check the camera's "
                "limits."
            )
        self._exposure_s = exposure_s

    def stage(self) -> Any:
        """Open a new file; raises NotConnectedError, StorageError or AcquisitionError before anything is exposed.

        A plan that sets no exposure, such as a stock plan, gets DEFAULT_EXPOSURE_S.
        """
        folder = self._checked_folder()
        if math.isnan(self._exposure_s):
            self.prepare(DEFAULT_EXPOSURE_S)
        self.connect()
        self.hdf5.check_folder(self._seen_by_ioc(folder))
        self.hdf5.write_to(str(folder), self._seen_by_ioc(folder))
        self._written = 0
        try:
            return super().stage()
        except TimeoutError as error:
            if isinstance(error, NotConnectedError):
                raise
            raise AcquisitionError(
                f"The Pilatus {self.prefix} does not accept its settings: {error}. Check its IOC, then repeat the run."
            ) from error

    def unstage(self) -> Any:
        """Close the file and restore the settings; a detector that does not answer is only marked as unstaged."""
        if self._staged is not Staged.no and not self.answers:
            # ophyd would write the original settings to PVs that do not answer, fail, and stay staged forever: the
            # next run could not stage it. So its record of settings is dropped here; the IOC has lost them anyway.
            for device in (self, self.cam, self.hdf5):
                device._original_vals.clear()
                device._staged = Staged.no
            return [self]
        return super().unstage()

    def trigger(self) -> DeviceStatus:
        """Take one image; the status is done when it is in the file.

        The status fails with StorageError if the image could not be written, AcquisitionError if it was not taken, and
        with a time-out that names the PV if the detector does not finish. Raises AcquisitionError unless it is staged.
        """
        if self._staged is not Staged.yes:
            raise AcquisitionError("The Pilatus is not staged. Stage it, or use it in a plan that does.")
        timeout_s = self._exposure_s + self.settings.margin_s
        pvs = [self.cam.acquire.setpoint_pvname]
        status = MoveStatus(self, what=f"{self.name}: an image of {self._exposure_s:g} s", pvs=pvs, timeout_s=timeout_s)
        started = time.time()
        ended = self._finisher(status, started)
        status.begin_by(lambda: put_with_completion(self.cam.acquire, 1, ended))
        return status

    def _finisher(self, status: DeviceStatus, started: float) -> Callable[..., None]:
        def finished(**_: Any) -> None:
            """End the status: as a success if the image was written, otherwise with the error of `_take_note`."""
            if status.done:
                return
            try:
                self._take_note(started)
            except Exception as error:  # noqa: BLE001  # only the status can report what happens in a callback
                status.set_exception(error)
            else:
                status.set_finished()

        return finished

    def _take_note(self, started: float) -> None:
        """Make the datum of the image just written; raises StorageError or AcquisitionError if there is none."""
        written = int(fresh_value(self.hdf5.num_captured))
        if int(fresh_value(self.hdf5.write_status)):
            raise self.hdf5.write_error()
        if written <= self._written:
            state = self.cam.status_message.get(use_monitor=False, as_string=True)
            raise AcquisitionError(
                f"{self.hdf5.num_captured.pvname} stays at {written}: the image was not taken ({state}). It was "
                "stopped, or its IOC restarted. Repeat the point."
            )
        self._written = written
        self.generate_datum(f"{self.name}_image", started, {"point_number": written - 1})

    def stop(self, *, success: bool = False) -> None:
        """End a running exposure; does nothing if the detector is not connected.

        Raises NotConnectedError if it is connected and does not answer.
        """
        if self.answers and int(fresh_value(self.cam.acquire)):
            put_without_completion(self.cam.acquire, 0)

    def pause(self) -> None:
        """End a running exposure: after the pause its image would not match the other detectors' exposure.

        A failure is logged, not raised.
        """
        with failures_logged(f"{self.name} was not stopped for the pause"):
            self.stop()

    def resume(self) -> None:
        """Do nothing: the plan takes the image again, in a new file."""

    @property
    def hints(self) -> dict[str, list[str]]:
        """No field to plot, as an image is not one number."""
        return {"fields": []}
