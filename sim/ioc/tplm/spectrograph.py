"""Spectrograph with its camera: areaDetector records around simulated spectra of the film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.area_camera import AreaCamera
from sim.ioc.records.area_detector import SettingsGroup
from sim.ioc.records.fields import repost
from sim.ioc.tplm.camera_records import array_records, camera_records
from sim.ioc.tplm.scene import Scene, Stretch
from sim.ioc.tplm.tcspc import scenes_of
from sim.physics.tplm.spectrum import COLUMNS, ROWS, Readout, rows_of
from sim.types import FloatArray, Image

CAMERA = "tplm:PIXIS:"
"""Prefix of the camera (chosen); camera and plugin have areaDetector's usual suffixes."""

TURN_NM_S = 100.0
"""Speed of the grating, nm per s of beam (chosen)."""

LOW_NM = 0.0
HIGH_NM = 1400.0
"""Range of the grating of 300 grooves/mm, nm (vendor's data)."""

BACKLOG = 20
"""Spectra that wait for a slow subscriber before older ones are left out."""


class Monochromator(PVGroup):
    """The grating of the spectrograph: the wavelength in the middle of the camera."""

    wavelength = pvproperty(
        name="tplm:SP2150:Wavelength", value=515.0, record="ao", dtype=float, units="nm", precision=2,
        lower_ctrl_limit=LOW_NM, upper_ctrl_limit=HIGH_NM, doc="Wavelength in the middle of the camera, set",
    )  # fmt: skip
    wavelength_readback = pvproperty(
        name="tplm:SP2150:WavelengthRBV", value=515.0, record="ai", dtype=float, units="nm", precision=2,
        read_only=True, doc="Wavelength in the middle of the camera",
    )  # fmt: skip
    grooves = pvproperty(
        name="tplm:SP2150:Grooves", value=300.0, record="ai", dtype=float, units="1/mm", precision=0, read_only=True,
        doc="Grooves of the grating",
    )  # fmt: skip

    def __init__(self, prefix: str, *, clock: BeamClock, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock

    @wavelength.putter  # type: ignore[no-redef]
    async def wavelength(self, instance: Any, value: float) -> float:
        """Turn the grating, by 100 nm per s of beam; raises SimulationInputError outside 0 to 1400 nm."""
        if not LOW_NM <= value <= HIGH_NM:
            raise SimulationInputError(f"wavelength {value:g} nm is outside {LOW_NM:g} to {HIGH_NM:g} nm")
        await self._clock.sleep(abs(value - float(self.wavelength_readback.value)) / TURN_NM_S)
        await self.wavelength_readback.write(value)
        return value


class PixisCamera(AreaCamera):
    """The camera, whose rows are binned on the chip."""

    locals().update(camera_records())

    readout_s = 0.01

    async def put_BinY(self, value: int) -> int:  # noqa: N802  # named after the record
        """Set how many rows are read as one; raises SimulationInputError for more than there are."""
        rows_of(int(self.SizeY.value), value)
        return value

    async def put_SizeY(self, value: int) -> int:  # noqa: N802  # named after the record
        """Set the rows that are read; raises SimulationInputError for fewer than are binned."""
        rows_of(value, int(self.BinY.value))
        return value


class ArrayPlugin(SettingsGroup):
    """The plugin that serves the latest image as an array, row by row."""

    locals().update(array_records())

    ArrayData = pvproperty(
        name="ArrayData", value=[0] * COLUMNS, max_length=COLUMNS * ROWS, max_subscription_backlog=BACKLOG,
        dtype=int, read_only=True, doc="Pixis array: counts of the latest image",
    )  # fmt: skip

    async def receive(self, image: Image, unique_id: int, time_s: float) -> None:
        """Serve an image, shape (row, column) in counts, if the plugin is enabled."""
        if self.EnableCallbacks.value != "Enable":
            return
        # The array first: a reader that sees the new number must find the new array.
        await repost(self.ArrayData, image.ravel())
        await self.show("ArraySizeY_RBV", image.shape[0])
        await self.settle("ArrayCounter", self.ArrayCounter.value + 1)
        await self.show("TimeStamp_RBV", time_s)
        await self.show("UniqueId_RBV", unique_id)


class SceneRecord:
    """The scenes of an exposure of the camera, from its start on: a change during it counts from its moment."""

    def __init__(self, clock: BeamClock, scene: Callable[[], Scene]) -> None:
        self._clock = clock
        self._scene = scene
        self._seen: list[tuple[float, Scene]] | None = None

    def open(self) -> None:
        """Start an exposure."""
        self._seen = [(self._clock.now_s(), self._scene())]

    def note(self) -> None:
        """Note the present scene if an exposure runs and the scene has changed."""
        if self._seen is not None and (scene := self._scene()) != self._seen[-1][1]:
            self._seen.append((self._clock.now_s(), scene))

    def close(self, exposure_s: float) -> list[Stretch]:
        """End an exposure of `exposure_s` s of beam, and return its stretches."""
        assert self._seen is not None  # a camera ends what it has begun
        self.note()
        seen = self._seen
        self._seen = None
        return scenes_of(seen, seen[0][0] + exposure_s)

    def forget(self) -> None:
        """Drop an exposure that was not closed."""
        self._seen = None


class SpectrumCamera:
    """Grating, camera and array.

    `light` returns the mean electrons of an exposure in each column, (columns,), from its stretches and the wavelength
    that the grating shows, nm. `draw` returns its image from them, and from how it is read.
    """

    def __init__(
        self,
        macro: str,
        *,
        clock: BeamClock,
        scene: Callable[[], Scene],
        light: Callable[[Sequence[Stretch], float], FloatArray],
        draw: Callable[[FloatArray, Readout], Image],
    ) -> None:
        self.grating = Monochromator(macro, clock=clock)
        self.array = ArrayPlugin(f"{macro}{CAMERA}image1:")
        self.record = SceneRecord(clock, scene)
        self._light = light
        self._draw = draw
        self.camera = PixisCamera(
            f"{macro}{CAMERA}cam1:", clock=clock, gate=self.record, take=self._take, receivers=(self.array.receive,)
        )

    def _take(self, exposure_s: float) -> Image:
        stretches = self.record.close(exposure_s)
        electrons = self._light(stretches, float(self.grating.wavelength_readback.value))
        rows = rows_of(int(self.camera.SizeY.value), int(self.camera.BinY.value))
        return self._draw(electrons, Readout(exposure_s=exposure_s, rows=rows))

    @property
    def pvdb(self) -> dict[str, Any]:
        """Every PV by its full name."""
        return {**self.grating.pvdb, **self.camera.pvdb, **self.array.pvdb}
