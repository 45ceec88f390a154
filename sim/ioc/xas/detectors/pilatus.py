"""Pilatus 100k as an areaDetector: camera, HDF5 plugin and statistics around simulated powder images."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from sim.clock import BeamClock
from sim.ioc.records.area_camera import AreaCamera
from sim.ioc.records.area_detector import SettingsGroup, camera_records, statistics_records
from sim.ioc.xas.detectors.pilatus_hdf5 import Hdf5Plugin
from sim.physics.diffraction import Diffraction, PowderScene
from sim.physics.experiment import restarted_seed
from sim.physics.sample import Phases
from sim.types import Image

PREFIX = "7idd:Pilatus:"
"""Prefix of the detector (chosen, in the beamline's style); camera and plugins have areaDetector's usual suffixes."""

READOUT_S = 0.003
"""Time between exposures, s (Pilatus 100K manual: about 3 ms)."""

RANDOM_STREAM = 103


class SceneSource(Protocol):
    """The source of the scene that the detector sees during an exposure."""

    def open(self) -> None:
        """Start an exposure."""

    def close(self, exposure_s: float) -> PowderScene:
        """End an exposure of `exposure_s` seconds of beam, and return its scene."""

    def forget(self) -> None:
        """Drop an exposure that was not closed when the acquisition ended; raises nothing if there is none."""


class Camera(AreaCamera):
    """The camera of the Pilatus."""

    locals().update(camera_records())

    readout_s = READOUT_S
    internal_triggers = ("Internal", "Alignment")


class Statistics(SettingsGroup):
    """Total, mean and extremes of the latest image, without pixels that have no counts."""

    locals().update(statistics_records())

    async def receive(self, image: Image, unique_id: int, time_s: float) -> None:
        """Compute the statistics of an image, shape (row, column) in counts, if the plugin is enabled."""
        if self.EnableCallbacks.value != "Enable":
            return
        await self.settle("ArrayCounter", self.ArrayCounter.value + 1)
        await self.show("UniqueId_RBV", unique_id)
        await self.show("TimeStamp_RBV", time_s)
        counts = image[image >= 0]
        results = {"Total": counts.sum(), "MeanValue": counts.mean(), "MinValue": counts.min(),
                   "MaxValue": counts.max(), "Sigma": counts.std()}  # fmt: skip
        for name, value in results.items():
            await self.show(f"{name}_RBV", float(value))


class Pilatus:
    """The detector: `camera`, `hdf5` and `statistics`; `gate` returns the scene at the end of an exposure."""

    def __init__(
        self,
        macro: str,
        *,
        clock: BeamClock,
        phases: Phases,
        seed: int,
        restarts: int,
        gate: SceneSource,
    ) -> None:
        self.diffraction = Diffraction(phases=phases, seed=seed)
        self._gate = gate
        self._rng = np.random.default_rng(restarted_seed(seed, RANDOM_STREAM, restarts))
        self.hdf5 = Hdf5Plugin(f"{macro}{PREFIX}HDF1:")
        self.statistics = Statistics(f"{macro}{PREFIX}Stats1:")
        receivers = (self.hdf5.receive, self.statistics.receive)
        self.camera = Camera(f"{macro}{PREFIX}cam1:", clock=clock, gate=gate, take=self._take, receivers=receivers)

    def _take(self, exposure_s: float) -> Image:
        return self.diffraction.image(self._gate.close(exposure_s), exposure_s, self._rng)

    @property
    def pvdb(self) -> dict[str, Any]:
        """Every PV by its full name."""
        return {**self.camera.pvdb, **self.hdf5.pvdb, **self.statistics.pvdb}
