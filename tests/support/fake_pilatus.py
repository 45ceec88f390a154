"""A Pilatus without PVs that writes real files: what staging, triggering and the documents are like."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
from ophyd import Device
from ophyd.status import DeviceStatus

from devices.configuration import PilatusSettings
from devices.detectors.pilatus import Pilatus

SHAPE = (3, 4)


class FakePilatus(Device):
    """Writes image k of the detector as an array of k into a file per staging; `fail` is raised by the next trigger."""

    check_exposure, geometry = Pilatus.check_exposure, Pilatus.geometry

    def __init__(self, folder: Path, settings: PilatusSettings) -> None:
        super().__init__("", name="pilatus")
        self.folder, self.settings = folder, settings
        self.fail: list[Exception] = []
        self.not_ready: Exception | None = None
        self.images = self.written = 0
        self.path: Path | None = None
        self._docs: list[tuple[str, dict[str, Any]]] = []
        self._datum = ""

    def connect(self) -> None:
        pass

    def check_ready(self) -> None:
        if self.not_ready is not None:
            raise self.not_ready

    def configure(self, settings: dict[str, float]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    def stage(self) -> list[Any]:
        self.resource, self.written = str(uuid.uuid4()), 0
        self.path = self.folder / f"{self.resource}.h5"
        with h5py.File(self.path, "w") as file:
            file.create_dataset("/entry/data/data", (0, *SHAPE), "i4", maxshape=(None, *SHAPE), chunks=(1, *SHAPE))
        self._docs = [
            (
                "resource",
                {
                    "uid": self.resource,
                    "spec": "AD_HDF5",
                    "root": "/",
                    "resource_path": str(self.path.relative_to("/")),
                    "resource_kwargs": {"frame_per_point": 1},
                    "path_semantics": "posix",
                },
            )
        ]
        staged: list[Any] = super().stage()
        return staged

    def unstage(self) -> list[Any]:
        self.path = None
        unstaged: list[Any] = super().unstage()
        return unstaged

    def trigger(self) -> DeviceStatus:
        assert self.path is not None
        status = DeviceStatus(self)
        if self.fail:
            status.set_exception(self.fail.pop(0))
            return status
        with h5py.File(self.path, "a") as file:
            stack = file["/entry/data/data"]
            stack.resize(self.written + 1, axis=0)
            stack[self.written] = np.full(SHAPE, self.images)
        self._datum = f"{self.resource}/{self.written}"
        kwargs = {"point_number": self.written}
        self._docs.append(("datum", {"datum_id": self._datum, "resource": self.resource, "datum_kwargs": kwargs}))
        self.images, self.written = self.images + 1, self.written + 1
        status.set_finished()
        return status

    def collect_asset_docs(self) -> Any:
        docs, self._docs = self._docs, []
        yield from docs

    def read(self) -> dict[str, Any]:
        return {"pilatus_image": {"value": self._datum, "timestamp": time.time()}}

    def describe(self) -> dict[str, Any]:
        key = {"source": "fake", "dtype": "array", "shape": [1, *SHAPE], "dtype_numpy": "<i4", "external": "FILESTORE:"}
        return {"pilatus_image": key}
